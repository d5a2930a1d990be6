import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Device } from '../../test/support/device';
import { ScriptServer } from '../../test/support/script';

const ALICE = 'alice@example.org', BOB = 'bob@example.org', CAROL = 'carol@example.org';

let server: ScriptServer;
let device: Device;
let profile = 0;

function archive(count: number, text: (i: number) => string, from = BOB, day = 0): void {
  for (let i = 0; i < count; i++) {
    const stamp = new Date(Date.UTC(2026, 0, 1) + day * 86_400_000 + i * 3_600_000).toISOString();
    server.archive.push({ id: `${from}-${day}-${i}`, stamp, message: `<message xmlns='jabber:client' from='${from}/phone' to='${ALICE}' type='chat' id='${from}-${day}-${i}'><body>${text(i)}</body></message>` });
  }
}

beforeEach(async () => {
  server = new ScriptServer();
  device = await Device.open({ origin: 'https://example.org', socket: server.listener.factory, profile: `find-${profile++}`, platform: { fetch: () => Promise.reject(new Error('no network')) } });
});
afterEach(() => device.stop());

async function signIn(): Promise<void> {
  await Promise.all([server.accept(), device.commands.signIn(ALICE, 'pencil')]);
  await device.online();
}

const texts = async (query: string, where: { chat?: string; limit?: number } = {}): Promise<string[]> =>
  (await device.commands.findMessages(query, { limit: 30, ...where })).messages.map((message) => message.text);

describe('looking for messages', () => {
  it('finds by the beginnings of words, newest first, everywhere or in one chat', async () => {
    archive(3, (i) => `the Plüm cake ${i}`);
    archive(1, () => 'plums, and no cake', CAROL, 1);
    await signIn();
    expect(await texts('plum')).toEqual(['plums, and no cake', 'the Plüm cake 2', 'the Plüm cake 1', 'the Plüm cake 0']);
    expect(await texts('cak PLU', { chat: BOB })).toEqual(['the Plüm cake 2', 'the Plüm cake 1', 'the Plüm cake 0']);
    expect(await texts('plum cookies')).toEqual([]);
    expect(await texts('lum')).toEqual([]);
    expect(await texts('  ')).toEqual([]);
    const two = await device.commands.findMessages('plum', { limit: 2 });
    expect([two.messages.length, two.more]).toEqual([2, true]);
    expect(two.messages[0]).toMatchObject({ chat: CAROL, from: CAROL, outgoing: false, marks: [[0, 5]] });
  });

  it('shows the part of a long text that has the word', async () => {
    archive(1, () => `${'one two three four '.repeat(20)}needle ${'five six '.repeat(40)}`);
    await signIn();
    const [hit] = (await device.commands.findMessages('needle', { limit: 5 })).messages;
    expect(hit?.text.length).toBeLessThan(180);
    expect(hit?.text.startsWith('…')).toBe(true);
    expect(hit?.marks.map(([from, to]) => hit.text.slice(from, to))).toEqual(['needle']);
  });

  it('says nothing of people who are blocked', async () => {
    archive(1, () => 'spam spam', CAROL);
    server.on('urn:xmpp:blocking', 'blocklist', () => `<blocklist xmlns='urn:xmpp:blocking'/>`);
    server.on('urn:xmpp:blocking', 'block', () => undefined);
    await signIn();
    expect(await texts('spam')).toEqual(['spam spam']);
    await device.commands.block(CAROL);
    expect(await texts('spam')).toEqual([]);
  });

  it('walks from the newest on where a word is in very many messages', async () => {
    archive(2_100, (i) => `hello ${i % 700 === 0 ? 'rare' : 'common'} ${i}`);
    await signIn();
    await device.read(BOB);
    expect((await texts('hello', { limit: 2 }))).toEqual(['hello common 2099', 'hello common 2098']);
    expect(await texts('hello rare')).toEqual(['hello rare 1400', 'hello rare 700', 'hello rare 0']);
    expect((await texts('hello', { chat: BOB, limit: 1 }))).toEqual(['hello common 2099']);
  });
});

describe('going to a date', () => {
  it('finds the first message from then on, and fetches what is older', async () => {
    archive(900, (i) => `m${i}`);
    await signIn();
    const at = (i: number): number => Date.UTC(2026, 0, 1) + i * 3_600_000;
    const textAt = async (time: number): Promise<string | undefined> => {
      const place = await device.commands.placeAt(BOB, time);
      return (await device.read(BOB)).find((message) => message.id === place?.id)?.text;
    };
    const early = await device.commands.placeAt(BOB, at(37) - 1);
    const around = await device.commands.page(BOB, { around: early?.order ?? 0, limit: 10 });
    expect(around.messages.map((message) => message.text)).toContain('m37');
    expect(around.hasNewer).toBe(true);
    expect(await textAt(at(37) - 1)).toBe('m37');
    expect(await textAt(at(0) - 1_000_000)).toBe('m0');
    expect(await textAt(at(899) + 1)).toBe('m899');
    for (const i of [1, 2, 449, 450, 451, 898]) expect(await textAt(at(i) - 60_000)).toBe(`m${i}`);
    expect(await device.commands.placeAt(CAROL, at(5))).toBeUndefined();
  });
});
