import { afterEach, beforeEach, expect, it } from 'vitest';
import { Device } from '../../test/support/device';
import { ScriptServer, type Connected } from '../../test/support/script';

const ALICE = 'alice@example.org', BOB = 'bob@example.org';

let server: ScriptServer;
let device: Device;
let connected: Connected;
let profile = 0;

beforeEach(async () => {
  server = new ScriptServer();
  device = await Device.open({ origin: 'https://example.org', socket: server.listener.factory, profile: `locations-${profile++}`, platform: { fetch: () => Promise.reject(new Error('no network')) } });
  [connected] = await Promise.all([server.accept(), device.commands.signIn(ALICE, 'pencil')]);
  await device.online();
});
afterEach(() => device.stop());

let count = 0;
const bob = async (body: string) => {
  const id = `b${count++}`;
  connected.message(`${BOB}/phone`, `<body>${body}</body><origin-id xmlns='urn:xmpp:sid:0' id='${id}'/>`, { id, stanzaId: `a-${id}` });
  return device.until(() => device.message(BOB, body.trim()) ?? device.message(BOB, body));
};
const notified = () => device.log.flatMap((entry) => (entry.event === 'notify' ? [entry.data] : [])).at(-1);

it('a message that is a place says where that is', async () => {
  const message = await bob('geo:52.516275,13.377704;u=12;name=Caf%C3%A9');
  expect(message.location).toEqual({ latitude: 52.516275, longitude: 13.377704, accuracy: 12, name: 'Café' });
  expect(device.chats.get(BOB)?.last).toMatchObject({ location: true, text: 'Café' });
  // It is found by what it is called.
  expect((await device.commands.findMessages('cafe', { limit: 5 })).messages).toMatchObject([{ text: 'Café', location: true }]);
  expect((await device.commands.findMessages('geo', { limit: 5 })).messages).toEqual([]);
  expect((await bob('geo:1,2')).location).toEqual({ latitude: 1, longitude: 2 });
  expect(device.chats.get(BOB)?.last).toMatchObject({ location: true, text: '' });
  const long = `geo:1,2;name=${'%F0%9F%8F%96'.repeat(60)}`;
  expect((await bob(long)).location?.name).toBe('🏖'.repeat(60));
  expect(device.chats.get(BOB)?.last).toMatchObject({ location: true, text: '' });
});

it('what only speaks of one is a text', async () => {
  for (const text of ['meet me at geo:1,2', 'geo:91,0', 'geo:1,2;crs=nad83', `geo:1,2 ${'and more '.repeat(30)}`.trim()]) {
    expect((await bob(text)).location, text).toBeUndefined();
    expect(device.chats.get(BOB)?.last, text).not.toHaveProperty('location');
    expect(device.chats.get(BOB)?.last?.text).toBe(text.slice(0, 200));
  }
  expect((await device.commands.findMessages('meet', { limit: 5 })).messages).toMatchObject([{ text: 'meet me at geo:1,2' }]);
});

it('a notification says that it is one, not where', async () => {
  await bob('geo:52.516275,13.377704');
  expect(await device.until(() => notified())).toMatchObject({ chat: BOB, text: '📍', location: true });
  await bob('geo:52.516275,13.377704;name=Home');
  expect(await device.until(() => notified()?.text === '📍 Home' && notified())).not.toHaveProperty('location');
  // Of what strangers say nothing is told.
  connected.message('eve@else.example/x', '<body>geo:1,2</body>', { id: 'e1', stanzaId: 'e1' });
  expect(await device.until(() => notified()?.chat === 'eve@else.example' && notified())).toEqual({ account: ALICE, chat: 'eve@else.example', title: expect.any(String), text: '' });
});

it('one is sent as its address, encrypted or not at all', async () => {
  const stored = await device.commands.sendLocation(BOB, { latitude: 1.23456789, longitude: -2, accuracy: 3.2, name: 'Home' }, { id: 'here' });
  expect(stored).toMatchObject({ id: 'here', text: 'geo:1.234568,-2.000000;u=4;name=Home', location: { latitude: 1.234568, longitude: -2, accuracy: 4, name: 'Home' }, lock: 'encrypted' });
  // Bob has no device to encrypt for.
  await device.until(() => device.message(BOB, stored.text)?.state === 'failed');
  expect(connected.stanzas.filter((stanza) => String(stanza).includes('geo:'))).toEqual([]);
});

it('an answer to one quotes what it is called', async () => {
  const message = await bob('geo:1,2;name=Home');
  await device.commands.send(BOB, 'I see', { allowUnencrypted: true, replyTo: message.id });
  expect((await device.until(() => device.message(BOB, 'I see'))).reply?.text).toBe('📍 Home');
});
