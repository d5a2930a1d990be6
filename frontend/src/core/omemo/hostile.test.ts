/** What a hostile server, room or list of devices could bring a chat to do. Classes of attack: docs/threat-model.md. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Device } from '../../../test/support/device';
import { ScriptServer, type Connected } from '../../../test/support/script';
import { Stranger } from '../../../test/support/stranger';
import type { Target, Version } from '../../crypto/engine';
import { Database } from '../../db/database';
import { writeMeta } from '../../db/meta';
import { toBase64 } from '../../xmpp/bytes';
import { systemClock } from '../../xmpp/clock';
import { NS } from '../../xmpp/ns';
import { parse, xml, XmlElement } from '../../xmpp/xml';
import { bundlePlace, LIST_NODES, readBundle, readEncrypted, readList, writeEncrypted, writeList } from './wire';

const ALICE = 'alice@example.org', BOB = 'bob@example.org', ROOM = 'family@groups.example.org', MUC = 'http://jabber.org/protocol/muc';

let server: ScriptServer;
let device: Device;
let connected: Connected;
let id: number;
let profile = 0;
/** How far the clock of the device is ahead. */
let ahead = 0;

beforeEach(() => {
  profile++;
  ahead = 0;
  server = new ScriptServer();
});

afterEach(async () => {
  await device.stop();
});

async function open(): Promise<void> {
  device = await Device.open({
    origin: 'https://example.org', socket: server.listener.factory, profile: `hostile-${profile}`,
    platform: {
      fetch: () => Promise.reject(new Error('no network')),
      clock: { now: () => systemClock.now() + ahead, after: (ms, callback) => systemClock.after(ms, callback) },
    },
  });
}

async function signIn(): Promise<void> {
  await open();
  [connected] = await Promise.all([server.accept(), device.commands.signIn(ALICE, 'pencil')]);
  await device.online();
  for (const version of [1, 2] as const) await published(version);
  id = device.session.deviceId ?? 0;
}

const published = (version: Version): Promise<XmlElement> => connected.until((one) => one.child('pubsub', NS.pubsub)?.child('publish')?.attrs['node'] === LIST_NODES[version]);
const itemOf = (owner: string, node: string, item = ''): XmlElement | undefined => server.nodes.get(`${owner} ${node}${item === '' ? '' : ` ${item}`}`)?.elements[0];
const listOf = (owner: string, version: Version): number[] => (readList(version, [{ payload: itemOf(owner, LIST_NODES[version]) ?? xml('', 'none') }]) ?? []).map((one) => one.id);

function bundles(target: Target, version: Version): Target['bundle'] {
  const { node, item } = bundlePlace(version, target.device);
  return readBundle(version, itemOf(target.jid, node, item));
}

/** Puts a list of devices where it is looked for. */
function list(owner: string, version: Version, ids: readonly number[]): void {
  server.put(owner, LIST_NODES[version], xml(NS.pubsub, 'item', { id: 'current' }, writeList(version, ids.map((one) => ({ id: one })))));
}

/** Tells of a list of devices. */
function announce(owner: string, version: Version, ids: readonly number[]): void {
  list(owner, version, ids);
  connected.send(`<message xmlns='jabber:client' from='${owner}' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'>
    <items node='${LIST_NODES[version]}'><item id='current'>${writeList(version, ids.map((one) => ({ id: one }))).toString()}</item></items></event></message>`);
}

let counter = 0;

function stanza(...children: readonly XmlElement[]): XmlElement {
  const name = `h${++counter}`;
  return xml(NS.client, 'message', { from: `${BOB}/x`, to: ALICE, type: 'chat', id: name }, ...children, xml(NS.sid, 'stanza-id', { id: `a-${name}`, by: ALICE }));
}

function said(bob: Stranger, content: { readonly text?: string; readonly elements?: string }): XmlElement {
  return stanza(...bob.elements(bob.seal(ALICE, [{ jid: ALICE, device: id, v03: true, v2: true }], content, bundles)));
}

/** The first message sent after `from` stanzas for which this holds. */
function sent(from: number, test: (stanza: XmlElement) => boolean = () => true): Promise<XmlElement> {
  return connected.until((one) => connected.stanzas.indexOf(one) >= from && one.name === 'message' && one.child('origin-id', NS.sid) !== undefined && test(one));
}

const many = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);

describe('a long list of devices', () => {
  it('of the own account is never made shorter by this one', async () => {
    for (const version of [1, 2] as const) list(ALICE, version, many(1000, 100));
    await signIn();
    for (const version of [1, 2] as const) expect(listOf(ALICE, version), String(version)).toEqual([...many(1000, 100), id]);
  });

  it('of somebody else does not keep their newest device from reading', async () => {
    const bob = await Stranger.make(BOB, 5000);
    bob.publish(server, { 1: [...many(1000, 100), 5000], 2: [...many(1000, 100), 5000] });
    await signIn();
    await device.commands.send(BOB, 'hello');
    const out = await sent(0);
    expect(bob.open(out, ALICE)).toMatchObject({ text: 'hello' });
  });
});

describe('another device on the own list', () => {
  const news = (): (string | undefined)[] => device.log.flatMap((entry) => (entry.event === 'devices' && entry.data.address === ALICE ? [entry.data.news] : []));

  it('is told of once, whoever put it there; this one and those that were there before are not', async () => {
    for (const version of [1, 2] as const) list(ALICE, version, [1000]);
    await signIn();
    await device.commands.devices(ALICE);
    expect(news()).not.toContain('new-device');
    announce(ALICE, 1, [1000, id, 666]);
    await device.until(() => news().includes('new-device'));
    const before = news().length;
    announce(ALICE, 2, [1000, id, 666]);
    await device.until(() => news().length > before);
    expect(news().filter((one) => one === 'new-device')).toHaveLength(1);
    // Also after a start, until somebody has looked.
    expect(device.session.newDevice).toBe(true);
    await device.stop();
    await open();
    expect(device.session.newDevice).toBe(true);
    await device.commands.seenOwnDevices();
    expect(device.session.newDevice).toBeUndefined();
  });
});

describe('a device whose keys could not be had', () => {
  it('is not given up for years because the clock was wrong then', async () => {
    ahead = 20 * 365 * 86_400_000;
    (await Stranger.make(BOB, 11)).publish(server, { 1: [11, 12], 2: [11, 12] });
    await signIn();
    await device.commands.send(BOB, 'one');
    await device.until(() => device.message(BOB, 'one')?.state === 'sent');
    ahead = 0;
    const late = await Stranger.make(BOB, 12);
    late.publish(server, { 1: [11, 12], 2: [11, 12] });
    const before = connected.stanzas.length;
    await device.commands.send(BOB, 'two');
    expect(late.open(await sent(before), ALICE)?.text).toBe('two');
  });
});

describe('what is done to a message that went out in the clear', () => {
  it('goes out encrypted as soon as the chat is', async () => {
    await signIn();
    await device.commands.send(BOB, 'in the clear', { allowUnencrypted: true });
    await device.until(() => device.message(BOB, 'in the clear')?.state === 'sent');
    const bob = await Stranger.make(BOB, 11);
    bob.publish(server);
    for (const version of [1, 2] as const) announce(BOB, version, [11]);
    await device.until(() => device.chats.get(BOB)?.lock === 'encrypted');
    const before = connected.stanzas.length;
    const message = device.message(BOB, 'in the clear');
    await device.commands.edit(BOB, message?.id ?? '', 'something else');
    const edit = await sent(before);
    expect(edit.toString()).not.toContain('something else');
    expect(bob.open(edit, ALICE)).toMatchObject({ text: 'something else' });
    await device.commands.react(BOB, message?.id ?? '', ['🎉']);
    const reaction = await sent(before, (one) => one !== edit);
    expect(reaction.toString()).not.toContain('🎉');
    expect(bob.open(reaction, ALICE)?.content[0]?.name).toBe('reactions');
  });

  it('goes out as that did where nothing can be encrypted', async () => {
    await signIn();
    await device.commands.send(BOB, 'in the clear', { allowUnencrypted: true });
    await device.until(() => device.message(BOB, 'in the clear')?.state === 'sent');
    const before = connected.stanzas.length;
    await device.commands.edit(BOB, device.message(BOB, 'in the clear')?.id ?? '', 'something else');
    expect((await sent(before)).child('body', NS.client)?.text).toBe('something else');
  });
});

describe('for how long messages are kept', () => {
  let bob: Stranger;
  const timer = (seconds: number): XmlElement => parse(`<ephemeral xmlns='urn:xmpp:ephemeral:0' timer='${seconds}'/>`);

  beforeEach(async () => {
    bob = await Stranger.make(BOB, 11);
    bob.publish(server);
    await signIn();
    await device.commands.send(BOB, 'hello');
    await device.until(() => device.message(BOB, 'hello')?.state === 'sent');
  });

  it('is not for the server to say in a chat that is encrypted', async () => {
    connected.send(stanza(timer(5)));
    connected.send(stanza(timer(6), xml(NS.client, 'body', {}, 'in the clear')));
    const open = await device.until(() => device.message(BOB, 'in the clear'));
    expect(open.lock).toBe('unencrypted');
    expect(open.timer).toBeUndefined();
    expect(device.chats.get(BOB)?.timer).toBeUndefined();
    expect((await device.read(BOB)).map((one) => one.text)).toEqual(['hello', 'in the clear']);
  });

  it('is for the other side to say', async () => {
    connected.send(said(bob, { elements: timer(60).toString() }));
    await device.until(() => device.chats.get(BOB)?.timer === 60);
  });

  it('is not told in the clear because the list of devices is gone', async () => {
    for (const version of [1, 2] as const) announce(BOB, version, []);
    await device.until(() => device.chats.get(BOB)?.lock === 'unencrypted');
    await expect(device.commands.setTimer(BOB, 60)).rejects.toMatchObject({ reason: { code: 'cannot-encrypt' } });
  });
});

describe('a room', () => {
  let features: readonly string[];
  const privateRoom = ['muc_membersonly', 'muc_nonanonymous', 'muc_hidden', 'muc_persistent'], publicRoom = ['muc_open', 'muc_nonanonymous', 'muc_public', 'muc_persistent'];
  let bob: Stranger;
  let members: Record<string, string[]>;

  beforeEach(() => {
    members = { owner: [BOB], member: [ALICE] };
  });

  async function enter(): Promise<void> {
    server.on('http://jabber.org/protocol/disco#info', 'query', (_payload, iq) => (iq.attrs['to'] !== ROOM ? `<query xmlns='http://jabber.org/protocol/disco#info'/>`
      : `<query xmlns='http://jabber.org/protocol/disco#info'><identity category='conference' type='text'/>${[MUC, 'urn:xmpp:mam:2', ...features]
        .map((feature) => `<feature var='${feature}'/>`).join('')}</query>`));
    server.on(`${MUC}#admin`, 'query', (payload) => {
      const wanted = payload.child('item')?.attrs['affiliation'] ?? '';
      return `<query xmlns='${MUC}#admin'>${(members[wanted] ?? []).map((jid) => `<item affiliation='${wanted}' jid='${jid}'/>`).join('')}</query>`;
    });
    server.nodes.set(`${ALICE} ${NS.bookmarks}`, parse(`<item xmlns='${NS.pubsub}' id='${ROOM}'><conference xmlns='${NS.bookmarks}' autojoin='true'><nick>Alice</nick></conference></item>`));
    bob = await Stranger.make(BOB, 11);
    bob.publish(server);
    await signIn();
    await letIn();
  }

  async function letIn(): Promise<void> {
    await connected.until((one) => one.name === 'presence' && one.attrs['to'] === `${ROOM}/Alice`);
    for (const [nick, jid, affiliation, codes] of [['Bob', BOB, 'owner', ''], ['Alice', ALICE, 'member', `<status code='100'/><status code='110'/>`]] as const) {
      connected.send(`<presence xmlns='jabber:client' from='${ROOM}/${nick}' to='${ALICE}/Kith~1'><x xmlns='${MUC}#user'>
        <item affiliation='${affiliation}' role='participant' jid='${jid}/x'/>${codes}</x></presence>`);
    }
    connected.send(`<message xmlns='jabber:client' type='groupchat' from='${ROOM}'><subject/></message>`);
    await device.until(() => device.chats.get(ROOM)?.group?.state === 'here' && device.chats.get(ROOM)?.lock !== 'unknown');
  }

  it('that says of itself that it is public now gets nothing in the clear without a question', async () => {
    features = privateRoom;
    await enter();
    features = publicRoom;
    connected.send(`<message xmlns='jabber:client' type='groupchat' from='${ROOM}'><x xmlns='${MUC}#user'><status code='104'/></x></message>`);
    await device.until(() => device.chats.get(ROOM)?.lock === 'unencrypted');
    await expect(device.commands.askPoll(ROOM, { question: 'Who is the mole?', options: ['Ann', 'Ben'], several: false })).rejects.toMatchObject({ reason: { code: 'cannot-encrypt' } });
    await expect(device.commands.setTimer(ROOM, 60)).rejects.toMatchObject({ reason: { code: 'cannot-encrypt' } });
    expect(connected.stanzas.some((one) => one.toString().includes('mole'))).toBe(false);
  });

  it('that lets somebody read along shows who, once, also when it did so while one was away', async () => {
    features = privateRoom;
    await enter();
    const came = async (): Promise<readonly (readonly string[])[]> => (await device.read(ROOM)).flatMap((message) => (message.came ? [message.came] : []));
    const member = (jid: string, affiliation = 'member'): void => connected.send(`<message xmlns='jabber:client' from='${ROOM}'><x xmlns='${MUC}#user'><item affiliation='${affiliation}' jid='${jid}' role='none'/></x></message>`);
    const say = (number: string): void => connected.send(`<message xmlns='jabber:client' type='groupchat' from='${ROOM}/Bob' id='${number}'><body>${number}</body><stanza-id xmlns='urn:xmpp:sid:0' id='${number}' by='${ROOM}'/></message>`);
    say('one');
    await device.until(() => device.message(ROOM, 'one'));
    const { unread } = device.chats.get(ROOM) ?? {};
    member('ghost@example.net');
    await device.until(() => [...device.messages.get(ROOM)?.values() ?? []].some((message) => message.came));
    expect(await came()).toEqual([['ghost@example.net']]);
    member('ghost@example.net', 'admin');
    member('ghost@example.net', 'none');
    member('ghost@example.net');
    await device.until(() => [...device.messages.get(ROOM)?.values() ?? []].filter((message) => message.came).length === 2);
    // It is no message: it makes nothing unread, and the list of chats shows what was said.
    expect(device.chats.get(ROOM)).toMatchObject({ unread, last: { text: 'one' } });
    members['member'] = [ALICE, 'ghost@example.net', 'spy@example.net'];
    await device.stop();
    await open();
    connected = await server.accept();
    await letIn();
    await device.until(() => device.chats.get(ROOM)?.group?.people === 4);
    expect(await came()).toEqual([['ghost@example.net'], ['ghost@example.net'], ['spy@example.net']]);
  });

  it('that is public is written to for all who are in it, also if some of them could decrypt', async () => {
    features = publicRoom;
    await enter();
    await device.commands.send(ROOM, 'hello all', { allowUnencrypted: true });
    const out = await sent(0);
    expect(readEncrypted(out)).toEqual([]);
    expect(out.child('body', NS.client)?.text).toBe('hello all');
    await device.commands.askPoll(ROOM, { question: 'Tea?', options: ['yes', 'no'], several: false });
    expect((await sent(0, (one) => one !== out)).child('body', NS.client)?.text).toContain('Tea?');
  });
});

describe('a scanned code', () => {
  it('is for the person, however their address is written', async () => {
    const bob = await Stranger.make(BOB, 11);
    bob.publish(server);
    await signIn();
    await device.commands.send(BOB, 'hello');
    await device.until(() => device.message(BOB, 'hello')?.state === 'sent');
    await device.commands.verifyUri(`XMPP:Bob@Example.ORG?omemo-sid-11=${bob.fingerprint.replace(/ /g, '')}`);
    await device.until(() => device.chats.get(BOB)?.lock === 'verified');
  });
});

describe('what a device says that the person has not confirmed', () => {
  it('is shown as that, also when it is one of their own, and not what their others say', async () => {
    const bob = await Stranger.make(BOB, 11);
    bob.publish(server);
    await signIn();
    await device.commands.send(BOB, 'hello');
    await device.until(() => device.message(BOB, 'hello')?.state === 'sent');
    await device.commands.setTrust(BOB, 11, 'verified');
    const injected = await Stranger.make(BOB, 12);
    connected.send(said(bob, { text: 'really Bob' }));
    connected.send(said(injected, { text: 'pay here' }));
    expect(await device.until(() => device.message(BOB, 'pay here'))).toMatchObject({ lock: 'encrypted', unconfirmed: true });
    expect(device.message(BOB, 'really Bob')?.unconfirmed).toBeUndefined();
    expect(device.message(BOB, 'hello')?.unconfirmed).toBeUndefined();
    await device.commands.setTrust(BOB, 12, 'distrusted');
    connected.send(said(injected, { text: 'pay there' }));
    expect(await device.until(() => device.message(BOB, 'pay there'))).toMatchObject({ unconfirmed: true });
    connected.send(stanza(xml(NS.client, 'body', {}, 'in the clear')));
    expect((await device.until(() => device.message(BOB, 'in the clear'))).unconfirmed).toBeUndefined();
  });
});

describe('a trust message (XEP-0434)', () => {
  it('decides nothing here, and is not shown', async () => {
    const bob = await Stranger.make(BOB, 11);
    bob.publish(server);
    await signIn();
    await device.commands.send(BOB, 'hello');
    await device.until(() => device.message(BOB, 'hello')?.state === 'sent');
    await device.commands.setTrust(BOB, 11, 'verified');
    const other = await Stranger.make(BOB, 12);
    const key = toBase64(Uint8Array.from(other.fingerprint.match(/[0-9a-f]{2}/g) ?? [], (byte) => parseInt(byte, 16)));
    connected.send(said(bob, { elements: `<trust-message xmlns='urn:xmpp:tm:1' usage='urn:xmpp:atm:1' encryption='urn:xmpp:omemo:2'><key-owner jid='${BOB}'><trust>${key}</trust></key-owner></trust-message>` }));
    connected.send(said(other, { text: 'me too' }));
    expect(await device.until(() => device.message(BOB, 'me too'))).toMatchObject({ unconfirmed: true });
    expect((await device.read(BOB)).map((one) => one.text)).toEqual(['hello', 'me too']);
  });
});

describe('a device that is known', () => {
  it('is not replaced by one with other keys because its session was broken: nothing is encrypted for that, and the person is asked', async () => {
    const bob = await Stranger.make(BOB, 11);
    bob.publish(server);
    await signIn();
    await device.commands.send(BOB, 'hello');
    await device.until(() => device.message(BOB, 'hello')?.state === 'sent');
    connected.send(said(bob, { text: 'hi' }));
    await device.until(() => device.message(BOB, 'hi'));
    const eve = await Stranger.make(BOB, 11);
    eve.publish(server);
    // What Bob said, damaged on the way: as if he had another session.
    const { elements } = bob.seal(ALICE, [{ jid: ALICE, device: id, v03: true, v2: true }], { text: 'damaged' }, bundles);
    const before = connected.stanzas.length;
    connected.send(stanza(...elements.map((element) => writeEncrypted(11, {
      ...element, keys: element.keys.map((key) => ({ ...key, data: key.data.map((byte, i) => (i === key.data.length - 1 ? byte ^ 1 : byte)) })),
    }))));
    const empty = await connected.until((one) => connected.stanzas.indexOf(one) >= before && readEncrypted(one).some(({ payload }) => payload === undefined));
    expect(eve.open(empty, ALICE)?.fingerprint).toBe(device.session.fingerprint);
    await device.until(() => device.log.some((entry) => entry.event === 'devices' && entry.data.address === BOB && entry.data.news === 'key-changed'));
    await expect(device.commands.send(BOB, 'secret')).rejects.toMatchObject({ reason: { code: 'untrusted' } });
    expect(await device.commands.devices(BOB)).toMatchObject([{ id: 11, fingerprint: eve.fingerprint, trust: 'undecided' }]);
  });
});

describe('a profile that was put back from a backup', () => {
  const places = [1, 2] as const;
  const copyOf = (): ReadonlyMap<string, XmlElement> => new Map([...server.nodes].filter(([name]) => name.startsWith(ALICE) && name.includes('bundles')));

  /** Publishes one bundle, then another, and is stopped when the first one lies on the server again. */
  async function played(bob: Stranger): Promise<void> {
    bob.publish(server);
    await signIn();
    for (const version of places) await connected.until((one) => one.child('pubsub', NS.pubsub)?.child('publish')?.attrs['node'] === bundlePlace(version, id).node);
    await device.commands.send(BOB, 'hello');
    bob.open(await sent(0), ALICE);
    const first = copyOf();
    const before = connected.stanzas.length;
    connected.send(said(await Stranger.make(BOB, 12), { text: 'uses a prekey' }));
    connected.send(said(bob, { text: 'hi' }));
    await device.until(() => device.message(BOB, 'hi'));
    for (const version of places) {
      await connected.until((one) => connected.stanzas.indexOf(one) >= before && one.child('pubsub', NS.pubsub)?.child('publish')?.attrs['node'] === bundlePlace(version, id).node);
    }
    await device.stop();
    for (const [name, item] of first) server.nodes.set(name, item);
  }

  async function sendAgain(): Promise<XmlElement> {
    await open();
    connected = await server.accept();
    for (const version of places) await connected.until((one) => one.child('pubsub', NS.pubsub)?.child('publish')?.attrs['node'] === bundlePlace(version, id).node);
    await device.commands.send(BOB, 'again');
    return sent(0);
  }

  const isExchange = (out: XmlElement): boolean => out.toString().includes(`kex='true'`);

  it('begins all sessions anew, because the others would take what it says for repetitions', async () => {
    const bob = await Stranger.make(BOB, 11);
    await played(bob);
    const db = await Database.open(`hostile-${profile}`, ALICE);
    await writeMeta(db, 'bundles', ['of another time']);
    db.close();
    const out = await sendAgain();
    expect(isExchange(out)).toBe(true);
    expect(bob.open(out, ALICE)?.text).toBe('again');
  });

  it('is not taken for one because the server has an old bundle, or somebody else’s', async () => {
    const bob = await Stranger.make(BOB, 11);
    await played(bob);
    expect(isExchange(await sendAgain())).toBe(false);
    await device.stop();
    const eve = await Stranger.make(ALICE, id);
    eve.publish(server, { 1: [id], 2: [id] });
    expect(isExchange(await sendAgain())).toBe(false);
  });
});
