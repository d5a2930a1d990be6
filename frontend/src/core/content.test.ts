import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Device } from '../../test/support/device';
import { ScriptServer, type Connected } from '../../test/support/script';
import type { XmlElement } from '../xmpp/xml';
import { mentionsIn } from './groups/mentions';

const ALICE = 'alice@example.org', BOB = 'bob@example.org';
const ORIGIN = `xmlns='urn:xmpp:sid:0'`;

let server: ScriptServer;
let device: Device;
let connected: Connected;
let profile = 0;

beforeEach(async () => {
  server = new ScriptServer();
  device = await Device.open({ origin: 'https://example.org', socket: server.listener.factory, profile: `content-${profile++}`, platform: { fetch: () => Promise.reject(new Error('no network')) } });
  [connected] = await Promise.all([server.accept(), device.commands.signIn(ALICE, 'pencil')]);
  await device.online();
});
afterEach(() => device.stop());

let count = 0;
/** Bob says something, with something beside it. */
function bob(content: string, id = `b${count++}`): string {
  connected.message(`${BOB}/phone`, `${content}<origin-id ${ORIGIN} id='${id}'/>`, { id, stanzaId: `a-${id}` });
  return id;
}
const sent = (test: (stanza: XmlElement) => boolean): Promise<XmlElement> => connected.until((stanza) => stanza.name === 'message' && stanza.attrs['to'] === BOB && test(stanza));

describe('messages that go after a while', () => {
  it('begin to go when they were read, and are gone then', async () => {
    bob(`<body>soon gone</body><ephemeral xmlns='urn:xmpp:ephemeral:0' timer='1'/>`);
    const message = await device.until(() => device.message(BOB, 'soon gone'));
    expect(message.timer).toBe(1);
    expect(device.chats.get(BOB)?.timer).toBe(1);
    bob('<body>stays</body>');
    await device.until(() => device.message(BOB, 'stays'));
    expect((await device.read(BOB)).map((one) => one.text)).toEqual(['soon gone', 'stays']);
    await device.commands.markRead(BOB, message.order);
    await device.until(() => device.message(BOB, 'soon gone') === undefined);
    expect((await device.read(BOB)).map((one) => one.text)).toEqual(['stays']);
    expect((await device.commands.findMessages('soon', { limit: 5 })).messages).toEqual([]);
  });

  it('are so by the word of anybody in the chat, until somebody says otherwise', async () => {
    bob(`<ephemeral xmlns='urn:xmpp:ephemeral:0' timer='3600'/><store xmlns='urn:xmpp:hints'/>`);
    await device.until(() => device.chats.get(BOB)?.timer === 3600);
    expect(device.chats.get(BOB)).toMatchObject({ unread: 0, last: { timerSet: 3600 } });
    expect((await device.read(BOB))[0]).toMatchObject({ timerSet: 3600, outgoing: false });
    const own = await device.commands.send(BOB, 'for an hour', { allowUnencrypted: true });
    expect(own.timer).toBe(3600);
    expect((await sent((stanza) => stanza.child('body')?.text === 'for an hour')).child('ephemeral', 'urn:xmpp:ephemeral:0')?.attrs['timer']).toBe('3600');
    await device.commands.setTimer(BOB, 0);
    expect(device.chats.get(BOB)?.timer).toBeUndefined();
    const off = await sent((stanza) => stanza.child('ephemeral', 'urn:xmpp:ephemeral:0')?.attrs['timer'] === '0');
    expect(off.child('body')).toBeUndefined();
    expect(off.child('store', 'urn:xmpp:hints')).toBeDefined();
    await expect(device.commands.setTimer(BOB, -1)).rejects.toMatchObject({ reason: { code: 'internal' } });
  });

  it('of one\'s own go when they were sent so long ago', async () => {
    await device.commands.setTimer(BOB, 1);
    await device.commands.send(BOB, 'gone in a second', { allowUnencrypted: true });
    await device.until(() => device.message(BOB, 'gone in a second')?.state === 'sent');
    await device.until(() => device.message(BOB, 'gone in a second') === undefined);
  });
});

describe('what stands above a chat', () => {
  it('is put there by either, and goes with the message', async () => {
    const id = bob('<body>the door code is 4711</body>');
    const message = await device.until(() => device.message(BOB, 'the door code is 4711'));
    await device.commands.pin(BOB, message.id, true);
    expect((await device.commands.pinned(BOB)).map((one) => one.text)).toEqual(['the door code is 4711']);
    const told = await sent((stanza) => stanza.child('pin', 'kith:pins:0') !== undefined);
    expect(told.child('pin', 'kith:pins:0')?.attrs).toEqual({ id, pinned: 'true' });
    bob(`<pin xmlns='kith:pins:0' id='${id}' pinned='false'/>`);
    await device.until(() => device.message(BOB, 'the door code is 4711')?.pinned === undefined);
    bob(`<pin xmlns='kith:pins:0' id='${id}' pinned='true'/>`);
    await device.until(() => device.message(BOB, 'the door code is 4711')?.pinned);
    bob(`<retract xmlns='urn:xmpp:message-retract:1' id='${id}'/>`);
    await device.until(() => device.message(BOB, '')?.retracted);
    expect(await device.commands.pinned(BOB)).toEqual([]);
  });

  it('waits for its message', async () => {
    bob(`<pin xmlns='kith:pins:0' id='late' pinned='true'/>`);
    bob('<body>here it is</body>', 'late');
    await device.until(() => device.message(BOB, 'here it is')?.pinned);
  });
});

describe('questions', () => {
  const poll = (several = false): string => `<body>📊 Pizza?\n1. Yes\n2. No</body><poll xmlns='kith:polls:0' ${several ? `several='true'` : ''}><question>Pizza?</question><option>Yes</option><option>No</option></poll>`;

  it('are answered by one answer, and counted', async () => {
    const id = bob(poll());
    const message = await device.until(() => device.message(BOB, 'Pizza?'));
    expect(message.poll).toMatchObject({ several: false, closed: false, people: 0, options: [{ text: 'Yes' }, { text: 'No' }] });
    bob(`<body>🗳️ Yes</body><vote xmlns='kith:polls:0' id='${id}'><choice option='0'/><choice option='1'/><choice option='9'/></vote>`);
    await device.until(() => device.message(BOB, 'Pizza?')?.poll?.options[0]?.from.length === 1);
    await device.commands.vote(BOB, message.id, [1]);
    expect(device.message(BOB, 'Pizza?')?.poll).toMatchObject({ people: 2, options: [{ from: [BOB], own: false }, { from: [ALICE], own: true }] });
    const vote = await sent((stanza) => stanza.child('vote', 'kith:polls:0') !== undefined);
    expect(vote.child('body')?.text).toBe('🗳️ No');
    // Only who asked may close it.
    await expect(device.commands.closePoll(BOB, message.id)).rejects.toMatchObject({ reason: { code: 'policy' } });
    bob(`<close xmlns='kith:polls:0' id='${id}'/>`);
    await device.until(() => device.message(BOB, 'Pizza?')?.poll?.closed);
    await expect(device.commands.vote(BOB, message.id, [0])).rejects.toMatchObject({ reason: { code: 'policy' } });
    expect((await device.read(BOB)).length).toBe(1);
  });

  it('that are none are text', async () => {
    bob(`<body>Pizza</body><poll xmlns='kith:polls:0'><question>Pizza?</question><option>Yes</option></poll>`);
    const message = await device.until(() => device.message(BOB, 'Pizza'));
    expect(message.poll).toBeUndefined();
  });
});

describe('who is named', () => {
  const people = [{ address: 'ann@x.example', names: ['Anna'] }, { address: 'al@x.example', names: ['Anna Lena', 'ally'] }];
  it('is found by the longest name after an @', () => {
    expect(mentionsIn('hi @anna lena, @Anna and mail@anna', people)).toEqual([
      { address: 'al@x.example', begin: 3, end: 13 }, { address: 'ann@x.example', begin: 15, end: 20 },
    ]);
    expect(mentionsIn('🎂 @ALLY!', people)).toEqual([{ address: 'al@x.example', begin: 2, end: 7 }]);
    expect(mentionsIn('@annabelle', people)).toEqual([]);
  });
});
