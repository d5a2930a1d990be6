import { expect, test } from 'vitest';
import { FakeClock } from '../../test/fake/clock';
import { FakeCore } from '../../test/fake/core';
import { FakeHistory, memoryStorage } from '../../test/fake/host';
import { family } from '../../test/fake/seed';
import { CoreError, type Core } from '../core/api';
import { type App, createApp } from './app';
import { chatWith } from './chats';
import { findChats } from './switcher';

const lena = 'lena@linden.example';

async function started(core: Core, clock = new FakeClock()): Promise<App> {
  const app = createApp(core, { router: new FakeHistory(), storage: memoryStorage(), clock });
  await app.start();
  return app;
}

test('the stores hold what the core knows', async () => {
  const app = await started(new FakeCore(family()));
  expect(app.session.get().phase).toBe('online');
  expect(app.domain.get()).toBe('linden.example');
  expect(app.inbox.get()).toMatchObject({ requests: 2, invitations: 1, unread: 6 });
  expect(app.inbox.get().chats[0]).toBe('jonas@linden.example');
  expect(app.inbox.get().people).toEqual(['beatrice@linden.example', 'emil@linden.example']);
});

test('events told before the snapshot was taken in are not lost', async () => {
  const core = new FakeCore(family());
  const attach = core.attach.bind(core);
  core.attach = async (listener) => {
    const snapshot = await attach(listener);
    core.setContact({ address: 'new@linden.example', name: 'New', availability: 'online', relation: 'mutual', blocked: false });
    return snapshot;
  };
  const app = await started(core);
  expect(app.contacts.get().get('new@linden.example')?.name).toBe('New');
});

test('a core that cannot start is told as an error', async () => {
  const core = new FakeCore(family());
  core.attach = () => Promise.reject(Object.assign(new Error('x'), { reason: { code: 'storage' } }));
  const app = await started(core);
  expect(app.session.get().phase).toBe('none');
  expect(app.notices.get()).toMatchObject([{ kind: 'error', reason: { code: 'storage' } }]);
});

test('while a part of the app cannot be fetched it is asked for again, and nobody is taken for signed out', async () => {
  const core = new FakeCore(family());
  const clock = new FakeClock();
  const attach = core.attach.bind(core);
  const lost = (): Promise<never> => Promise.reject(new CoreError({ code: 'network' }));
  core.attach = lost;
  const app = createApp(core, { router: new FakeHistory(), storage: memoryStorage(), clock });
  const done = app.start();
  for (let i = 0; i < 3; i++) {
    await new Promise(setImmediate);
    expect(app.session.get().phase).toBe('starting');
    expect(app.notices.get()).toMatchObject([{ kind: 'error', reason: { code: 'network' } }]);
    if (i === 2) core.attach = attach;
    clock.advance(3_000);
  }
  await done;
  expect(app.session.get().phase).toBe('online');
  expect(app.notices.get()).toEqual([]);
});

test('the chat that is shown first has its messages when it is painted', async () => {
  const core = new FakeCore(family());
  const app = createApp(core, { router: new FakeHistory(`/chat/${lena}`), storage: memoryStorage(), clock: new FakeClock() });
  const seen: string[] = [];
  app.session.subscribe(() => seen.push(app.conversations.of(lena).get().status));
  await app.start(`/chat/${lena}`);
  expect(seen).toEqual(['ready']);
  expect(app.conversations.of(lena).get().rows.keys.length).toBeGreaterThan(0);
});

test('messages that do not come keep nobody from the app', async () => {
  const core = new FakeCore(family());
  const clock = new FakeClock();
  core.page = () => new Promise(() => undefined);
  const app = createApp(core, { router: new FakeHistory(`/chat/${lena}`), storage: memoryStorage(), clock });
  const done = app.start(`/chat/${lena}`);
  await new Promise(setImmediate);
  expect(app.session.get().phase).toBe('starting');
  clock.advance(200);
  await done;
  expect(app.session.get().phase).toBe('online');
});

test('that there are accounts is remembered, so that the app can begin before the core says so', async () => {
  const core = new FakeCore(family());
  const storage = memoryStorage();
  const begin = (): App => createApp(core, { router: new FakeHistory(), storage, clock: new FakeClock() });
  const first = begin();
  expect(first.accounts.likely).toBe(false);
  await first.start();
  expect(begin().accounts.likely).toBe(true);
  await core.signOut();
  expect(begin().accounts.likely).toBe(false);
});

test('a message moves its chat to the top and counts', async () => {
  const core = new FakeCore(family());
  const app = await started(core);
  core.receive('tarek@linden.example', 'Hi');
  expect(app.inbox.get().chats[0]).toBe('tarek@linden.example');
  expect(app.inbox.get().unread).toBe(7);
});

test('somebody blocked disappears from the list', async () => {
  const core = new FakeCore(family());
  const app = await started(core);
  await core.block(lena);
  expect(app.inbox.get().chats).not.toContain(lena);
  expect(findChats('lena', app.chats.get(), app.contacts.get())).toEqual([]);
});

test('after signing out nothing is left in the stores', async () => {
  const core = new FakeCore(family());
  const app = await started(core);
  app.overlays.open({ name: 'sign-out' });
  const conversation = app.conversations.of(lena);
  await core.signOut();
  expect(app.contacts.get().size).toBe(0);
  expect(app.chats.get().size).toBe(0);
  expect(app.overlays.get()).toBeUndefined();
  expect(app.conversations.of(lena)).not.toBe(conversation);
});

test('typing is forgotten when its end never comes', async () => {
  const clock = new FakeClock();
  const core = new FakeCore(family());
  const app = await started(core, clock);
  core.tell('typing', { chat: lena, from: lena, typing: true });
  expect(app.typing.get().has(lena)).toBe(true);
  clock.advance(29_000);
  core.tell('typing', { chat: lena, from: lena, typing: true });
  clock.advance(29_000);
  expect(app.typing.get().has(lena)).toBe(true);
  clock.advance(2000);
  expect(app.typing.get().has(lena)).toBe(false);
});

test('good news goes by itself, an error stays and is not repeated', async () => {
  const clock = new FakeClock();
  const app = await started(new FakeCore(family()), clock);
  app.notices.done('saved');
  app.notices.error({ code: 'network' });
  app.notices.error({ code: 'network' });
  expect(app.notices.get()).toHaveLength(2);
  clock.advance(60_000);
  expect(app.notices.get().map((notice) => notice.kind)).toEqual(['error']);
});

test('a chat with nobody known has a name and no lock yet', () => {
  expect(chatWith(new Map(), new Map(), 'kim@brook.example')).toMatchObject({ title: 'kim', lock: 'unknown', unread: 0 });
});

test('the switcher puts unread first, and with letters the best match', async () => {
  const app = await started(new FakeCore(family()));
  const find = (query: string): readonly string[] => findChats(query, app.chats.get(), app.contacts.get());
  expect(find('').slice(0, 2)).toEqual([lena, 'sunday@groups.linden.example']);
  expect(find('bea')[0]).toBe('beatrice@linden.example');
  expect(find('béa')[0]).toBe('beatrice@linden.example');
  expect(find('lhw')[0]).toBe(lena);
  expect(find('zzz')).toEqual([]);
});
