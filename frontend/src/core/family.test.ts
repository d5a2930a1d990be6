import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Device } from '../../test/support/device';
import { ScriptServer, type Connected } from '../../test/support/script';

const ALICE = 'alice@example.org', BEN = 'ben@example.org', EVE = 'eve@far.example';
const G = 'kith:guardian:0', C = 'kith:circle:0', FORM = 'jabber:x:data', COMMANDS = 'http://jabber.org/protocol/commands';

let server: ScriptServer;
let device: Device;
let profile = 0;
let role: string;

beforeEach(async () => {
  profile++;
  role = 'member';
  server = new ScriptServer();
  server.on('kith:account:0', 'account', () => `<account xmlns='kith:account:0' role='${role}'/>`);
  server.on(G, 'children', (payload) => `<children xmlns='${G}'>${payload.attrs['all'] === 'true' || role === 'member'
    ? `<child jid='${BEN}'><guardian jid='${ALICE}'/><request jid='${EVE}' kind='contact' direction='in' at='2026-03-04T05:06:07.000Z' nick='Eve'><text>from school</text></request>
       <request jid='den@groups.example.org' kind='room' direction='in' at='2026-03-04T05:06:08.000Z' by='bob@example.org/x'/><approved jid='carol@example.org' kind='contact' at='2026-03-04T05:06:07.000Z'/></child>` : ''}</children>`);
  server.on(G, 'guardians', () => `<guardians xmlns='${G}'><guardian jid='${ALICE}'/><request jid='${EVE}' kind='contact' direction='out' at='2026-03-04T05:06:07.000Z'/></guardians>`);
  server.on(C, 'circles', () => `<circles xmlns='${C}'><circle id='abc' name='The Family' room='the-family-abc@groups.example.org'><member jid='${ALICE}'/><member jid='${BEN}'/></circle></circles>`);
  device = await Device.open({ origin: 'https://example.org', socket: server.listener.factory, profile: `family-${profile}`, platform: { fetch: () => Promise.reject(new Error('no network')) } });
});

afterEach(async () => {
  await device.stop();
});

async function signIn(): Promise<Connected> {
  const [connected] = await Promise.all([server.accept(), device.commands.signIn(ALICE, 'pencil')]);
  await device.online();
  await device.until(() => device.session.role === role);
  return connected;
}

const notice = (id: string, content: string, from = 'example.org', type = 'normal'): string =>
  `<message xmlns='jabber:client' from='${from}' to='${ALICE}' id='${id}' type='${type}'><body>In words for other programs.</body>${content}<stanza-id xmlns='urn:xmpp:sid:0' id='${id}' by='${ALICE}'/></message>`;
const asked = `<asked xmlns='${G}' child='${BEN}'><request jid='${EVE}' kind='contact' direction='in' at='2026-03-04T05:06:07.000Z'/></asked>`;

describe('a guardian', () => {
  it('sees what waits in both directions, and decides', async () => {
    const decided: string[] = [];
    server.on(G, 'decide', (payload) => {
      decided.push(JSON.stringify(payload.attrs));
      return undefined;
    });
    await signIn();
    const { children, guardians } = await device.commands.family();
    expect(guardians).toEqual([]);
    expect(children).toEqual([{
      address: BEN, name: 'ben', guardians: [ALICE], mayDecide: true,
      requests: [
        { address: EVE, kind: 'contact', direction: 'in', at: Date.UTC(2026, 2, 4, 5, 6, 7), name: 'Eve', text: 'from school' },
        { address: 'den@groups.example.org', kind: 'group', direction: 'in', at: Date.UTC(2026, 2, 4, 5, 6, 8), by: 'bob@example.org' },
      ],
      approved: [{ address: 'carol@example.org', kind: 'contact' }],
    }]);
    await device.commands.decideFor(BEN, EVE, 'approve', 'contact');
    await device.commands.decideFor(BEN, 'den@groups.example.org', 'deny', 'group');
    expect(decided.map((one) => JSON.parse(one) as object)).toEqual([
      { child: BEN, jid: EVE, answer: 'approve', kind: 'contact' }, { child: BEN, jid: 'den@groups.example.org', answer: 'deny', kind: 'room' },
    ]);
    expect(device.log.filter((entry) => entry.event === 'family')).toHaveLength(2);
  });

  it('is told of news by the server, and by nobody else; none of it is a chat', async () => {
    const connected = await signIn();
    connected.send(notice('n1', asked));
    await device.until(() => device.log.some((entry) => entry.event === 'family'));
    connected.send(notice('n2', `<decided xmlns='${G}' jid='${EVE}' answer='approved'/>`, `${EVE}/x`, 'chat'));
    await device.until(() => device.chats.get(EVE)?.last);
    expect(device.chats.has('example.org')).toBe(false);
    expect(device.log.filter((entry) => entry.event === 'family')).toHaveLength(1);
  });

  it('finds none of it among the messages of the archive either', async () => {
    server.archive.push({ id: 'a1', stamp: '2026-01-01T10:00:00Z', message: notice('n1', asked) });
    server.archive.push({ id: 'a2', stamp: '2026-01-01T10:01:00Z', message: `<message xmlns='jabber:client' from='bob@example.org/x' to='${ALICE}' type='chat' id='m'><body>Hi</body></message>` });
    await signIn();
    await device.until(() => device.chats.get('bob@example.org')?.last);
    expect(device.chats.has('example.org')).toBe(false);
  });
});

it('a child sees who decides and what waits, is told of the answer, and why something does not go', async () => {
  role = 'limited';
  server.on('http://jabber.org/protocol/disco#info', 'query', (_payload, iq) => (iq.attrs['to'] === 'club@groups.example.org'
    ? { error: 'not-allowed', specific: `<approval-required xmlns='${G}'/>` } : `<query xmlns='http://jabber.org/protocol/disco#info'/>`));
  const connected = await signIn();
  expect(await device.commands.family()).toMatchObject({ children: [], guardians: [ALICE], waiting: [{ address: EVE, direction: 'out' }] });
  connected.send(notice('n1', `<decided xmlns='${G}' jid='${EVE}' answer='denied'/>`));
  await device.until(() => device.log.some((entry) => entry.event === 'family' && entry.data.decided?.approved === false));
  const joining = device.commands.joinGroup('club@groups.example.org');
  const presence = await connected.until((stanza) => stanza.name === 'presence' && (stanza.attrs['to'] ?? '').startsWith('club@groups.example.org/'));
  connected.send(`<presence xmlns='jabber:client' type='error' from='${presence.attrs['to'] ?? ''}'><x xmlns='http://jabber.org/protocol/muc'/><error type='cancel'><not-allowed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><approval-required xmlns='${G}'/></error></presence>`);
  await expect(joining).rejects.toMatchObject({ reason: { code: 'approval' } });
  expect(device.chats.has('club@groups.example.org')).toBe(false);
});

describe('circles', () => {
  it('are seen by those who are in them', async () => {
    await signIn();
    expect((await device.commands.family()).circles).toEqual([{ id: 'abc', name: 'The Family', group: 'the-family-abc@groups.example.org', members: [ALICE, BEN] }]);
  });

  it('are looked after by administrators', async () => {
    role = 'admin';
    const ran: unknown[] = [];
    server.on(COMMANDS, 'command', (payload) => {
      const node = payload.attrs['node']?.split('#')[1] ?? '';
      const values = payload.child('x', FORM)?.elements.map((field) => [field.attrs['var'], ...field.elements.map((value) => value.text)]);
      if (values) {
        ran.push([node, payload.attrs['action'], Object.fromEntries(values.map(([name, ...rest]) => [name ?? '', rest.join(' ')]))]);
        return `<command xmlns='${COMMANDS}' node='${payload.attrs['node'] ?? ''}' status='completed' sessionid='s'/>`;
      }
      const field = (name: string, ...of: string[]): string => `<field var='${name}'>${of.map((value) => `<value>${value}</value>`).join('')}</field>`;
      const x = node === 'list'
        ? `<x xmlns='${FORM}' type='result'><reported><field var='name'/></reported><item>${field('name', 'Club')}${field('room', 'club-xyz@groups.example.org')}${field('members', BEN)}</item></x>`
        : `<x xmlns='${FORM}' type='form'><field var='circle' type='list-single'><option label='Club'><value>xyz</value></option></field></x>`;
      return `<command xmlns='${COMMANDS}' node='${payload.attrs['node'] ?? ''}' status='executing' sessionid='s'>${x}</command>`;
    });
    await signIn();
    expect((await device.commands.family()).circles).toEqual([{ id: 'xyz', name: 'Club', group: 'club-xyz@groups.example.org', members: [BEN] }]);
    await device.commands.createCircle('  The   Family ');
    await device.commands.addToCircle('xyz', [ALICE, BEN]);
    await device.commands.removeFromCircle('xyz', BEN);
    await device.commands.renameCircle('xyz', ' Our  Club');
    await device.commands.deleteCircle('xyz');
    expect(ran).toEqual([
      ['add', 'complete', { FORM_TYPE: `${C}#add`, name: 'The Family' }], ['join', 'complete', { FORM_TYPE: `${C}#join`, circle: 'xyz', members: `${ALICE} ${BEN}` }],
      ['leave', 'complete', { FORM_TYPE: `${C}#leave`, circle: 'xyz', members: BEN }], ['rename', 'complete', { FORM_TYPE: `${C}#rename`, circle: 'xyz', name: 'Our Club' }], ['remove', 'complete', { FORM_TYPE: `${C}#remove`, circle: 'xyz' }],
    ]);
    await expect(device.commands.createCircle(' ')).rejects.toMatchObject({ reason: { code: 'name-invalid' } });
  });

  it('are none where the server has none', async () => {
    role = 'admin';
    for (const [ns, name] of [[C, 'circles'], [G, 'children'], [COMMANDS, 'command']] as const) server.on(ns, name, () => ({ error: ns === COMMANDS ? 'item-not-found' : 'service-unavailable' }));
    await signIn();
    expect(await device.commands.family()).toEqual({ children: [], guardians: [], waiting: [], circles: [] });
  });
});
