import { beforeEach, expect, test, vi } from 'vitest';
import { FakeClock } from '../../test/fake/clock';
import { FakeCore } from '../../test/fake/core';
import { FakeHistory, memoryStorage } from '../../test/fake/host';
import { family } from '../../test/fake/seed';
import { otherAccounts } from '../../test/fake/situations';
import { accountName } from './accounts';
import { type App, createApp } from './app';
import { bareBrowser } from './browser';
import { launch } from './launch';
import { formatRoute } from './route';

const mira = 'mira@linden.example', work = 'mira.w@linden.example', lena = 'lena@linden.example', tarek = 'tarek@linden.example';

let core: FakeCore;
let clock: FakeClock;
let history: FakeHistory;
let memory: ReturnType<typeof memoryOf>;

function memoryOf() {
  const { items, getItem, setItem } = memoryStorage();
  return { items, getItem, setItem, removeItem: (key: string) => void items.delete(key) };
}

async function start(path = '/'): Promise<App> {
  history = new FakeHistory(path.split('?')[0]);
  const app = createApp(core, { router: history, storage: memoryStorage(), window: memory, clock });
  await app.start(path);
  return app;
}

beforeEach(() => {
  clock = new FakeClock();
  memory = memoryOf();
  core = new FakeCore(family(clock.now()), ...otherAccounts());
});

test('another account is looked at: nothing of the one before stays', async () => {
  const app = await start(`/chat/${lena}`);
  app.overlays.open({ name: 'switcher' });
  core.tell('typing', { chat: lena, from: lena, typing: true });
  expect(app.accounts.get().map((account) => account.address)).toEqual([mira, work, 'the.treasurer.of.the.walkers@linden.example']);
  expect(await app.accounts.switch(work)).toBe(true);
  expect(app.session.get().address).toBe(work);
  expect([...app.chats.get().keys()]).toEqual([tarek]);
  expect(app.contacts.get().has(lena)).toBe(false);
  expect([app.overlays.get(), app.typing.get().size, app.router.get().name]).toEqual([undefined, 0, 'home']);
  // Going up does not lead into what was of the other.
  expect(history.depth()).toBe(0);
  expect(await app.accounts.switch('nobody@linden.example')).toBe(false);
});

test('what lies behind in the browser is of the other account, and does not come back', async () => {
  const app = await start(`/chat/${lena}`);
  app.router.go({ name: 'chat', address: tarek, details: false });
  await app.accounts.switch(work);
  history.back();
  expect([app.router.get().name, history.path()]).toEqual(['home', '/']);
});

test('a conversation that was open ends in the account to which it belongs', async () => {
  let bound = 0;
  core.bound = () => { bound++; return core; };
  const app = await start(`/chat/${lena}`);
  const conversation = app.conversations.of(lena);
  await app.accounts.switch(work);
  expect(app.conversations.of(lena)).not.toBe(conversation);
  expect(bound).toBe(2);
});

test('each window keeps its own choice, until nobody is left', async () => {
  const app = await start();
  await app.accounts.switch(work);
  expect(memory.items.get('kith.account')).toBe(work);
  core.world = core.worlds[0] ?? core.world;
  expect((await start()).session.get().address).toBe(work);
  for (const _ of [...core.worlds]) await core.signOut();
  expect(memory.items.has('kith.account')).toBe(false);
});

test('a notification leads to its account and its chat, from wherever one is', async () => {
  const app = await start('/settings');
  await launch(app, `/chat/${tarek}?account=${work}`);
  expect([app.session.get().address, formatRoute(app.router.get())]).toEqual([work, `/chat/${tarek}`]);
  await launch(app, `/chat/${lena}?account=gone@linden.example`);
  expect([app.session.get().address, formatRoute(app.router.get())]).toEqual([work, `/chat/${tarek}`]);
  core.world = core.worlds[0] ?? core.world;
  memory = memoryOf();
  expect((await start(`/chat/${tarek}?account=${work}`)).session.get().address).toBe(work);
});

test('adding one leads to its list, wherever the way in began', async () => {
  const app = await start('/add-account');
  expect(await app.signIn.submit('ida', core.world.password)).toBe(true);
  expect([app.session.get().address, app.router.get().name, app.signIn.get().busy]).toEqual(['ida@linden.example', 'home', false]);
});

test('signing out of one goes on with another', async () => {
  const app = await start();
  await core.signOut();
  expect(app.session.get()).toMatchObject({ address: work, phase: 'online' });
  expect(app.accounts.get().map((account) => account.address)).not.toContain(mira);
});

test('the browser is to be woken for as long as there is an account', async () => {
  const asked: string[] = [];
  core.world.pushKey = 'server';
  const app = createApp(core, {
    router: new FakeHistory(), storage: memoryStorage({ 'kith.preferences': JSON.stringify({ notifications: true }) }), window: memory, clock,
    browser: {
      ...bareBrowser,
      wakeups: { subscribe: async () => ({ endpoint: 'https://push.example/1', key: 'browser', auth: 'secret' }), unsubscribe: async () => void asked.push('unsubscribe') },
    },
  });
  await app.start();
  await vi.waitFor(() => expect(app.wakeups.get()).toBe('on'));
  await core.signOut();
  expect(app.session.get().address).toBe(work);
  await core.signOut();
  // What is left was signed out by the server: nobody is there whom it could be told.
  await vi.waitFor(() => expect(asked).toEqual(['unsubscribe']));
  expect(app.session.get().phase).toBe('locked');
});

test('the number at the icon is that of all accounts', async () => {
  const badges: number[] = [];
  const app = createApp(core, { router: new FakeHistory(), storage: memoryStorage(), window: memory, clock, browser: { ...bareBrowser, badge: (count) => void badges.push(count) } });
  await app.start();
  const [own, other] = app.accounts.get();
  expect(other?.waiting).toBe(3);
  expect(badges.at(-1)).toBe((own?.waiting ?? 0) + 3);
  core.setChat(lena, { unread: 0 });
  expect(badges.at(-1)).toBe((app.accounts.get()[0]?.waiting ?? 0) + 3);
});

test('accounts are told apart by names, and by addresses where names are the same', () => {
  const account = (address: string, displayName?: string) => ({ address, phase: 'online', unread: 0, waiting: 0, ...(displayName !== undefined && { displayName }) }) as const;
  const all = [account(mira, 'Mira'), account(work, 'Mira'), account(lena)];
  expect(all.map(({ address }) => accountName(all, address))).toEqual([mira, work, 'lena']);
  expect(accountName(all.slice(1), work)).toBe('Mira');
});
