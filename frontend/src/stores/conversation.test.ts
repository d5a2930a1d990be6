import { beforeEach, describe, expect, test, vi } from 'vitest';
import { FakeClock } from '../../test/fake/clock';
import { FakeCore } from '../../test/fake/core';
import { FakeHistory, memoryStorage } from '../../test/fake/host';
import { family, longTalk } from '../../test/fake/seed';
import type { Message } from '../core/api';
import { type App, createApp } from './app';
import type { Conversation } from './conversation';

const lena = 'lena@linden.example';
let core: FakeCore;
let clock: FakeClock;
let app: App;

async function start(change: (world: FakeCore['world']) => void = () => undefined): Promise<void> {
  clock = new FakeClock();
  const world = family(clock.now());
  change(world);
  core = new FakeCore(world);
  app = createApp(core, { router: new FakeHistory(), storage: memoryStorage(), clock });
  await app.start();
}
const kinds = (it: Conversation): string[] => it.get().rows.keys.map((key) => it.get().rows.byKey.get(key)?.kind ?? '');
const texts = (it: Conversation): string[] => it.get().rows.keys.flatMap((key) => {
  const row = it.get().rows.byKey.get(key);
  return row?.kind === 'message' ? [row.message.text] : [];
});
const states = (it: Conversation): string[] => it.get().rows.keys.flatMap((key) => {
  const row = it.get().rows.byKey.get(key);
  return row?.kind === 'message' && row.message.outgoing ? [row.message.state] : [];
});
const sent = (command: string): readonly unknown[][] => core.calls.filter((call) => call.command === command).map((call) => [...call.given]);

beforeEach(() => start());

describe('opening', () => {
  test('loads the newest page and puts the divider before what is unread', async () => {
    const it = app.conversations.of(lena);
    await it.enter();
    expect(kinds(it)).toEqual(['start', 'day', 'message', 'unread', 'message']);
  });

  test('with many unread loads around the first of them', async () => {
    await start((world) => {
      world.messages = longTalk(400, lena, clock.now());
      world.chats = world.chats.map((chat) => (chat.id === lena ? { ...chat, unread: 60, readUpTo: 300 } : chat));
    });
    const it = app.conversations.of(lena);
    await it.enter();
    expect(it.get().hasNewer).toBe(true);
    expect(kinds(it)).toContain('unread');
    await it.loadNewer();
    expect(it.get().hasNewer).toBe(false);
    expect(texts(it).at(-1)).toMatch(/^400\./);
  });

  test('a failure is told and can be tried again', async () => {
    core.refuse.set('page', 'storage');
    const it = app.conversations.of(lena);
    await it.enter();
    expect(it.get()).toMatchObject({ status: 'failed', reason: { code: 'storage' } });
    await it.reload();
    expect(it.get().status).toBe('ready');
  });

  test.each(['before the connection came', 'while it came'])('a chat of which nothing is here, opened %s, is filled', async (when) => {
    const it = app.conversations.of(lena);
    const offline = { messages: [], hasOlder: true, hasNewer: false };
    let answer: () => void = () => undefined;
    const page = vi.spyOn(core, 'page').mockImplementationOnce(() => new Promise((resolve) => { answer = () => resolve(offline); }));
    const entering = it.enter();
    if (when === 'while it came') void it.connected();
    answer();
    await entering;
    if (when === 'before the connection came') {
      expect(kinds(it)).toEqual([]);
      await it.connected();
    }
    expect(kinds(it)).toEqual(['start', 'day', 'message', 'unread', 'message']);
    await it.connected();
    expect(page).toHaveBeenCalledTimes(2);
  });

  test('a chat with less than a page of it here gets the rest when there is a connection', async () => {
    const it = app.conversations.of(lena);
    const [older, newer] = core.world.messages.filter((message) => message.chat === lena);
    if (!older || !newer) throw new Error('two messages are needed');
    vi.spyOn(core, 'page').mockResolvedValueOnce({ messages: [newer], hasOlder: true, hasNewer: false });
    await it.enter();
    expect(texts(it)).toEqual([newer.text]);
    await it.connected();
    expect(texts(it)).toEqual([older.text, newer.text]);
    expect(kinds(it)[0]).toBe('start');
  });

  test('what arrives while a page is on its way is not lost', async () => {
    const it = app.conversations.of(lena);
    core.world.latency = 1;
    const entering = it.enter();
    core.receive(lena, 'in between');
    await entering;
    expect(texts(it)).toContain('in between');
    expect(texts(it).filter((text) => text === 'in between')).toHaveLength(1);
  });
});

describe('reading back', () => {
  beforeEach(async () => {
    await start((world) => {
      world.messages = longTalk(2000, lena, clock.now());
      world.chats = world.chats.map((chat) => (chat.id === lena ? { ...chat, unread: 0, readUpTo: 2000, hasOlder: true } : chat));
    });
  });

  test('only adds rows at the start and says so', async () => {
    const it = app.conversations.of(lena);
    await it.enter();
    const before = it.get().rows.keys;
    const shifts: boolean[] = [];
    it.subscribe(() => shifts.push(it.get().shifted));
    await it.loadOlder();
    expect(it.get().rows.keys.slice(-before.length)).toEqual(before);
    expect(shifts).toContain(true);
  });

  test('never keeps more than a bounded number, and comes back to the newest', async () => {
    const it = app.conversations.of(lena);
    await it.enter();
    for (let i = 0; i < 20; i++) await it.loadOlder();
    expect(texts(it).length).toBeLessThanOrEqual(600);
    expect(it.get().hasNewer).toBe(true);
    core.receive(lena, 'while far away');
    expect(texts(it)).not.toContain('while far away');
    await it.reload();
    expect(texts(it).at(-1)).toBe('while far away');
    expect(it.get().hasNewer).toBe(false);
  });

  test('to the very start ends with the start', async () => {
    const it = app.conversations.of(lena);
    await it.enter();
    for (let i = 0; i < 60; i++) await it.loadOlder();
    expect(kinds(it)[0]).toBe('start');
    expect(texts(it)[0]).toMatch(/^1\./);
  });
});

describe('sending', () => {
  test('shows the message before the core has answered, once, with its states in order', async () => {
    const it = app.conversations.of(lena);
    await it.enter();
    it.write('Hello!');
    const seen: string[] = [];
    it.subscribe(() => seen.push(states(it).at(-1) ?? ''));
    const sending = it.submit();
    expect(texts(it).at(-1)).toBe('Hello!');
    expect(states(it).at(-1)).toBe('sending');
    expect(it.draft.get()).toBe('');
    expect(await sending).toEqual({ sent: 'yes' });
    const id = core.world.messages.at(-1)?.id ?? '';
    for (const state of ['sent', 'delivered', 'read'] as const) core.setState(id, { state });
    expect(texts(it).filter((text) => text === 'Hello!')).toHaveLength(1);
    expect(seen.filter((state, i) => state !== seen[i - 1])).toEqual(['sending', 'sent', 'delivered', 'read']);
  });

  test('a refused message comes back into the composer', async () => {
    const it = app.conversations.of(lena);
    await it.enter();
    const before = texts(it);
    it.write('Hello!');
    core.refuse.set('send', 'storage');
    expect(await it.submit()).toEqual({ sent: 'no', reason: { code: 'storage' } });
    expect(texts(it)).toEqual(before);
    expect(it.draft.get()).toBe('Hello!');
  });

  test('what was written meanwhile is not overwritten by what comes back', async () => {
    const it = app.conversations.of(lena);
    await it.enter();
    it.write('first');
    core.refuse.set('send', 'storage');
    const sending = it.submit();
    it.write('second');
    await sending;
    expect(it.draft.get()).toBe('second');
  });

  test('never goes out unencrypted without being asked', async () => {
    const noor = 'noor@oldserver.example';
    const it = app.conversations.of(noor);
    await it.enter();
    it.write('Hello!');
    expect(await it.submit()).toEqual({ sent: 'ask', before: false });
    expect(sent('send')).toEqual([]);
    expect(it.draft.get()).toBe('Hello!');
    expect(await it.submit({ unencrypted: true })).toEqual({ sent: 'yes' });
    expect(sent('send')[0]?.[2]).toMatchObject({ allowUnencrypted: true });
    it.write('And again');
    expect(await it.submit()).toEqual({ sent: 'yes' });
  });

  test('an encrypted chat that no longer can asks, and says that it was encrypted', async () => {
    const it = app.conversations.of(lena);
    await it.enter();
    it.write('Hello!');
    core.refuse.set('send', 'cannot-encrypt');
    expect(await it.submit()).toEqual({ sent: 'ask', before: true });
  });

  test('a chat that lost its encryption before one writes says that it was encrypted', async () => {
    const it = app.conversations.of(lena);
    await it.enter();
    core.setChat(lena, { lock: 'unencrypted' });
    it.write('Hello!');
    expect(await it.submit()).toEqual({ sent: 'ask', before: true });
    expect(sent('send')).toEqual([]);
  });

  test('asks no more where the person has agreed to go on in the clear, and again when they encrypt', async () => {
    core.setChat(lena, { optOut: { agreed: false } });
    const it = app.conversations.of(lena);
    await it.enter();
    await core.answerOptOut(lena, true);
    it.write('In the open');
    expect(await it.submit()).toEqual({ sent: 'yes' });
    await core.answerOptOut(lena, false);
    it.write('Secret');
    expect(await it.submit()).toEqual({ sent: 'yes' });
    expect(sent('send').map((given) => (given[2] as { allowUnencrypted?: boolean }).allowUnencrypted)).toEqual([true, undefined]);
  });

  test('agreeing once does not open a chat that can encrypt', async () => {
    const it = app.conversations.of(lena);
    await it.enter();
    it.write('one');
    core.refuse.set('send', 'cannot-encrypt');
    await it.submit();
    await it.submit({ unencrypted: true });
    it.write('two');
    await it.submit();
    expect(sent('send').map((given) => (given[2] as { allowUnencrypted?: boolean }).allowUnencrypted)).toEqual([undefined, true, undefined]);
  });

  test('what was agreed to ends when something encrypted is said: who takes the encryption away after that is asked about again', async () => {
    const it = app.conversations.of(lena);
    await it.enter();
    core.setChat(lena, { lock: 'unencrypted' });
    it.write('one');
    expect(await it.submit({ unencrypted: true })).toEqual({ sent: 'yes' });
    it.write('two');
    expect(await it.submit()).toEqual({ sent: 'yes' });
    core.setChat(lena, { lock: 'encrypted' });
    core.receive(lena, 'Now it is safe', { lock: 'encrypted' });
    core.setChat(lena, { lock: 'unencrypted' });
    it.write('three');
    expect(await it.submit()).toEqual({ sent: 'ask', before: true });
  });

  test('nothing but spaces is not sent', async () => {
    const it = app.conversations.of(lena);
    it.write('  \n ');
    expect(await it.submit()).toEqual({ sent: 'nothing' });
    expect(sent('send')).toEqual([]);
  });
});

describe('being read', () => {
  test('only counts while the person looks', async () => {
    const it = app.conversations.of(lena);
    await it.enter();
    it.seen(2);
    clock.advance(1000);
    expect(sent('markRead')).toEqual([]);
    it.setActive(true);
    clock.advance(1000);
    expect(sent('markRead')).toEqual([[lena, 2]]);
    it.seen(2);
    it.seen(1);
    clock.advance(1000);
    expect(sent('markRead')).toHaveLength(1);
  });

  test('what arrives while nobody looks gets a divider that counts', async () => {
    await start((world) => { world.chats = world.chats.map((chat) => ({ ...chat, unread: 0, readUpTo: 99 })); });
    const it = app.conversations.of(lena);
    await it.enter();
    it.setActive(true);
    core.receive(lena, 'seen at once');
    expect(kinds(it)).not.toContain('unread');
    it.setActive(false);
    core.receive(lena, 'one');
    core.receive(lena, 'two');
    const divider = it.get().rows.byKey.get('unread');
    expect(divider).toMatchObject({ kind: 'unread', count: 2 });
    expect(kinds(it).slice(-3)).toEqual(['unread', 'message', 'message']);
    it.leave();
    expect(kinds(it)).not.toContain('unread');
  });

  test('while the archive brings more, the divider counts all that is below it, until one has seen the end', async () => {
    await start((world) => {
      world.messages = longTalk(40, lena, clock.now());
      world.chats = world.chats.map((chat) => (chat.id === lena ? { ...chat, unread: 6, readUpTo: 34 } : chat));
    });
    const it = app.conversations.of(lena);
    await it.enter();
    it.setActive(true);
    const count = (): unknown => it.get().rows.byKey.get('unread');
    expect(count()).toMatchObject({ count: 6 });
    it.seen(36);
    const late = core.receive(lena, 'from the archive');
    core.receive(lena, 'and one more');
    expect(count()).toMatchObject({ count: 8 });
    // What only changes does not come again.
    core.setState(late.id, { reactions: [{ emoji: '👍', from: [lena], own: false }] });
    expect(count()).toMatchObject({ count: 8 });
    it.seen(42);
    core.receive(lena, 'read as it comes');
    expect(count()).toMatchObject({ count: 8 });
  });

  test('what was encrypted before one came to a group is not there, and nothing older is looked for', async () => {
    const sunday = 'sunday@groups.linden.example';
    await start((world) => {
      const base = world.messages.find((message) => message.chat === sunday);
      if (!base) throw new Error('no message');
      const at = (order: number, problem = true): Message => ({ ...base, id: `m${order}`, text: problem ? '' : 'hello', order, at: order * 60_000, ...(problem && { problem: 'not-for-this-device' as const }) });
      world.messages = [...Array.from({ length: 120 }, (_, i) => at(i + 1)), at(200), at(201, false)];
      world.chats = world.chats.map((chat) => (chat.id === sunday && chat.group ? { ...chat, unread: 0, readUpTo: 201, hasOlder: true, group: { ...chat.group, since: 150 * 60_000 } } : chat));
    });
    const it = app.conversations.of(sunday);
    await it.enter();
    // What came later and cannot be read is told.
    expect(kinds(it).filter((kind) => kind !== 'day')).toEqual(['start', 'unreadable', 'message']);
    const pages = sent('page').length;
    await it.loadOlder();
    await it.connected();
    expect(sent('page')).toHaveLength(pages);
  });
});

describe('writing', () => {
  test('the draft is kept after a pause and when one leaves', async () => {
    const it = app.conversations.of(lena);
    await it.enter();
    it.write('He');
    it.write('Hello');
    clock.advance(1000);
    expect(sent('setDraft')).toEqual([[lena, 'Hello']]);
    it.write('Hello there');
    it.leave();
    expect(sent('setDraft').at(-1)).toEqual([lena, 'Hello there']);
    // Back before it is stored, it is what was written and not what was stored before.
    void it.enter();
    expect(it.draft.get()).toBe('Hello there');
    await vi.waitFor(() => expect(app.chats.get().get(lena)?.draft).toBe('Hello there'));
  });

  test('typing is told once, and its end after a pause', async () => {
    const it = app.conversations.of(lena);
    await it.enter();
    it.write('a');
    it.write('ab');
    clock.advance(4000);
    it.write('abc');
    clock.advance(6000);
    expect(sent('setTyping')).toEqual([[lena, true], [lena, false]]);
  });
});

test('the eight chats opened last are kept', async () => {
  const first = app.conversations.of('a0@x.example');
  for (let i = 1; i < 8; i++) app.conversations.of(`a${i}@x.example`);
  expect(app.conversations.of('a0@x.example')).toBe(first);
  app.conversations.of('a8@x.example');
  expect(app.conversations.of('a0@x.example')).toBe(first);
  for (let i = 10; i < 18; i++) app.conversations.of(`a${i}@x.example`);
  expect(app.conversations.of('a0@x.example')).not.toBe(first);
});

describe('a chat that stays open for weeks', () => {
  const talked = (world: FakeCore['world']): void => {
    world.messages = longTalk(100, lena, clock.now());
    world.chats = world.chats.map((chat) => (chat.id === lena ? { ...chat, unread: 0, readUpTo: 100 } : chat));
  };
  const batch = (from: number, count: number): Message[] => longTalk(from + count, lena, clock.now()).slice(-count).map((message) => ({ ...message, outgoing: false }));

  test('keeps what is near to the newest, while that is seen', async () => {
    await start(talked);
    const it = app.conversations.of(lena);
    await it.enter();
    for (let n = 100; n < 5_000; n += 100) {
      it.seen(n);
      it.apply({ chat: lena, changed: batch(n, 100), removed: [] });
    }
    expect(texts(it).length).toBeLessThan(1_400);
    expect(texts(it).at(-1)).toMatch(/^5000\./);
    expect(it.get().hasNewer).toBe(false);
    await it.loadOlder();
  });

  test('keeps its place while nobody looks, and what follows is fetched when one reads on', async () => {
    await start(talked);
    const it = app.conversations.of(lena);
    await it.enter();
    it.seen(100);
    const first = texts(it)[0];
    for (let n = 100; n < 5_000; n += 100) it.apply({ chat: lena, changed: batch(n, 100), removed: [] });
    expect(texts(it).length).toBeLessThan(1_400);
    expect(texts(it)[0]).toBe(first);
    expect(it.get().hasNewer).toBe(true);
  });

  test('also where one has gone elsewhere', async () => {
    await start(talked);
    const it = app.conversations.of(lena);
    await it.enter();
    it.leave();
    for (let n = 100; n < 5_000; n += 100) it.apply({ chat: lena, changed: batch(n, 100), removed: [] });
    expect(texts(it).length).toBeLessThan(1_400);
    expect(texts(it).at(-1)).toMatch(/^5000\./);
  });
});
