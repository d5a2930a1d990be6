import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Device } from '../../test/support/device';
import { ScriptServer, type Connected } from '../../test/support/script';
import { en } from '../i18n/en';
import { clean } from './exporting';

const ALICE = 'alice@example.org', BOB = 'bob@example.org';
const body = (text: string): string => `<body>${text}</body>`;
const REGISTER = 'jabber:iq:register', PRIVACY = 'kith:privacy:0';

let server: ScriptServer;
let device: Device;
let profile = 0;

beforeEach(async () => {
  profile++;
  server = new ScriptServer();
  device = await open();
});

afterEach(async () => {
  await device.stop();
});

function open(): Promise<Device> {
  return Device.open({ origin: 'https://example.org', socket: server.listener.factory, profile: `exporting-${profile}`, platform: { fetch: () => Promise.reject(new Error('no network')) } });
}

async function signIn(password = 'pencil'): Promise<Connected> {
  const [connected] = await Promise.all([server.accept(), device.commands.signIn(ALICE, password)]);
  await device.online();
  return connected;
}

async function handled(connected: Connected): Promise<void> {
  await connected.ask(`<iq xmlns='jabber:client' type='get' id='${crypto.randomUUID()}' from='example.org'><ping xmlns='urn:xmpp:ping'/></iq>`);
  await device.commands.page(BOB, { limit: 1 });
}

/** What is in a ZIP archive, by its table of contents (APPNOTE 4.3.12). */
async function unpacked(archive: Blob): Promise<Record<string, string>> {
  const bytes = new Uint8Array(await archive.arrayBuffer());
  const view = new DataView(bytes.buffer);
  const end = bytes.length - 22;
  expect(view.getUint32(end, true)).toBe(0x06054b50);
  const text = (from: number, length: number): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(from, from + length));
  const out: Record<string, string> = {};
  let at = view.getUint32(end + 16, true);
  for (let i = view.getUint16(end + 10, true); i > 0; i--) {
    const [size, name, extra, note, local] = [view.getUint32(at + 24, true), view.getUint16(at + 28, true), view.getUint16(at + 30, true), view.getUint16(at + 32, true), view.getUint32(at + 42, true)];
    expect(view.getUint16(at + 10, true)).toBe(0); // stored as it is
    const data = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    out[text(at + 46, name)] = text(data, size);
    at += 46 + name + extra + note;
  }
  return out;
}

describe('an export', () => {
  it('has everything that is here, for people and for programs', async () => {
    const connected = await signIn();
    for (let i = 0; i < 1100; i++) connected.message(`${BOB}/phone`, body(`message ${i}`), { id: `m${i}`, stanzaId: `a${i}` });
    connected.message('..etc@example.net/x', body('../ and\nanother line'), { id: 'e', stanzaId: 'e' });
    await handled(connected);
    await device.until(() => device.chats.get('..etc@example.net')?.last);
    const files = await unpacked(await device.commands.exportData(en.settings.data.words));
    expect(Object.keys(files).sort()).toEqual([
      'Chats/Bob.json', 'Chats/Bob.txt', `Chats/${clean('..etc')}.json`, `Chats/${clean('..etc')}.txt`, 'Contacts.json', 'Groups.json', 'Profile.json', 'Read me first.txt',
    ].sort());
    const messages = JSON.parse(files['Chats/Bob.json'] ?? '') as { text: string; from: string }[];
    expect(messages.map((message) => message.text)).toEqual([...Array(1100).keys()].map((i) => `message ${i}`));
    expect(messages[0]).toMatchObject({ from: BOB, outgoing: false, protection: 'unencrypted' });
    expect(files['Chats/Bob.txt']?.trimEnd().split('\n')).toHaveLength(1100);
    expect(files['Chats/Bob.txt']).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d {2}Bob: message 0\n/);
    expect(JSON.parse(files['Profile.json'] ?? '')).toMatchObject({ address: ALICE });
    expect((JSON.parse(files['Contacts.json'] ?? '') as { address: string }[]).map((contact) => contact.address)).toEqual([BOB]);
    expect(files['Read me first.txt']).toContain('Nothing in here is encrypted');
  });

  it.each([
    ['Anna & Ben', 'Anna & Ben'], ['../../etc/passwd', 'etc passwd'], ['CON', '_CON'], ['a\u0000b\\c:d', 'a b c d'], ['   ', '_'], ['...', '_'], ['x'.repeat(200), 'x'.repeat(80)], ['Jürgen 🌊', 'Jürgen 🌊'],
  ])('calls the file of "%s" "%s"', (name, file) => expect(clean(name).replace(/^[. ]+/, '')).toBe(file));
});

describe('what others are told', () => {
  it('is chosen on one device and holds on all', async () => {
    const connected = await signIn();
    expect(device.session.privacy).toEqual({ read: true, typing: true });
    await device.commands.setPrivacy({ read: false, typing: false });
    expect(server.nodes.get(`${ALICE} ${PRIVACY}`)?.child('privacy', PRIVACY)?.attrs).toEqual({ read: 'false', typing: 'false' });
    connected.send(`<message xmlns='jabber:client' from='${ALICE}'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='${PRIVACY}'><item id='current'><privacy xmlns='${PRIVACY}' read='true' typing='false'/></item></items></event></message>`);
    await device.until(() => device.session.privacy?.read === true);
    expect(device.session.privacy).toEqual({ read: true, typing: false });
    // Nobody else has a say in it.
    connected.send(`<message xmlns='jabber:client' from='${BOB}'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='${PRIVACY}'><item id='current'><privacy xmlns='${PRIVACY}' read='false' typing='true'/></item></items></event></message>`);
    await handled(connected);
    expect(device.session.privacy).toEqual({ read: true, typing: false });
    await device.stop();
    device = await open();
    expect(device.session.privacy).toEqual({ read: true, typing: false });
  });

  it('who may write is a matter of the server', async () => {
    let messages = 'everybody';
    server.on(PRIVACY, 'privacy', (payload, iq) => {
      if (iq.attrs['type'] === 'set') messages = payload.attrs['messages'] ?? messages;
      return iq.attrs['type'] === 'set' ? undefined : `<privacy xmlns='${PRIVACY}' messages='${messages}'/>`;
    });
    const connected = await signIn();
    expect(await device.until(() => device.session.privacy?.contactsOnly !== undefined && device.session.privacy)).toEqual({ read: true, typing: true, contactsOnly: false });
    await device.commands.setPrivacy({ read: true, typing: true, contactsOnly: true });
    expect(messages).toBe('contacts');
    expect(device.session.privacy?.contactsOnly).toBe(true);
    expect(server.nodes.get(`${ALICE} ${PRIVACY}`)?.child('privacy', PRIVACY)?.attrs).toEqual({ read: 'true', typing: 'true' });
    // Another own device has changed it: what it published makes us ask.
    messages = 'everybody';
    connected.send(`<message xmlns='jabber:client' from='${ALICE}'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='${PRIVACY}'><item id='current'><privacy xmlns='${PRIVACY}' read='true' typing='true'/></item></items></event></message>`);
    await device.until(() => device.session.privacy?.contactsOnly === false);
  });

  it('says nothing of reading and typing when one does not want that', async () => {
    const connected = await signIn();
    connected.send(`<presence xmlns='jabber:client' from='${BOB}/phone' to='${ALICE}'/>`);
    connected.message(`${BOB}/phone`, `${body('Hi')}<markable xmlns='urn:xmpp:chat-markers:0'/>`, { id: 'm1', stanzaId: 'a1' });
    await device.until(() => device.chats.get(BOB)?.last);
    await device.commands.setPrivacy({ read: false, typing: false });
    const [message] = await device.read(BOB);
    await device.commands.setTyping(BOB, true);
    await device.commands.markRead(BOB, message?.order ?? 0);
    await device.until(() => device.chats.get(BOB)?.unread === 0);
    await handled(connected);
    const told = connected.stanzas.filter((stanza) => stanza.name === 'message' && stanza.attrs['to'] === BOB);
    expect(told.filter((stanza) => stanza.child('displayed', 'urn:xmpp:chat-markers:0') ?? stanza.child('composing', 'http://jabber.org/protocol/chatstates'))).toEqual([]);
    await device.commands.setTyping(BOB, false);
    await device.commands.setPrivacy({ read: false, typing: true });
    await device.commands.setTyping(BOB, true);
    await connected.until((stanza) => stanza.child('composing', 'http://jabber.org/protocol/chatstates') !== undefined);
  });
});

describe('deleting the account', () => {
  it('takes the password, tells the server, and leaves nothing here', async () => {
    const asked: string[][] = [];
    server.on(REGISTER, 'query', (payload) => {
      asked.push(payload.elements.map((element) => element.name));
      return undefined;
    });
    const connected = await signIn();
    connected.message(`${BOB}/phone`, body('Hi'), { id: 'm1', stanzaId: 'a1' });
    await device.until(() => device.chats.get(BOB)?.last);
    await Promise.all([server.accept(), device.commands.deleteAccount('pencil')]);
    expect(asked).toEqual([['remove']]);
    expect(device.session.phase).toBe('none');
    expect(device.chats.size).toBe(0);
    expect((await indexedDB.databases()).map((one) => one.name).filter((name) => name?.startsWith(`exporting-${profile}:`) === true)).toEqual([]);
  });

  it('does nothing when the password is wrong, and goes on', async () => {
    let asked = 0;
    server.on(REGISTER, 'query', () => { asked++; return undefined; });
    await signIn();
    server.password = 'another';
    const [, refused] = await Promise.allSettled([server.accept().then(() => undefined, () => undefined), device.commands.deleteAccount('pencil')]);
    expect(refused).toMatchObject({ status: 'rejected' });
    expect(asked).toBe(0);
    expect(device.session.address).toBe(ALICE);
  });
});
