import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Device } from '../../../test/support/device';
import { ScriptServer } from '../../../test/support/script';
import type { XmlElement } from '../../xmpp/xml';

const ALICE = 'alice@example.org', SERVICE = 'groups.example.org';
const MUC = 'http://jabber.org/protocol/muc', INFO = 'http://jabber.org/protocol/disco#info', ITEMS = 'http://jabber.org/protocol/disco#items', RSM = 'http://jabber.org/protocol/rsm';

let server: ScriptServer;
let device: Device;
let profile = 0;
let rooms: string[];
let asked: (string | undefined)[];
let configured: Record<string, string[]> | undefined;

const room = (name: string): string => `${name}@${SERVICE}`;

function info(address: string): string | { error: string } {
  const name = address.split('@')[0] ?? '';
  if (address === SERVICE) return `<query xmlns='${INFO}'><identity category='conference' type='text'/><feature var='${MUC}'/></query>`;
  if (name.startsWith('secret')) return { error: 'forbidden' };
  if (name.startsWith('gone')) return { error: 'item-not-found' };
  return `<query xmlns='${INFO}'><identity category='conference' type='text' name='Room ${name}'/><feature var='${MUC}'/><feature var='${name.startsWith('closed') ? 'muc_membersonly' : 'muc_open'}'/>
    <x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>${MUC}#roominfo</value></field>
    <field var='muc#roominfo_description'><value>About ${name}</value></field><field var='muc#roominfo_occupants'><value>7</value></field></x></query>`;
}

beforeEach(async () => {
  profile++;
  rooms = [...Array(25).keys()].map((n) => `r${n}`);
  asked = [];
  configured = undefined;
  server = new ScriptServer();
  server.on(INFO, 'query', (_payload, iq) => (iq.attrs['to'] === undefined || iq.attrs['to'] === ALICE ? `<query xmlns='${INFO}'/>` : info(iq.attrs['to'])));
  server.on(ITEMS, 'query', (payload, iq) => {
    if (iq.attrs['to'] !== SERVICE) return `<query xmlns='${ITEMS}'><item jid='${SERVICE}'/></query>`;
    const set = payload.child('set', RSM);
    const after = set?.child('after')?.text;
    asked.push(after);
    const from = after === undefined ? 0 : rooms.indexOf(after) + 1;
    const page = rooms.slice(from, from + Number(set?.child('max')?.text));
    return `<query xmlns='${ITEMS}'>${page.map((name) => `<item jid='${room(name)}' name='${name}'/>`).join('')}<set xmlns='${RSM}'><last>${page[page.length - 1] ?? ''}</last><count>${rooms.length}</count></set></query>`;
  });
  server.on(`${MUC}#owner`, 'query', (payload) => {
    const form = payload.child('x', 'jabber:x:data');
    if (form) configured = Object.fromEntries(form.elements.map((field) => [field.attrs['var'] ?? '', field.elements.map((value) => value.text)]));
    const fields = ['roomname', 'roomdesc', 'publicroom', 'membersonly', 'whois', 'persistentroom', 'enablearchiving'].map((name) => `<field var='muc#roomconfig_${name}'/>`);
    return form ? undefined : `<query xmlns='${MUC}#owner'><x xmlns='jabber:x:data' type='form'>${fields.join('')}</x></query>`;
  });
  device = await Device.open({ origin: 'https://example.org', socket: server.listener.factory, profile: `directory-${profile}`, platform: { fetch: () => Promise.reject(new Error('no network')) } });
  server.on(`${MUC}#admin`, 'query', () => ({ error: 'forbidden' }));
});

afterEach(async () => {
  await device.stop();
});

async function signIn(): Promise<Awaited<ReturnType<ScriptServer['accept']>>> {
  const [connected] = await Promise.all([server.accept(), device.commands.signIn(ALICE, 'pencil')]);
  await device.online();
  return connected;
}

describe('the directory of public groups', () => {
  it('comes page by page, with how many are there and what they are about', async () => {
    await signIn();
    const first = await device.commands.publicGroups();
    expect(first.groups).toHaveLength(20);
    expect(first.groups[0]).toEqual({ address: room('r0'), name: 'Room r0', description: 'About r0', privacy: 'public', people: 7 });
    const second = await device.commands.publicGroups(first.next);
    expect(second.groups.map((group) => group.address)).toEqual(rooms.slice(20).map(room));
    expect(second.next).toBeUndefined();
    expect(asked).toEqual([undefined, 'r19']);
  });

  it('leaves out what ended meanwhile, and what is not public', async () => {
    rooms = ['r1', 'gone1', 'closed1', 'secret1', 'r2'];
    await signIn();
    expect((await device.commands.publicGroups()).groups.map((group) => group.address)).toEqual([room('r1'), room('r2')]);
  });

  it('is empty where there are no groups', async () => {
    server.on(ITEMS, 'query', () => `<query xmlns='${ITEMS}'/>`);
    await signIn();
    expect(await device.commands.publicGroups()).toEqual({ groups: [] });
  });
});

it.each([
  ['xmpp:r1@groups.example.org?join', { name: 'Room r1', privacy: 'public' }], ['closed1@groups.example.org', { privacy: 'private' }],
])('what is at %s can be looked at from outside', async (address, found) => {
  await signIn();
  expect(await device.commands.lookupGroup(address)).toMatchObject(found);
});

it.each([['secret1@groups.example.org', 'not-member'], ['gone1@groups.example.org', 'not-found'], ['groups.example.org', 'name-invalid']])('%s cannot be: %s', async (address, code) => {
  await signIn();
  await expect(device.commands.lookupGroup(address)).rejects.toMatchObject({ reason: { code } });
});

it('a public group is made with an address that can be read, open to all, its people known by name only', async () => {
  const connected = await signIn();
  const made = device.commands.createGroup('Bücher & Tee', [], { public: true, description: ' Jeden Freitag ' });
  const joins = (stanza: XmlElement): boolean => stanza.name === 'presence' && stanza.child('x', MUC) !== undefined;
  const to = (await connected.until(joins)).attrs['to'] ?? '';
  connected.send(`<presence xmlns='jabber:client' from='${to}'><x xmlns='${MUC}#user'><item affiliation='owner' role='moderator'/><status code='110'/><status code='201'/></x></presence>`);
  connected.send(`<message xmlns='jabber:client' type='groupchat' from='${to.split('/')[0] ?? ''}'><subject/></message>`);
  expect(await made).toMatch(/^bucher-tee-[0-9a-f]{4}@groups\.example\.org$/);
  expect(configured).toMatchObject({
    'muc#roomconfig_roomname': ['Bücher & Tee'], 'muc#roomconfig_roomdesc': ['Jeden Freitag'], 'muc#roomconfig_publicroom': ['1'], 'muc#roomconfig_membersonly': ['0'],
    'muc#roomconfig_whois': ['moderators'], 'muc#roomconfig_persistentroom': ['1'],
  });
  await device.until(() => device.chats.get(to.split('/')[0] ?? '')?.lock === 'unencrypted');
});
