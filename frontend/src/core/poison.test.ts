import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Device } from '../../test/support/device';
import { ScriptServer } from '../../test/support/script';

// Something in what strangers write that this program was not prepared for.
vi.mock(import('./deeds'), async (original) => {
  const deeds = await original();
  return {
    ...deeds,
    readDeed: (envelope) => {
      if (envelope.message.child('body')?.text === 'poison') throw new TypeError('not prepared for this');
      return deeds.readDeed(envelope);
    },
  };
});

const ALICE = 'alice@example.org', BOB = 'bob@example.org';

let server: ScriptServer;
let device: Device;
let profile = 0;
const open = (): Promise<Device> => Device.open({ origin: 'https://example.org', socket: server.listener.factory, profile: `poison-${profile}`, platform: { fetch: () => Promise.reject(new Error('no network')) } });

beforeEach(async () => {
  profile++;
  server = new ScriptServer();
  device = await open();
});
afterEach(() => device.stop());

const archived = (n: number, text: string): { id: string; stamp: string; message: string } => ({
  id: `a${n}`, stamp: new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString(),
  message: `<message xmlns='jabber:client' from='${BOB}/x' to='${ALICE}' type='chat' id='m${n}'><body>${text}</body></message>`,
});
const shown = async (): Promise<unknown[]> => (await device.read(BOB)).map(({ text, problem }) => problem ?? text);

it('a message that cannot be made out stops no others that come', async () => {
  const [connected] = await Promise.all([server.accept(), device.commands.signIn(ALICE, 'pencil')]);
  await device.online();
  for (const [n, text] of ['before', 'poison', 'after'].entries()) connected.message(`${BOB}/x`, `<body>${text}</body>`, { id: `m${n}`, stanzaId: `a${n}` });
  await device.until(() => device.message(BOB, 'after'));
  expect(await shown()).toEqual(['before', 'undecryptable', 'after']);
  expect(device.session.phase).toBe('online');
});

it('nor those that are read in an archive, first, later or further back', async () => {
  for (let n = 0; n < 202; n++) server.archive.push(archived(n, n % 100 === 1 ? 'poison' : `text ${n}`));
  await Promise.all([server.accept(), device.commands.signIn(ALICE, 'pencil')]);
  await device.online();
  await device.stop();
  server.archive.push(archived(202, 'poison'), archived(203, 'last'));
  device = await open();
  await server.accept();
  await device.online();
  const all = await shown();
  expect(all.length).toBe(204);
  expect(all.filter((one) => one === 'undecryptable').length).toBe(4);
  expect(all.slice(-2)).toEqual(['undecryptable', 'last']);
});
