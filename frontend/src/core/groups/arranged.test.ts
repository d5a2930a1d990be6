import { afterEach, beforeEach, expect, it } from 'vitest';
import { Device } from '../../../test/support/device';
import { ScriptServer, type Connected } from '../../../test/support/script';
import { parse, type XmlElement } from '../../xmpp/xml';
import { isPinned } from '../../xmpp/xep0469_pinning';
import { readNotify } from '../../xmpp/xep0492_notify';

const ALICE = 'alice@example.org', BOB = 'bob@example.org', ROOM = 'family@groups.example.org', NODE = 'urn:xmpp:bookmarks:1';
const MUC = 'http://jabber.org/protocol/muc', USER = `${MUC}#user`;

let server: ScriptServer;
let device: Device;
let connected: Connected;
let profile = 0;

const conference = (inner: string): XmlElement => parse(`<item xmlns='http://jabber.org/protocol/pubsub' id='${ROOM}'><conference xmlns='${NODE}' autojoin='true' name='Family'>
  <nick>Alice</nick><extensions><other xmlns='urn:other'/>${inner}</extensions></conference></item>`);

beforeEach(async () => {
  server = new ScriptServer();
  server.on('http://jabber.org/protocol/disco#info', 'query', (_payload, iq) => (iq.attrs['to'] !== ROOM ? `<query xmlns='http://jabber.org/protocol/disco#info'/>`
    : `<query xmlns='http://jabber.org/protocol/disco#info'><identity category='conference' type='text' name='Family'/><feature var='${MUC}'/><feature var='muc_membersonly'/><feature var='muc_nonanonymous'/></query>`));
  server.on(`${MUC}#admin`, 'query', () => `<query xmlns='${MUC}#admin'/>`);
  device = await Device.open({ origin: 'https://example.org', socket: server.listener.factory, profile: `arranged-${profile++}`, platform: { fetch: () => Promise.reject(new Error('no network')) } });
  server.nodes.set(`${ALICE} ${NODE}`, conference(`<notify xmlns='urn:xmpp:notification-settings:1'><on-mention/></notify>`));
  [connected] = await Promise.all([server.accept(), device.commands.signIn(ALICE, 'pencil')]);
  await device.online();
  await connected.until((stanza) => stanza.name === 'presence' && stanza.attrs['to'] === `${ROOM}/Alice`);
  for (const [nick, jid, codes] of [['Bob', BOB, ''], ['Alice', ALICE, `<status code='100'/><status code='110'/>`]] as const) {
    connected.send(`<presence xmlns='jabber:client' from='${ROOM}/${nick}' to='${ALICE}/Kith~1'><x xmlns='${USER}'><item affiliation='member' role='participant' jid='${jid}/x'/>${codes}</x></presence>`);
  }
  await device.until(() => device.chats.get(ROOM)?.group?.state === 'here');
});
afterEach(() => device.stop());

const say = (content: string, id: string): void => connected.send(`<message xmlns='jabber:client' type='groupchat' from='${ROOM}/Bob' id='${id}'>${content}<stanza-id xmlns='urn:xmpp:sid:0' id='${id}' by='${ROOM}'/></message>`);
const notified = (): string[] => device.log.flatMap((entry) => (entry.event === 'notify' ? [entry.data.text] : []));
const extensions = (): XmlElement | undefined => server.nodes.get(`${ALICE} ${NODE}`)?.elements[0]?.child('extensions');

it('what another program has set holds here: silent save what names one, by name or by reference', async () => {
  expect(device.chats.get(ROOM)?.muted).toEqual({ exceptMentions: true });
  say('<body>nothing for Alice</body>', 'm1');
  say('<body>@Alice come here</body>', 'm2');
  await device.until(() => device.message(ROOM, '@Alice come here'));
  say(`<body>whom do I mean</body><reference xmlns='urn:xmpp:reference:0' type='mention' uri='xmpp:${ALICE}' begin='0' end='4'/>`, 'm3');
  say(`<body>not you</body><reference xmlns='urn:xmpp:reference:0' type='mention' uri='xmpp:${BOB}'/>`, 'm4');
  await device.until(() => device.message(ROOM, 'not you'));
  expect(notified().map((text) => text.replace(/^.*: /, ''))).toEqual(['@Alice come here', 'whom do I mean']);
  expect(device.chats.get(ROOM)).toMatchObject({ unread: 4, mentions: 2 });
});

it('what is set here stands in the bookmark for other programs, and their things stay', async () => {
  await device.commands.arrangeChat(ROOM, { pinned: true, muted: {} });
  expect(isPinned(extensions())).toBe(true);
  expect(readNotify(extensions())).toBe('never');
  expect(extensions()?.child('other', 'urn:other')).toBeDefined();
  await device.commands.arrangeChat(ROOM, { pinned: false, muted: { until: Date.now() + 60_000 } });
  expect(isPinned(extensions())).toBe(false);
  // Only for a while: that is something that others have no word for.
  expect(readNotify(extensions())).toBe('always');
  expect(device.chats.get(ROOM)?.muted?.until).toBeGreaterThan(Date.now());
  connected.send(`<message xmlns='jabber:client' from='${ALICE}' to='${ALICE}' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='${NODE}'>${conference(`<pinned xmlns='urn:xmpp:bookmarks-pinning:0'/>`).toString().replaceAll('http://jabber.org/protocol/pubsub', 'http://jabber.org/protocol/pubsub#event')}</items></event></message>`);
  await device.until(() => device.chats.get(ROOM)?.pinned);
  expect(device.chats.get(ROOM)?.muted?.until).toBeDefined();
});
