import { afterEach, beforeEach, expect, it } from 'vitest';
import { Device } from '../../test/support/device';
import { ScriptServer } from '../../test/support/script';

const ALICE = 'alice@example.org', BOB = 'bob@example.org', OLD = 'old@example.org', NS = 'urn:xmpp:inbox:1';

let server: ScriptServer;
let device: Device;
let profile = 0;

beforeEach(async () => {
  server = new ScriptServer();
  device = await Device.open({ origin: 'https://example.org', socket: server.listener.factory, profile: `inbox-${profile++}`, platform: { fetch: () => Promise.reject(new Error('no network')) } });
});
afterEach(() => device.stop());

const message = (from: string, text: string): string => `<message xmlns='jabber:client' from='${from}/x' to='${ALICE}' type='chat' id='${text}'><body>${text}</body></message>`;
const entry = (jid: string, unread: number, id: string, content: string): string => `<message xmlns='jabber:client' to='${ALICE}/Kith~1'><entry xmlns='${NS}' jid='${jid}' unread='${unread}' id='${id}'/>
  <result xmlns='urn:xmpp:mam:2' queryid='q' id='${id}'><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2020-01-01T00:00:00Z'/>${content}</forwarded></result></message>`;

async function signIn(): Promise<void> {
  await Promise.all([server.accept(), device.commands.signIn(ALICE, 'pencil')]);
  await device.online();
}

it('chats of long ago are there at once, with what is unread in them', async () => {
  server.archive.push({ id: 'a9', stamp: '2026-01-01T00:00:00Z', message: message(BOB, 'lately') });
  server.on(NS, 'inbox', (_payload, _iq, connected) => {
    connected.send(entry(BOB, 1, 'a9', message(BOB, 'lately')));
    connected.send(entry(OLD, 3, 'a1', message(OLD, 'long ago')));
    connected.send(entry('forged@example.org', 1, 'a2', message('mallory@example.org', 'forged')));
    connected.send(entry(OLD, 3, 'a1', message(OLD, 'long ago')).replace('<message ', `<message from='mallory@example.org' `).replaceAll('long ago', 'forged'));
    return `<fin xmlns='${NS}' total='3' unread='2' all-unread='4'/>`;
  });
  await signIn();
  expect(device.chats.get(OLD)).toMatchObject({ last: { text: 'long ago' }, unread: 3 });
  expect((await device.read(BOB)).map((one) => one.text)).toEqual(['lately']);
  expect([...device.chats.keys()].filter((chat) => !chat.startsWith('alice')).sort((a, b) => a.localeCompare(b))).toEqual([BOB, OLD]);
  await device.commands.markRead(OLD, device.message(OLD, 'long ago')?.order ?? 0);
  expect(device.chats.get(OLD)?.unread).toBe(0);
});

it('a server without it is asked once, and nothing is missing', async () => {
  server.archive.push({ id: 'a9', stamp: '2026-01-01T00:00:00Z', message: message(BOB, 'lately') });
  await signIn();
  expect(device.chats.get(BOB)).toMatchObject({ last: { text: 'lately' }, unread: 0 });
});
