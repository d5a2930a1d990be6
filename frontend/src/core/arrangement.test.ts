import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Device } from '../../test/support/device';
import { ScriptServer, type Connected } from '../../test/support/script';
import { parse, type XmlElement } from '../xmpp/xml';
import { withPinned } from '../xmpp/xep0469_pinning';
import { readNotify, withNotify } from '../xmpp/xep0492_notify';

const ALICE = 'alice@example.org', BOB = 'bob@example.org', EVE = 'eve@else.example', NODE = 'kith:chats:0';
const PUBSUB = 'http://jabber.org/protocol/pubsub';

let server: ScriptServer;
let device: Device;
let connected: Connected;
let profile = 0;
/** The private node of the account: what is in it, by the chat. */
let node: Map<string, string>;

function serve(): void {
  const answer = server.responders.get(`{${PUBSUB}}pubsub`);
  server.on(PUBSUB, 'pubsub', (payload, iq, to) => {
    const publish = payload.child('publish'), retract = payload.child('retract'), items = payload.child('items');
    if (publish?.attrs['node'] === NODE) {
      const item = publish.child('item');
      node.set(item?.attrs['id'] ?? '', item?.elements[0]?.toString() ?? '');
      return undefined;
    }
    if (retract?.attrs['node'] === NODE) return node.delete(retract.child('item')?.attrs['id'] ?? '') ? undefined : { error: 'item-not-found' };
    if (items?.attrs['node'] === NODE) {
      return `<pubsub xmlns='${PUBSUB}'><items node='${NODE}'>${[...node].map(([id, value]) => `<item id='${id}'>${value}</item>`).join('')}</items></pubsub>`;
    }
    return answer?.(payload, iq, to);
  });
}

async function signIn(): Promise<void> {
  [connected] = await Promise.all([server.accept(), device.commands.signIn(ALICE, 'pencil')]);
  await device.online();
}

async function receive(text: string, from = BOB, more = ''): Promise<void> {
  connected.message(`${from}/phone`, `<body>${text}</body>${more}`, { id: text, stanzaId: text });
  await device.until(() => device.message(from, text));
}

const event = (content: string): void => connected.send(`<message xmlns='jabber:client' from='${ALICE}' to='${ALICE}' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='${NODE}'>${content}</items></event></message>`);
const notified = (): number => device.log.filter((entry) => entry.event === 'notify').length;

beforeEach(async () => {
  server = new ScriptServer();
  node = new Map();
  serve();
  device = await Device.open({ origin: 'https://example.org', socket: server.listener.factory, profile: `arrangement-${profile++}`, platform: { fetch: () => Promise.reject(new Error('no network')) } });
});
afterEach(() => device.stop());

describe('where a chat stands', () => {
  it('is known to the other devices, and theirs to us', async () => {
    await signIn();
    await receive('one');
    await device.commands.arrangeChat(BOB, { pinned: true });
    expect(device.chats.get(BOB)).toMatchObject({ pinned: true });
    expect(parse(node.get(BOB) ?? '').attrs).toEqual({ pinned: 'true' });
    event(`<item id='${BOB}'><chat xmlns='${NODE}' muted='forever' unread='true'/></item>`);
    const chat = await device.until(() => (device.chats.get(BOB)?.marked ? device.chats.get(BOB) : undefined));
    expect(chat).toMatchObject({ muted: {}, marked: true });
    expect(chat.pinned).toBeUndefined();
    event(`<retract id='${BOB}'/>`);
    await device.until(() => device.chats.get(BOB)?.marked === undefined);
    expect(device.chats.get(BOB)?.muted).toBeUndefined();
  });

  it('is told when there is a connection again, and what was taken away meanwhile is gone', async () => {
    node.set(EVE, `<chat xmlns='${NODE}' pinned='true'/>`);
    await signIn();
    await receive('one');
    await receive('two', EVE);
    await device.until(() => device.chats.get(EVE)?.pinned);
    device.cut();
    await device.until(() => device.session.phase !== 'online');
    await device.commands.arrangeChat(BOB, { archived: true });
    node.delete(EVE);
    [connected] = await Promise.all([server.accept({ resume: 'no' }), device.commands.reconnect()]);
    await device.online();
    await device.until(() => device.chats.get(EVE)?.pinned === undefined);
    await connected.until((stanza) => stanza.child('pubsub', PUBSUB)?.child('publish')?.attrs['node'] === NODE);
    expect(parse(node.get(BOB) ?? '').attrs['archived']).toMatch(/^\d{4}-/);
  });

  it('archived, it comes back with something new, unless it is muted', async () => {
    await signIn();
    await receive('one');
    await device.commands.arrangeChat(BOB, { archived: true });
    expect(device.chats.get(BOB)?.archived).toBe(true);
    await receive('two');
    await device.until(() => device.chats.get(BOB)?.archived === undefined);
    await device.commands.arrangeChat(BOB, { archived: true, muted: {} });
    await receive('three');
    expect(device.chats.get(BOB)?.archived).toBe(true);
    await device.commands.arrangeChat(BOB, { muted: null });
    expect(device.chats.get(BOB)?.archived).toBeUndefined();
  });

  it('muted, it is silent until the time is over', async () => {
    await signIn();
    await receive('loud');
    expect(notified()).toBe(1);
    await device.commands.arrangeChat(BOB, { muted: { until: Date.now() + 600 } });
    await receive('silent');
    expect(notified()).toBe(1);
    await device.until(() => device.chats.get(BOB)?.muted === undefined);
    await receive('loud again');
    expect(notified()).toBe(2);
  });

  it('to be read later, it is so until somebody looks', async () => {
    await signIn();
    await receive('one');
    await device.commands.markRead(BOB, device.message(BOB, 'one')?.order ?? 0);
    await device.commands.arrangeChat(BOB, { unread: true });
    expect(device.chats.get(BOB)).toMatchObject({ marked: true, unread: 0 });
    await device.commands.focus(BOB);
    expect(device.chats.get(BOB)?.marked).toBeUndefined();
    expect(node.has(BOB)).toBe(false);
    await receive('two');
    await device.commands.focus(null);
    await device.commands.arrangeChat(BOB, { unread: false });
    await device.until(() => device.chats.get(BOB)?.unread === 0);
  });
});

describe('strangers', () => {
  it('learn nothing: no receipt, no marker, no question for their devices', async () => {
    await signIn();
    await receive('psst', EVE, `<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>`);
    await device.commands.focus(EVE);
    await device.commands.setTyping(EVE, true);
    await device.commands.markRead(EVE, device.message(EVE, 'psst')?.order ?? 0);
    await receive('known', BOB, `<request xmlns='urn:xmpp:receipts'/>`);
    await connected.until((stanza) => stanza.attrs['to'] === BOB);
    expect(connected.stanzas.filter((stanza) => stanza.attrs['to']?.includes('else.example')).map((stanza: XmlElement) => stanza.toString())).toEqual([]);
    expect(device.log.flatMap((entry) => (entry.event === 'notify' && entry.data.chat === EVE ? [entry.data.text] : []))).toEqual(['']);
  });

  it('are blocked and reported with their messages', async () => {
    const blocked: XmlElement[] = [];
    server.on('urn:xmpp:blocking', 'block', (payload) => { blocked.push(payload); return undefined; });
    await signIn();
    await receive('buy', EVE);
    await device.commands.block(EVE, { reason: 'spam', text: ' again ' });
    const report = blocked[0]?.child('item')?.child('report', 'urn:xmpp:reporting:1');
    expect(report?.attrs['reason']).toBe('urn:xmpp:reporting:spam');
    expect(report?.child('text')?.text).toBe('again');
    expect(report?.child('stanza-id', 'urn:xmpp:sid:0')?.attrs).toEqual({ id: 'buy', by: ALICE });
    await device.commands.block('mallory@else.example');
    expect(blocked[1]?.child('item')?.elements).toEqual([]);
  });
});

describe('what stands beside bookmarks', () => {
  const foreign = `<extensions xmlns='urn:xmpp:bookmarks:1'><other xmlns='urn:other'/></extensions>`;

  it('is pinned and keeps the rest', () => {
    const pinned = withPinned(parse(foreign), true);
    expect(pinned.toString()).toContain('urn:xmpp:bookmarks-pinning:0');
    expect(withPinned(pinned, false).elements.map((element) => element.name)).toEqual(['other']);
  });

  it('tells when to notify, most closely for us', () => {
    const of = (inner: string) => parse(`<extensions xmlns='urn:xmpp:bookmarks:1'><notify xmlns='urn:xmpp:notification-settings:1'>${inner}</notify></extensions>`);
    expect(readNotify(parse(foreign))).toBeUndefined();
    expect(readNotify(of(`<never/>`))).toBe('never');
    expect(readNotify(of(`<never identity-category='client' identity-type='pc'/><on-mention/>`))).toBe('on-mention');
    expect(readNotify(of(`<never/><always identity-category='client'/>`))).toBe('always');
    const made = withNotify(of(`<never identity-category='client' identity-type='phone'/><always identity-category='client'/><always><advanced><x xmlns='urn:x'/></advanced></always>`), 'never');
    expect(readNotify(made)).toBe('never');
    expect(made.toString()).toContain('urn:x');
    expect(made.child('notify', 'urn:xmpp:notification-settings:1')?.elements.map((element) => [element.name, element.attrs['identity-type']]))
      .toEqual([['never', 'phone'], ['always', undefined], ['never', 'web'], ['never', undefined]]);
  });
});
