import { beforeEach, expect, test, vi } from 'vitest';
import { FakeClock } from '../../test/fake/clock';
import { FakeCore } from '../../test/fake/core';
import { FakeHistory, memoryStorage } from '../../test/fake/host';
import { family, longTalk } from '../../test/fake/seed';
import { type App, createApp } from './app';
import { markedParts, MessageSearch } from './search';

const lena = 'lena@linden.example';
let core: FakeCore;
let clock: FakeClock;
let app: App;

beforeEach(async () => {
  clock = new FakeClock();
  const world = family(clock.now());
  world.messages = longTalk(400, lena, clock.now());
  core = new FakeCore(world);
  app = createApp(core, { router: new FakeHistory(), storage: memoryStorage(), clock });
  await app.start();
});

const asked = (): unknown[] => core.calls.filter((call) => call.command === 'findMessages').map((call) => call.given[0]);
const shown = (it: ReturnType<App['conversations']['of']>): number[] => it.get().rows.keys.flatMap((key) => {
  const row = it.get().rows.byKey.get(key);
  return row?.kind === 'message' ? [row.message.order] : [];
});

test('only the last of what was typed is asked for, and one letter is not', async () => {
  const search = new MessageSearch(core, clock);
  search.ask('l');
  clock.advance(1_000);
  search.ask('le');
  clock.advance(50);
  search.ask('len ');
  clock.advance(500);
  await vi.waitFor(() => expect(search.get().busy).toBe(false));
  expect(asked()).toEqual(['len']);
  search.ask('');
  expect(search.get()).toMatchObject({ query: '', messages: [], busy: false });
});

test('a failure finds nothing', async () => {
  const search = new MessageSearch(core, clock, lena);
  core.refuse.set('findMessages', 'storage');
  search.ask('word');
  clock.advance(500);
  await vi.waitFor(() => expect(search.get()).toMatchObject({ query: 'word', messages: [], busy: false }));
});

test('what was found is marked', () => {
  expect(markedParts('a plum cake', [[2, 6]])).toEqual([{ text: 'a ', hit: false }, { text: 'plum', hit: true }, { text: ' cake', hit: false }]);
  expect(markedParts('plum', [[0, 4]])).toEqual([{ text: 'plum', hit: true }]);
  expect(markedParts('', [])).toEqual([]);
});

test('one is led to a message far away, in an open chat and into one that is opened for it', async () => {
  const it = app.conversations.of(lena);
  await it.enter();
  const target = core.world.messages[20];
  if (!target) throw new Error('no such message');
  await it.aim(target);
  expect(it.target.get()).toMatchObject({ id: target.id });
  expect(shown(it)).toContain(target.order);
  expect(it.get().hasNewer).toBe(true);
  it.leave();
  expect(it.target.get()).toBeUndefined();
  const other = core.world.messages[200];
  if (!other) throw new Error('no such message');
  await it.aim(other);
  await it.enter();
  expect(shown(it)).toContain(other.order);
});

test('a message is found by its id, a day by its time', async () => {
  const it = app.conversations.of(lena);
  await it.enter();
  const target = core.world.messages[5];
  if (!target) throw new Error('no such message');
  expect(await it.reveal(target.id)).toBe(true);
  expect(shown(it)).toContain(target.order);
  expect(await it.reveal('nothing')).toBe(false);
  await it.reload();
  expect(await it.revealDate(target.at)).toBe(true);
  expect(shown(it)).toContain(target.order);
});
