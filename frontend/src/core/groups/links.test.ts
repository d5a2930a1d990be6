import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Device } from '../../../test/support/device';
import { ScriptServer, type Connected } from '../../../test/support/script';
import { parse, type XmlElement } from '../../xmpp/xml';

const ALICE = 'alice@example.org', BOB = 'bob@example.org', ROOM = 'den@groups.example.org';
const MUC = 'http://jabber.org/protocol/muc', USER = `${MUC}#user`, INFO = 'http://jabber.org/protocol/disco#info', LINK = 'kith:grouplink:0';
const TOKEN = '3q2-7wAAAAAAAAAAAAAAAA';

let server: ScriptServer;
let device: Device;
let profile = 0;
let belongs: boolean;
let features: readonly string[];
let members: Record<string, readonly string[]>;
let links: string[];
let asked: XmlElement[];
/** What the room says to who looks with a key, or looks from outside. */
let looked: string | { error: string };
let outside: string | { error: string } | undefined;

beforeEach(async () => {
  profile++;
  belongs = false;
  features = ['muc_membersonly', 'muc_nonanonymous', 'muc_hidden', LINK];
  members = { owner: [BOB], member: [] };
  links = [];
  asked = [];
  looked = `<group xmlns='${LINK}' name='The den' people='4'><description>Bring tea</description></group>`;
  outside = undefined;
  server = new ScriptServer();
  server.on(INFO, 'query', (_payload, iq) => {
    if (iq.attrs['to'] !== ROOM) return `<query xmlns='${INFO}'/>`;
    return outside ?? `<query xmlns='${INFO}'><identity category='conference' type='text' name='${belongs ? 'The den' : ''}'/>${[MUC, 'urn:xmpp:mam:2', ...features].map((feature) => `<feature var='${feature}'/>`).join('')}</query>`;
  });
  server.on(`${MUC}#admin`, 'query', (payload) => {
    const wanted = payload.child('item')?.attrs['affiliation'] ?? '';
    return `<query xmlns='${MUC}#admin'>${(members[wanted] ?? []).map((jid) => `<item affiliation='${wanted}' jid='${jid}'/>`).join('')}</query>`;
  });
  server.on(LINK, 'look', (payload) => {
    asked.push(payload);
    return looked;
  });
  server.on(LINK, 'links', () => `<links xmlns='${LINK}'>${links.join('')}</links>`);
  for (const name of ['make', 'renew', 'revoke']) {
    server.on(LINK, name, (payload) => {
      asked.push(payload);
      if (name === 'revoke') return links.splice(0, links.length).length > 0 ? undefined : { error: 'item-not-found' };
      const link = (secret: string): string => `<link xmlns='${LINK}' id='one'${secret} by='${ALICE}' made='2026-03-04T05:06:07Z' expires='2026-03-${name === 'make' ? 11 : 18}T05:06:07Z' uses='0'/>`;
      links = [link('')];
      return link(name === 'make' ? ` token='${TOKEN}'` : '');
    });
  }
  device = await Device.open({
    origin: 'https://example.org', socket: server.listener.factory, profile: `links-${profile}`, platform: { fetch: () => Promise.reject(new Error('no network')) },
  });
});

afterEach(async () => {
  await device.stop();
});

async function signIn(): Promise<Connected> {
  const [connected] = await Promise.all([server.accept(), device.commands.signIn(ALICE, 'pencil')]);
  await device.online();
  return connected;
}

const joins = (stanza: XmlElement): boolean => stanza.name === 'presence' && stanza.child('x', MUC) !== undefined;

function admit(connected: Connected, codes: readonly string[] = ['100', '110'], affiliation = 'member'): void {
  belongs = true;
  members = affiliation === 'owner' ? { owner: [ALICE] } : { ...members, [affiliation]: [ALICE] };
  const occupant = (nick: string, jid: string, as: string, all: readonly string[]): string =>
    `<presence xmlns='jabber:client' from='${ROOM}/${nick}'><x xmlns='${USER}'><item affiliation='${as}' role='participant' jid='${jid}/x'/>${all.map((code) => `<status code='${code}'/>`).join('')}</x></presence>`;
  if (affiliation !== 'owner') connected.send(occupant('Bob', BOB, 'owner', []));
  connected.send(occupant('alice', ALICE, affiliation, codes));
  connected.send(`<message xmlns='jabber:client' type='groupchat' from='${ROOM}'><subject/></message>`);
}

function refuse(connected: Connected, condition: string, type = 'auth', more = ''): void {
  connected.send(`<presence xmlns='jabber:client' type='error' from='${ROOM}/alice'><x xmlns='${MUC}'/><error type='${type}'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>${more}</error></presence>`);
}

/** Signs in as the owner of the group, and goes in. */
async function owner(): Promise<Connected> {
  server.nodes.set(`${ALICE} urn:xmpp:bookmarks:1`, parse(`<item xmlns='http://jabber.org/protocol/pubsub' id='${ROOM}'><conference xmlns='urn:xmpp:bookmarks:1' autojoin='true'/></item>`));
  belongs = true;
  const connected = await signIn();
  await connected.until(joins);
  admit(connected, ['100', '110'], 'owner');
  await device.until(() => device.chats.get(ROOM)?.group?.state === 'here' && device.chats.get(ROOM)?.group?.role === 'owner');
  return connected;
}

describe('a link that somebody opens', () => {
  it('tells what it leads to, and who has none learns nothing', async () => {
    await signIn();
    expect(await device.commands.lookupGroup(ROOM, TOKEN)).toEqual({ address: ROOM, name: 'The den', description: 'Bring tea', privacy: 'private', admits: true, members: 4 });
    expect(asked[0]?.attrs['token']).toBe(TOKEN);
    const info = await device.commands.lookupGroup(ROOM);
    expect(info).toMatchObject({ name: 'den', privacy: 'private' });
    expect(info.admits).toBeUndefined();
    expect(asked).toHaveLength(1);
    expect(device.chats.has(ROOM)).toBe(false);
  });

  it.each([['registration-required', 'group-link-invalid'], ['forbidden', 'not-member'], ['item-not-found', 'not-found'], ['resource-constraint', 'throttled']])('%s means %s', async (condition, code) => {
    await signIn();
    looked = { error: condition };
    await expect(device.commands.lookupGroup(ROOM, TOKEN)).rejects.toMatchObject({ reason: { code } });
  });

  it('may be the password of a room on a server that knows no links', async () => {
    const connected = await signIn();
    looked = { error: 'service-unavailable' };
    features = ['muc_membersonly', 'muc_nonanonymous', 'muc_passwordprotected'];
    expect(await device.commands.lookupGroup(ROOM, 'sesame')).toMatchObject({ admits: true, privacy: 'private' });
    const joined = device.commands.joinGroup(ROOM, 'sesame');
    await connected.until(joins);
    admit(connected);
    await joined;
    const kept = await connected.until((stanza) => stanza.toString().includes("node='urn:xmpp:bookmarks:1'") && stanza.toString().includes('<publish'));
    expect(kept.toString()).toContain('<password>sesame</password>');
  });

  it('leads in: one belongs to the group from then on, on all devices', async () => {
    const connected = await signIn();
    const joined = device.commands.joinGroup(ROOM, TOKEN);
    const entering = await connected.until(joins);
    expect(entering.child('x', MUC)?.child('password')?.text).toBe(TOKEN);
    expect(device.chats.has(ROOM)).toBe(false);
    admit(connected);
    expect(await joined).toBe(ROOM);
    await device.until(() => device.chats.get(ROOM)?.group?.state === 'here' && device.chats.get(ROOM)?.group?.people === 2);
    expect(device.chats.get(ROOM)).toMatchObject({ title: 'The den', group: { role: 'member', privacy: 'private', may: { link: false } } });
    // From here on: what came before was not for one.
    expect(device.chats.get(ROOM)?.group?.since).toBeGreaterThan(0);
    expect(device.chats.get(ROOM)?.lock).not.toBe('unencrypted');
    const kept = await connected.until((stanza) => stanza.toString().includes("node='urn:xmpp:bookmarks:1'") && stanza.toString().includes('<publish'));
    // The link is not needed any more, and is told nobody.
    expect(kept.toString()).not.toContain(TOKEN);
    // Opened once more, it leads to the same group.
    expect(await device.commands.joinGroup(ROOM, TOKEN)).toBe(ROOM);
    expect(connected.stanzas.filter(joins)).toHaveLength(1);
  });

  it.each([
    ['registration-required', 'auth', '', 'group-link-invalid'], ['not-authorized', 'auth', '', 'group-link-invalid'], ['forbidden', 'auth', '', 'not-member'], ['resource-constraint', 'wait', '', 'throttled'],
    ['not-allowed', 'cancel', "<approval-required xmlns='kith:guardian:0'/>", 'approval'],
  ])('leads nowhere: %s', async (condition, type, more, code) => {
    const connected = await signIn();
    const joined = device.commands.joinGroup(ROOM, TOKEN);
    const refused = expect(joined).rejects.toMatchObject({ reason: { code } });
    await connected.until(joins);
    refuse(connected, condition, type, more);
    await refused;
    expect(device.chats.has(ROOM)).toBe(false);
  });

  it('asks the guardian of a child, who may not even look', async () => {
    const connected = await signIn();
    outside = { error: 'forbidden' };
    const refused = expect(device.commands.joinGroup(ROOM, TOKEN)).rejects.toMatchObject({ reason: { code: 'approval' } });
    await connected.until(joins);
    refuse(connected, 'not-allowed', 'cancel', "<approval-required xmlns='kith:guardian:0'/>");
    await refused;
  });

  it('makes no room where there is none', async () => {
    const connected = await signIn();
    outside = { error: 'item-not-found' };
    await expect(device.commands.joinGroup(ROOM, TOKEN)).rejects.toMatchObject({ reason: { code: 'not-found' } });
    expect(connected.stanzas.some(joins)).toBe(false);
    // It ended in this very moment: the server makes one, which is left again.
    outside = undefined;
    const refused = expect(device.commands.joinGroup(ROOM, TOKEN)).rejects.toMatchObject({ reason: { code: 'not-found' } });
    await connected.until(joins);
    admit(connected, ['110', '201'], 'owner');
    await refused;
    await connected.until((stanza) => stanza.name === 'presence' && stanza.attrs['type'] === 'unavailable' && stanza.attrs['to'] === `${ROOM}/alice`);
    expect(device.chats.has(ROOM)).toBe(false);
  });
});

describe('links that one hands out', () => {
  it('are made, shown, renewed and turned off by those who may', async () => {
    await owner();
    expect(device.chats.get(ROOM)?.group?.may.link).toBe(true);
    expect(await device.commands.groupLinks(ROOM)).toEqual([]);
    const made = await device.commands.makeGroupLink(ROOM, { seconds: 3600, max: 2 });
    expect(asked.at(-1)?.attrs).toMatchObject({ seconds: '3600', max: '2' });
    expect(made).toEqual({
      id: 'one', by: ALICE, expires: Date.parse('2026-03-11T05:06:07Z'), uses: 0, url: `https://example.org/g/${ROOM}#${TOKEN}`, uri: `xmpp:${ROOM}?join;password=${TOKEN}`,
    });
    // This device can show it again, and renew it; what is on the server alone cannot be shown.
    links.push(`<link xmlns='${LINK}' id='two' by='${BOB}' made='2026-03-05T05:06:07Z' expires='2026-03-06T05:06:07Z' uses='3' max='5'/>`);
    expect(await device.commands.groupLinks(ROOM)).toEqual([{ id: 'two', by: BOB, expires: Date.parse('2026-03-06T05:06:07Z'), uses: 3, max: 5 }, made]);
    expect(await device.commands.renewGroupLink(ROOM, 'one')).toEqual({ ...made, expires: Date.parse('2026-03-18T05:06:07Z') });
    await device.commands.revokeGroupLink(ROOM, 'one');
    expect(await device.commands.groupLinks(ROOM)).toEqual([]);
    // Somebody else was quicker.
    await device.commands.revokeGroupLink(ROOM, 'one');
  });

  it('are forgotten here when the server knows them no more', async () => {
    await owner();
    await device.commands.makeGroupLink(ROOM, {});
    const [link] = links;
    links = [];
    expect(await device.commands.groupLinks(ROOM)).toEqual([]);
    links = [link ?? ''];
    expect((await device.commands.groupLinks(ROOM))[0]?.url).toBeUndefined();
  });

  it('are none of an open room, or of a server that knows none', async () => {
    features = ['muc_membersonly', 'muc_nonanonymous', 'muc_hidden'];
    await owner();
    expect(device.chats.get(ROOM)?.group?.may.link).toBe(false);
  });
});
