import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Device } from '../../../test/support/device';
import { ScriptServer, type Connected } from '../../../test/support/script';
import { parse, type XmlElement } from '../../xmpp/xml';
import { names } from './facts';

const ALICE = 'alice@example.org', BOB = 'bob@example.org', EVE = 'eve@example.net', ROOM = 'family@groups.example.org';
const MUC = 'http://jabber.org/protocol/muc', USER = `${MUC}#user`;
const body = (text: string): string => `<body>${text}</body>`;

let server: ScriptServer;
let device: Device;
let profile = 0;

const privateRoom = ['muc_membersonly', 'muc_nonanonymous', 'muc_hidden', 'muc_persistent'];
const publicRoom = ['muc_open', 'muc_semianonymous', 'muc_public', 'muc_persistent'];
let features: readonly string[];
let roomAnswer: string | { error: string } | undefined;
let members: Record<string, readonly string[]>;

function discovery(): string {
  return `<query xmlns='http://jabber.org/protocol/disco#info'><identity category='conference' type='text' name='Family'/>
    ${[MUC, 'urn:xmpp:mam:2', ...features].map((feature) => `<feature var='${feature}'/>`).join('')}</query>`;
}

beforeEach(async () => {
  profile++;
  features = privateRoom;
  roomAnswer = undefined;
  members = { owner: [BOB], member: [ALICE] };
  server = new ScriptServer();
  server.on('http://jabber.org/protocol/disco#info', 'query', (_payload, iq) => {
    if (iq.attrs['to'] !== ROOM) return `<query xmlns='http://jabber.org/protocol/disco#info'/>`;
    return roomAnswer ?? discovery();
  });
  server.on(`${MUC}#admin`, 'query', (payload) => {
    const wanted = payload.child('item')?.attrs['affiliation'] ?? '';
    return `<query xmlns='${MUC}#admin'>${(members[wanted] ?? []).map((jid) => `<item affiliation='${wanted}' jid='${jid}'/>`).join('')}</query>`;
  });
  device = await open();
});

const open = (): Promise<Device> => Device.open({
  origin: 'https://example.org', socket: server.listener.factory, profile: `groups-${profile}`, platform: { fetch: () => Promise.reject(new Error('no network')) },
});

afterEach(async () => {
  await device.stop();
});

async function signIn(): Promise<Connected> {
  const [connected] = await Promise.all([server.accept(), device.commands.signIn(ALICE, 'pencil')]);
  await device.online();
  return connected;
}

/** Resolves when everything that was sent to the client so far has been handled. */
async function handled(connected: Connected): Promise<void> {
  await connected.ask(`<iq xmlns='jabber:client' type='get' id='${crypto.randomUUID()}' from='example.org'><ping xmlns='urn:xmpp:ping'/></iq>`);
  await device.commands.page(BOB, { limit: 1 });
}

const joins = (stanza: XmlElement): boolean => stanza.name === 'presence' && stanza.child('x', MUC) !== undefined;

function occupant(connected: Connected, nick: string, jid: string, affiliation: string, codes: readonly string[] = [], type = ''): void {
  connected.send(`<presence xmlns='jabber:client' from='${ROOM}/${nick}' to='${ALICE}/Kith~1' ${type}><x xmlns='${USER}'>
    <item affiliation='${affiliation}' role='participant' jid='${jid}/x'/>${codes.map((code) => `<status code='${code}'/>`).join('')}</x></presence>`);
}

function bookmarked(): void {
  server.nodes.set(`${ALICE} urn:xmpp:bookmarks:1`, parse(`<item xmlns='http://jabber.org/protocol/pubsub' id='${ROOM}'><conference xmlns='urn:xmpp:bookmarks:1' autojoin='true' name='Old name'>
    <nick>Alice</nick><extensions><pinned xmlns='urn:example:other'/></extensions></conference></item>`));
}

/** Signs in with a bookmark, and lets the client into the room. */
async function enter(): Promise<Connected> {
  bookmarked();
  const connected = await signIn();
  await letIn(connected);
  await device.until(() => device.chats.get(ROOM)?.group?.state === 'here' && device.chats.get(ROOM)?.group?.people === 2);
  await device.until(() => device.chats.get(ROOM)?.lock !== 'unknown');
  return connected;
}

async function letIn(connected: Connected, nick = 'Alice'): Promise<XmlElement> {
  const asked = await connected.until((stanza) => joins(stanza) && stanza.attrs['to'] === `${ROOM}/${nick}`);
  occupant(connected, 'Bob', BOB, 'owner');
  occupant(connected, nick, ALICE, 'member', ['100', '110']);
  connected.send(`<message xmlns='jabber:client' type='groupchat' from='${ROOM}'><subject/></message>`);
  return asked;
}

const say = (connected: Connected, nick: string, content: string, id?: string): void =>
  connected.send(`<message xmlns='jabber:client' type='groupchat' from='${ROOM}/${nick}' id='${id ?? crypto.randomUUID()}'>${content}${id === undefined ? '' : `<stanza-id xmlns='urn:xmpp:sid:0' id='${id}' by='${ROOM}'/>`}</message>`);

describe('entering', () => {
  it('asks for no history, and reads the archive of the room', async () => {
    server.roomArchives.set(ROOM, [{ id: 'r1', stamp: '2026-01-01T10:00:00Z', message: `<message xmlns='jabber:client' type='groupchat' from='${ROOM}/Bob' id='m1'>${body('earlier')}<x xmlns='${USER}'><item affiliation='owner' jid='${BOB}/x'/></x></message>` }]);
    const connected = await enter();
    const asked = connected.stanzas.find(joins);
    expect(asked?.child('x', MUC)?.child('history')?.attrs).toEqual({ maxstanzas: '0' });
    expect(device.chats.get(ROOM)).toMatchObject({ kind: 'group', title: 'Family', group: { privacy: 'private', role: 'member' } });
    expect((await device.read(ROOM)).map((message) => [message.from, message.name, message.text])).toEqual([[BOB, 'Bob', 'earlier']]);
  });

  it('is tried again when its archive cannot be read just now: nothing is left out', async () => {
    const said = (n: number): { id: string; stamp: string; message: string } => ({
      id: `r${n}`, stamp: `2026-01-01T10:00:0${n}Z`, message: `<message xmlns='jabber:client' type='groupchat' from='${ROOM}/Bob' id='m${n}'>${body(`text ${n}`)}<x xmlns='${USER}'><item affiliation='owner' jid='${BOB}/x'/></x></message>`,
    });
    server.roomArchives.set(ROOM, [said(0)]);
    await enter();
    await device.stop();
    server.roomArchives.get(ROOM)?.push(said(1));
    const answer = server.responders.get('{urn:xmpp:mam:2}query');
    let asked = 0;
    server.on('urn:xmpp:mam:2', 'query', (payload, iq, to) => (iq.attrs['to'] === ROOM && asked++ === 0 ? { error: 'remote-server-timeout', type: 'wait' } : answer?.(payload, iq, to)));
    device = await open();
    const connected = await server.accept();
    await letIn(connected);
    const left = await connected.until((stanza) => stanza.name === 'presence' && stanza.attrs['type'] === 'unavailable');
    await connected.until((stanza) => joins(stanza) && connected.stanzas.indexOf(stanza) > connected.stanzas.indexOf(left));
    await letIn(connected);
    say(connected, 'Bob', body('text 2'), 'r2');
    await device.until(() => device.message(ROOM, 'text 2'));
    expect((await device.read(ROOM)).map((message) => message.text)).toEqual(['text 0', 'text 1', 'text 2']);
  });

  it('begins anew when the room throws everybody out while its archive is being read', async () => {
    server.roomArchives.set(ROOM, []);
    const answer = server.responders.get('{urn:xmpp:mam:2}query');
    let asked = 0;
    server.on('urn:xmpp:mam:2', 'query', (payload, iq, to) => {
      if (iq.attrs['to'] === ROOM && asked++ === 0) occupant(to, 'Alice', ALICE, 'member', ['110', '332'], `type='unavailable'`);
      return answer?.(payload, iq, to);
    });
    bookmarked();
    const connected = await signIn();
    const first = await letIn(connected);
    await connected.until((stanza) => joins(stanza) && connected.stanzas.indexOf(stanza) > connected.stanzas.indexOf(first));
    await letIn(connected);
    await device.until(() => device.chats.get(ROOM)?.group?.people === 2);
    say(connected, 'Bob', body('back again'), 'r1');
    await device.until(() => device.message(ROOM, 'back again'));
  });

  it('never makes a room that is gone', async () => {
    roomAnswer = { error: 'item-not-found' };
    bookmarked();
    const connected = await signIn();
    await device.until(() => device.chats.get(ROOM)?.group?.state === 'ended');
    expect(connected.stanzas.some(joins)).toBe(false);
    await expect(device.commands.send(ROOM, 'hello?', { allowUnencrypted: true })).rejects.toMatchObject({ reason: { code: 'not-member' } });
  });

  it('takes another name when somebody has it', async () => {
    bookmarked();
    const connected = await signIn();
    await connected.until(joins);
    connected.send(`<presence xmlns='jabber:client' type='error' from='${ROOM}/Alice'><x xmlns='${MUC}'/><error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>`);
    await letIn(connected, 'Alice 2');
    await device.until(() => device.chats.get(ROOM)?.group?.people === 2);
  });

  it('is over when one is not a member any more', async () => {
    bookmarked();
    const connected = await signIn();
    await connected.until(joins);
    connected.send(`<presence xmlns='jabber:client' type='error' from='${ROOM}/Alice'><error type='auth'><registration-required xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>`);
    await device.until(() => device.chats.get(ROOM)?.group?.state === 'removed');
  });

  it('comes again after the room has lost us, and sends then what did not arrive', async () => {
    features = publicRoom;
    const connected = await enter();
    await device.commands.send(ROOM, 'one', { allowUnencrypted: true });
    const sent = await connected.until((stanza) => stanza.child('body')?.text === 'one');
    connected.send(`<message xmlns='jabber:client' type='error' from='${ROOM}' id='${sent.attrs['id'] ?? ''}'><error type='modify'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`);
    await connected.until((stanza) => joins(stanza) && connected.stanzas.filter(joins).length === 2);
    occupant(connected, 'Alice', ALICE, 'member', ['110']);
    await connected.until(() => connected.stanzas.filter((stanza) => stanza.child('body')?.text === 'one').length === 2);
    expect(new Set(connected.stanzas.filter((stanza) => stanza.child('body')?.text === 'one').map((stanza) => stanza.attrs['id'])).size).toBe(1);
    say(connected, 'Alice', `${body('one')}<origin-id xmlns='urn:xmpp:sid:0' id='${sent.attrs['id'] ?? ''}'/>`, 'r9');
    await device.until(() => device.message(ROOM, 'one')?.state === 'sent');
    expect((await device.read(ROOM)).length).toBe(1);
  });
});

describe('bookmarks', () => {
  it('keep what other programs have written into them', async () => {
    server.on('http://jabber.org/protocol/muc#owner', 'query', (payload) => payload.elements.length > 0 ? undefined
      : `<query xmlns='${MUC}#owner'><x xmlns='jabber:x:data' type='form'><field var='muc#roomconfig_roomname'/></x></query>`);
    members = { owner: [ALICE, BOB] };
    const connected = await enter();
    await device.commands.renameGroup(ROOM, 'New name');
    const stanza = connected.stanzas.findLast((one) => one.toString().includes('urn:xmpp:bookmarks:1') && one.toString().includes('publish'));
    const conference = stanza?.child('pubsub', 'http://jabber.org/protocol/pubsub')?.child('publish')?.child('item')?.child('conference', 'urn:xmpp:bookmarks:1');
    expect(conference?.attrs).toEqual({ name: 'New name', autojoin: 'true' });
    expect(conference?.child('nick')?.text).toBe('Alice');
    expect(conference?.child('extensions')?.child('pinned', 'urn:example:other')).toBeDefined();
  });

  it('that another device takes away end it here', async () => {
    const connected = await enter();
    connected.send(`<message xmlns='jabber:client' from='${ALICE}' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='urn:xmpp:bookmarks:1'><retract id='${ROOM}'/></items></event></message>`);
    await device.until(() => device.chats.get(ROOM)?.group?.state === 'left');
    await connected.until((stanza) => stanza.name === 'presence' && stanza.attrs['type'] === 'unavailable' && stanza.attrs['to'] === `${ROOM}/Alice`);
  });

  it('of strangers are nobody’s (CVE-2023-28686)', async () => {
    const connected = await signIn();
    const event = `<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='urn:xmpp:bookmarks:1'><item id='${ROOM}'><conference xmlns='urn:xmpp:bookmarks:1' autojoin='true'/></item></items></event>`;
    connected.send(`<message xmlns='jabber:client' from='${EVE}' type='headline'>${event}</message>`);
    await handled(connected);
    expect(device.chats.has(ROOM)).toBe(false);
    expect(connected.stanzas.some(joins)).toBe(false);
  });
});

describe('invitations', () => {
  const direct = (from: string): string => `<message xmlns='jabber:client' from='${from}/x' to='${ALICE}'><x xmlns='jabber:x:conference' jid='${ROOM}' reason='Come in'/></message>`;

  it('of contacts take one along', async () => {
    const connected = await signIn();
    connected.send(direct(BOB));
    await letIn(connected, 'alice');
    await device.until(() => device.chats.get(ROOM)?.group?.state === 'here');
    await connected.until((stanza) => stanza.toString().includes('urn:xmpp:bookmarks:1') && stanza.toString().includes('autojoin'));
  });

  it('of strangers wait, and the room learns nothing', async () => {
    const connected = await signIn();
    connected.send(direct(EVE));
    await device.until(() => device.chats.get(ROOM)?.group?.state === 'invited');
    expect(device.chats.get(ROOM)?.group).toMatchObject({ invitedBy: EVE, note: 'Come in' });
    await handled(connected);
    expect(connected.stanzas.some((stanza) =>  stanza.attrs['to']?.startsWith(ROOM))).toBe(false);
    await device.commands.declineGroup(ROOM);
    expect(device.chats.get(ROOM)?.group?.state).toBe('left');
  });

  it('are not believed of rooms elsewhere that name a contact', async () => {
    const connected = await signIn();
    connected.send(`<message xmlns='jabber:client' from='trap@rooms.example.net' to='${ALICE}'><x xmlns='${USER}'><invite from='${BOB}'/></x></message>`);
    await device.until(() => device.chats.get('trap@rooms.example.net')?.group?.state === 'invited');
    await handled(connected);
    expect(connected.stanzas.some((stanza) =>  stanza.attrs['to']?.startsWith('trap@'))).toBe(false);
  });
});

describe('what is said', () => {
  it('is there once, and counts when it names one', async () => {
    const connected = await enter();
    say(connected, 'Bob', body('hello'), 'r1');
    say(connected, 'Bob', body('hello'), 'r1');
    say(connected, 'Bob', body('@Alice look'), 'r2');
    await device.until(() => device.message(ROOM, '@Alice look'));
    expect((await device.read(ROOM)).map((message) => message.text)).toEqual(['hello', '@Alice look']);
    expect(device.chats.get(ROOM)).toMatchObject({ unread: 2, mentions: 1, last: { from: BOB, name: 'Bob' } });
    await device.commands.markRead(ROOM, device.message(ROOM, '@Alice look')?.order ?? 0);
    expect(device.chats.get(ROOM)).toMatchObject({ unread: 0, mentions: 0 });
    const marker = await connected.until((stanza) => stanza.child('displayed', 'urn:xmpp:chat-markers:0') !== undefined || (stanza.toString().includes('urn:xmpp:mds:displayed:0') && stanza.toString().includes('<publish ')));
    expect(marker.toString()).toContain(`id='r2'`);
    expect(marker.toString()).toContain(`by='${ROOM}'`);
  });

  it('is not taken for the same because an archive elsewhere gave the same id', async () => {
    const connected = await enter();
    say(connected, 'Bob', body('in the group'), 'same');
    connected.message(`${BOB}/x`, body('between us'), { id: 'm7', stanzaId: 'same' });
    await device.until(() => device.message(BOB, 'between us') && device.message(ROOM, 'in the group'));
  });

  it('by somebody who pretends to be a room is nothing', async () => {
    const connected = await enter();
    connected.send(`<message xmlns='jabber:client' type='groupchat' from='other@groups.example.org/Bob'>${body('forged')}</message>`);
    connected.send(`<message xmlns='jabber:client' type='groupchat' from='${EVE}/Bob'>${body('forged')}</message>`);
    connected.send(`<message xmlns='jabber:client' from='${EVE}'><result xmlns='urn:xmpp:mam:2' queryid='x' id='x'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' type='groupchat' from='${ROOM}/Bob'>${body('forged')}</message></forwarded></result></message>`);
    await handled(connected);
    expect(await device.read(ROOM)).toEqual([]);
    expect([...device.chats.keys()].filter((chat) => chat !== ROOM && device.chats.get(chat)?.last)).toEqual([]);
  });

  it('in the archive is by whom the room says, not by whom the sender says', async () => {
    server.roomArchives.set(ROOM, [{ id: 'r1', stamp: '2026-01-01T10:00:00Z', message: `<message xmlns='jabber:client' type='groupchat' from='${ROOM}/Eve' id='m1'><x xmlns='${USER}'><item jid='${BOB}/x'/></x>${body('it is me, Bob')}<x xmlns='${USER}'><item affiliation='member' jid='${EVE}/x'/></x></message>` }]);
    await enter();
    expect((await device.read(ROOM)).map((message) => message.from)).toEqual([EVE]);
  });

  it('never leaves a private group in the clear, and says that a public one is not encrypted', async () => {
    const connected = await enter();
    expect(device.chats.get(ROOM)?.lock).toBe('encrypted');
    await device.commands.send(ROOM, 'secret');
    const failed = await device.until(() => device.message(ROOM, 'secret')?.state === 'failed' && device.message(ROOM, 'secret'));
    expect(failed.reason?.code).toBe('cannot-encrypt');
    expect(device.chats.get(ROOM)?.group?.cannotRead).toEqual([BOB]);
    features = publicRoom;
    connected.send(`<message xmlns='jabber:client' type='groupchat' from='${ROOM}'><x xmlns='${USER}'><status code='104'/></x></message>`);
    await device.until(() => device.chats.get(ROOM)?.lock === 'unencrypted');
    await expect(device.commands.send(ROOM, 'secret')).rejects.toMatchObject({ reason: { code: 'cannot-encrypt' } });
    expect(connected.stanzas.some((stanza) => stanza.toString().includes('secret'))).toBe(false);
  });

  it('is not encrypted for who was removed, and the room is told from who is', async () => {
    const connected = await enter();
    members = {};
    connected.send(`<message xmlns='jabber:client' from='${ROOM}'><x xmlns='${USER}'><item affiliation='member' jid='${EVE}' role='none'/></x></message>`);
    await device.until(() => device.chats.get(ROOM)?.group?.people === 3);
    occupant(connected, 'Eve', EVE, 'none', ['321'], `type='unavailable'`);
    await device.until(() => device.chats.get(ROOM)?.group?.people === 2);
    occupant(connected, 'Alice', ALICE, 'none', ['110', '321'], `type='unavailable'`);
    await device.until(() => device.chats.get(ROOM)?.group?.state === 'removed');
  });
});

it.each([
  ['@Alice look', ['Alice'], true], ['look, @alice!', ['Alice'], true], ['Alice: look', ['Alice'], true], ['mail@alice.example', ['Alice'], false],
  ['@Alicent', ['Alice'], false], ['Alice is nice', ['Alice'], false], ['@Anna Adams hi', ['Anna Adams'], true], ['@', ['', ' '], false],
] as const)('“%s” names %j: %s', (text, own, expected) => expect(names(text, own)).toBe(expected));
