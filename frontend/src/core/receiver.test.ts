import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Device } from '../../test/support/device';
import { ScriptServer } from '../../test/support/script';

const ALICE = 'alice@example.org', BOB = 'bob@example.org';

let server: ScriptServer;
let device: Device;
let profile = 0;

const open = (): Promise<Device> => Device.open({ origin: 'https://example.org', socket: server.listener.factory, profile: `receiver-${profile}`, platform: { fetch: () => Promise.reject(new Error('no network')) } });

beforeEach(async () => {
  server = new ScriptServer();
  profile++;
  device = await open();
});
afterEach(() => device.stop());

async function signIn(): Promise<void> {
  await Promise.all([server.accept(), device.commands.signIn(ALICE, 'pencil')]);
  await device.online();
}

const archived = (n: number, inner: string, from = `${BOB}/phone`): { id: string; stamp: string; message: string } => ({
  id: `a${n}`, stamp: new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString(),
  message: `<message xmlns='jabber:client' from='${from}' to='${from.startsWith(ALICE) ? BOB : ALICE}' type='chat' id='m${n}'>${inner}</message>`,
});
const body = (text: string): string => `<body>${text}</body>`;
const tombstone = (by: string): string => `<origin-id xmlns='urn:xmpp:sid:0' id='o'/><retracted xmlns='urn:xmpp:message-retract:1' id='${by}' stamp='2026-01-01T00:01:00.000Z'/>`;
const retraction = (id: string): string => `<retract xmlns='urn:xmpp:message-retract:1' id='${id}'/><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:message-retract:1'/>${body('unsupported')}`;

describe('what was taken back before this device read the archive', () => {
  it('is shown as taken back, in its place, on a device that was never here', async () => {
    server.archive.push(
      archived(0, body('before')), archived(1, tombstone('m4')), archived(2, tombstone('m5'), `${ALICE}/other`), archived(3, body('after')),
      archived(4, retraction('m1')), archived(5, retraction('m2'), `${ALICE}/other`),
    );
    await signIn();
    const messages = await device.read(BOB);
    expect(messages.map(({ text, outgoing, retracted, problem }) => ({ text, outgoing, gone: retracted !== undefined, problem }))).toEqual([
      { text: 'before', outgoing: false, gone: false, problem: undefined },
      { text: '', outgoing: false, gone: true, problem: undefined },
      { text: '', outgoing: true, gone: true, problem: undefined },
      { text: 'after', outgoing: false, gone: false, problem: undefined },
    ]);
    expect(device.chats.get(BOB)?.last).toMatchObject({ text: 'after' });
  });

  it('is taken back from a device that has it, also when the archive is read again', async () => {
    server.archive.push(archived(0, body('before')), archived(1, body('my password')));
    await signIn();
    expect((await device.read(BOB)).map(({ text }) => text)).toEqual(['before', 'my password']);
    await device.stop();
    server.archive.splice(1, 1, archived(1, tombstone('m2')), archived(2, retraction('m1')), archived(3, body('after')));
    device = await open();
    await server.accept();
    await device.online();
    expect((await device.read(BOB)).map(({ text, retracted }) => [text, retracted !== undefined])).toEqual([['before', false], ['', true], ['after', false]]);
  });

  it('is one message, however often it was corrected before', async () => {
    server.archive.push(archived(0, tombstone('m2')), archived(1, `<replace xmlns='urn:xmpp:message-correct:0' id='m0'/>${tombstone('m2')}`), archived(2, retraction('m0')), archived(3, body('after')));
    await signIn();
    expect((await device.read(BOB)).map(({ text, retracted }) => [text, retracted !== undefined])).toEqual([['', true], ['after', false]]);
  });

  it('is told by the archive alone, and not of a message that says something', async () => {
    server.archive.push(archived(0, `${body('said')}${tombstone('m9')}`));
    await signIn();
    expect((await device.read(BOB)).map(({ text, retracted }) => [text, retracted])).toEqual([['said', undefined]]);
  });
});
