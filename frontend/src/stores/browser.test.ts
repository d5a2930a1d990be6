import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/fake/clock';
import { FakeCore } from '../../test/fake/core';
import { FakeHistory, memoryStorage } from '../../test/fake/host';
import { family } from '../../test/fake/seed';
import { type App, createApp } from './app';
import { bareBrowser, type BrowserHost } from './browser';
import type { InstallState } from './install';
import type { AppNotification } from './notifications';

const minute = 60_000;

/** A browser that does everything, and remembers what it was asked. */
class FakeBrowser implements BrowserHost {
  readonly asked: string[] = [];
  readonly badges: number[] = [];
  readonly shown: AppNotification[] = [];
  persisted: boolean | undefined = false;
  installState: InstallState = 'no';
  ready: () => void = () => undefined;
  changed: () => void = () => undefined;
  go: (path: string) => void = () => undefined;
  woken: () => void = () => undefined;

  readonly updates = {
    onReady: (listener: () => void) => { this.ready = listener; },
    check: () => void this.asked.push('check'),
    apply: () => void this.asked.push('apply'),
  };
  readonly install = {
    state: () => this.installState,
    onChange: (listener: () => void) => { this.changed = listener; },
    prompt: async () => void this.asked.push('prompt'),
  };
  readonly storage = {
    persisted: async () => this.persisted,
    persist: async () => {
      this.asked.push('persist');
      return this.persisted = true;
    },
    usage: async () => 12_300_000,
  };
  readonly notifications = {
    show: (notification: AppNotification) => void this.shown.push(notification),
    close: (tag: string) => void this.asked.push(`close ${tag}`),
    words: () => undefined,
    looked: () => undefined,
  };
  subscribed: string | undefined;
  readonly wakeups = {
    subscribe: async (key: string) => {
      this.subscribed = key;
      return { endpoint: 'https://push.example/1', key: 'browser', auth: 'secret' };
    },
    unsubscribe: async () => void this.asked.push('unsubscribe'),
  };
  badge(count: number): void {
    this.badges.push(count);
  }
  onGo(listener: (path: string) => void): void {
    this.go = listener;
  }
  onWoken(listener: () => void): void {
    this.woken = listener;
  }
}

async function started(browser: BrowserHost, { phase = 'online', storage = memoryStorage(), clock = new FakeClock(), pushKey }: {
  pushKey?: string; phase?: 'online' | 'connecting' | 'none'; storage?: ReturnType<typeof memoryStorage>; clock?: FakeClock;
} = {}): Promise<{ app: App; core: FakeCore; clock: FakeClock }> {
  const world = family();
  const core = new FakeCore({ ...world, session: { ...world.session, phase }, ...(pushKey !== undefined && { pushKey }) });
  const app = createApp(core, { router: new FakeHistory(), storage, clock, browser });
  await app.start();
  return { app, core, clock };
}

const settle = async (): Promise<void> => { for (let i = 0; i < 10; i++) await Promise.resolve(); };

describe('new versions', () => {
  test('are told of, and begin when the person wants it', async () => {
    const browser = new FakeBrowser();
    const { app } = await started(browser);
    expect(app.updates.get()).toBe('none');
    browser.ready();
    expect(app.updates.get()).toBe('ready');
    app.updates.later();
    expect(app.updates.get()).toBe('later');
    browser.ready(); // the next one
    expect(app.updates.get()).toBe('ready');
    app.updates.apply();
    expect(app.updates.get()).toBe('applying');
    expect(browser.asked).toContain('apply');
  });

  test('are looked for when the connection has come back, and every hour', async () => {
    const browser = new FakeBrowser();
    const { core, clock } = await started(browser);
    const checks = (): number => browser.asked.filter((one) => one === 'check').length;
    expect(checks()).toBe(0); // opening the app looked for them already
    clock.advance(6 * minute);
    core.setSession({ phase: 'offline' });
    core.setSession({ phase: 'online' });
    expect(checks()).toBe(1);
    core.setSession({ phase: 'offline' });
    core.setSession({ phase: 'online' });
    expect(checks()).toBe(1);
    clock.advance(60 * minute);
    expect(checks()).toBe(2);
    clock.advance(60 * minute);
    expect(checks()).toBe(3);
  });
});

describe('keeping what is stored', () => {
  test('is asked for when somebody is signed in, and not before', async () => {
    const browser = new FakeBrowser();
    const { core } = await started(browser, { phase: 'none' });
    await settle();
    expect(browser.asked).toEqual([]);
    core.setSession({ phase: 'online' });
    await settle();
    expect(browser.asked).toEqual(['persist']);
  });

  test('is not asked for again and again', async () => {
    const browser = new FakeBrowser(), storage = memoryStorage(), clock = new FakeClock();
    await started(browser, { storage, clock });
    await settle();
    browser.persisted = false;
    await started(browser, { storage, clock });
    await settle();
    expect(browser.asked).toEqual(['persist']);
    clock.advance(31 * 24 * 60 * minute);
    await started(browser, { storage, clock });
    await settle();
    expect(browser.asked.filter((one) => one === 'persist').length).toBe(2);
  });

  test('is not asked of who promises nothing, or has promised', async () => {
    for (const persisted of [undefined, true]) {
      const browser = new FakeBrowser();
      browser.persisted = persisted;
      await started(browser);
      await settle();
      expect(browser.asked).toEqual([]);
    }
  });

  test('is told, with how much it is', async () => {
    const browser = new FakeBrowser();
    const { app } = await started(browser);
    await app.persistence.refresh();
    expect(app.persistence.get()).toEqual({ persisted: true, usage: 12_300_000 });
  });
});

describe('installing', () => {
  test('is offered when the browser does, and granted more', async () => {
    const browser = new FakeBrowser();
    browser.persisted = undefined;
    const { app } = await started(browser);
    expect(app.install.get()).toBe('no');
    browser.installState = 'offered';
    browser.changed();
    expect(app.install.get()).toBe('offered');
    await app.install.prompt();
    browser.installState = 'installed';
    browser.changed();
    expect(app.install.get()).toBe('installed');
    expect(browser.asked).toEqual(['prompt', 'persist']);
  });
});

test('the icon counts what is meant for oneself', async () => {
  const browser = new FakeBrowser();
  const { app, core } = await started(browser);
  const before = browser.badges.at(-1) ?? 0;
  const expected = [...app.chats.get().values()].reduce((sum, chat) => sum + (chat.kind === 'group' ? chat.mentions : chat.unread), 0);
  expect(before).toBe(expected);
  const [direct, group] = [[...app.chats.get().values()].find((chat) => chat.kind === 'direct'), [...app.chats.get().values()].find((chat) => chat.kind === 'group')];
  if (!direct || !group) throw new Error('the family has both');
  core.setChat(direct.id, { unread: direct.unread + 2 });
  core.setChat(group.id, { unread: group.unread + 5, mentions: group.mentions + 1 });
  expect(browser.badges.at(-1)).toBe(before + 3);
  await core.signOut();
  expect(browser.badges.at(-1)).toBe(0);
});

test('what was read elsewhere is not told any more', async () => {
  const browser = new FakeBrowser();
  const { app, core } = await started(browser);
  const chat = [...app.chats.get().values()].find((one) => one.unread > 0);
  if (!chat) throw new Error('the family has unread messages');
  const close = `close mira@linden.example ${chat.id}`;
  core.setChat(chat.id, { last: { text: 'another', at: 1, outgoing: false, state: 'received' } });
  expect(browser.asked).not.toContain(close);
  core.setChat(chat.id, { unread: 0 });
  expect(browser.asked).toContain(close);
});

describe('being woken', () => {
  const wanting = () => memoryStorage({ 'kith.preferences': JSON.stringify({ notifications: true }) });
  const said = (core: FakeCore): string[] => core.calls.map(({ command }) => command).filter((command) => command.endsWith('Push'));

  test('is asked for by who wants to be notified, with every start', async () => {
    const browser = new FakeBrowser();
    const { app, core } = await started(browser, { pushKey: 'server', storage: wanting() });
    await settle();
    expect(browser.subscribed).toBe('server');
    expect(core.calls.find(({ command }) => command === 'enablePush')?.given).toEqual([{ endpoint: 'https://push.example/1', key: 'browser', auth: 'secret' }]);
    expect(app.wakeups.get()).toBe('on');
    core.setSession({ phase: 'offline' });
    core.setSession({ phase: 'online' });
    await settle();
    expect(said(core)).toEqual(['enablePush']);
  });

  test('follows the switch', async () => {
    const browser = new FakeBrowser();
    const { app, core } = await started(browser, { pushKey: 'server' });
    await settle();
    expect(browser.subscribed).toBeUndefined();
    app.preferences.change({ notifications: true });
    await settle();
    expect([said(core), app.wakeups.get()]).toEqual([['enablePush'], 'on']);
    app.preferences.change({ notifications: false });
    await settle();
    expect([said(core), app.wakeups.get()]).toEqual([['enablePush', 'disablePush'], 'off']);
    expect(browser.asked).toContain('unsubscribe');
  });

  test('ends with the session', async () => {
    const browser = new FakeBrowser();
    const { core } = await started(browser, { pushKey: 'server', storage: wanting() });
    await settle();
    await core.signOut();
    await settle();
    expect(browser.asked).toContain('unsubscribe');
  });

  test('is tried again when the connection broke meanwhile', async () => {
    const browser = new FakeBrowser();
    const { app, core } = await started(browser, { phase: 'connecting', pushKey: 'server', storage: wanting() });
    core.refuse.set('enablePush', 'network');
    core.setSession({ phase: 'online' });
    await settle();
    expect(app.wakeups.get()).toBe('unknown');
    core.setSession({ phase: 'offline' });
    core.setSession({ phase: 'online' });
    await settle();
    expect(app.wakeups.get()).toBe('on');
  });

  test('is not there where the server does not do it', async () => {
    const browser = new FakeBrowser();
    const { app, core } = await started(browser, { storage: wanting() });
    await settle();
    expect([said(core), app.wakeups.get(), browser.subscribed]).toEqual([[], 'off', undefined]);
  });

  test('brings the connection back', async () => {
    const browser = new FakeBrowser();
    const { core } = await started(browser);
    browser.woken();
    await settle();
    expect(core.calls.map(({ command }) => command)).toContain('reconnect');
  });
});

describe('from outside', () => {
  test('one is led to a chat', async () => {
    const browser = new FakeBrowser();
    const { app } = await started(browser);
    browser.go('/chat/jonas@linden.example');
    expect(app.router.get()).toEqual({ name: 'chat', address: 'jonas@linden.example', details: false });
  });

  test('a shortcut opens what it names, for who is signed in', async () => {
    for (const [phase, opens] of [['online', 'new-chat'], ['none', undefined]] as const) {
      const browser = new FakeBrowser();
      const { app } = await started(browser, { phase });
      browser.go('/?open=new-chat');
      expect(app.overlays.get()?.name).toBe(opens);
    }
  });

  test('nonsense leads nowhere', async () => {
    const browser = new FakeBrowser();
    const { app } = await started(browser);
    browser.go('/nowhere?open=sign-out');
    expect(app.router.get()).toEqual({ name: 'home' });
    expect(app.overlays.get()).toBeUndefined();
  });
});

test('without any of it the app works', async () => {
  const { app } = await started(bareBrowser);
  await app.persistence.refresh();
  expect([app.updates.get(), app.install.get(), app.persistence.get()]).toEqual(['none', 'no', { persisted: undefined, usage: undefined }]);
});
