import type { Page } from '@playwright/test';
import { Front, renamed } from '../support/front';
import { Person } from '../support/person';
import { expect, test } from '../support/story';

/** Everything that opens the app without a network is here. */
async function kept(page: Page): Promise<void> {
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
}

test.describe('without a network', () => {
  test('the app opens, is read and written in, and every message arrives once', async ({ server, friends: [alice, bob] }) => {
    await alice.tell(bob, 'before');
    await bob.tell(alice, 'yes?');
    await kept(alice.page);
    await server.stop();
    await alice.context.setOffline(true);
    const texts = ['without 1', 'without 2', 'without 3', 'without 4'];

    await test.step('after a reload everything is there', async () => {
      await alice.page.reload();
      await alice.isInChat('Bob Brown');
      await expect(alice.from('Bob Brown', 'yes?')).toBeVisible();
      await expect(alice.chatRow('Bob Brown')).toBeVisible();
      await expect(alice.chip).toContainText('Offline');
    });

    await test.step('one writes, also after a second reload and in a second window', async () => {
      for (const text of texts.slice(0, 2)) await alice.write(text);
      await expect(alice.chatRow('Bob Brown')).toContainText('without 2'); // it is kept
      await alice.page.reload();
      await alice.isInChat('Bob Brown');
      await alice.write(texts[2] ?? '');
      const first = alice.page;
      await alice.newTab();
      await alice.openChat('Bob Brown');
      await alice.write(texts[3] ?? '');
      for (const text of texts) {
        await expect(alice.own(text, 'Waiting to be sent')).toBeVisible();
        await expect(first.getByRole('group', { name: new RegExp(`${text}, Waiting to be sent$`) })).toBeVisible();
      }
    });

    await test.step('every view opens, by its address as well', async () => {
      for (const [path, heading] of [['/requests', 'Requests'], ['/settings/devices', 'Devices'], ['/settings/app', 'On this device'], ['/settings/about', 'About and advanced']] as const) {
        await alice.open(path);
        await expect(alice.page.getByRole('main').getByRole('heading', { name: heading, level: 1 })).toBeVisible();
      }
      await alice.open('/settings/language');
      await alice.page.getByRole('radio', { name: 'Deutsch' }).check();
      await expect(alice.page.getByRole('heading', { name: 'Sprache', level: 1 })).toBeVisible();
      await alice.page.getByRole('radio', { name: 'English' }).check();
      await alice.open('/');
      await alice.openChat('Bob Brown');
    });

    await server.start();
    await alice.context.setOffline(false);
    await alice.page.getByRole('button', { name: 'Try now' }).click({ timeout: 5_000 }).catch(() => undefined); // it may have come back by itself
    await alice.isOnline();
    await bob.page.getByRole('button', { name: 'Try now' }).click({ timeout: 5_000 }).catch(() => undefined);
    await bob.isOnline();
    await expect(bob.from('Alice Adams', texts.at(-1) ?? '')).toBeVisible();
    for (const text of texts) await expect(alice.own(text, 'Delivered', 'Read')).toBeVisible();
    expect((await bob.transcript()).filter((line) => line.who === 'Alice Adams').map((line) => line.text)).toEqual(['before', ...texts]);
    expect((await alice.transcript()).filter((line) => line.who === 'You').map((line) => line.text)).toEqual(['before', ...texts]);
  });

  test('whoever is signed out finds the way in', async ({ server, person }) => {
    const alice = await person('Alice Adams');
    await alice.open();
    await kept(alice.page);
    await server.stop();
    await alice.page.reload();
    await expect(alice.page.getByRole('button', { name: 'Sign in' })).toBeVisible();
  });
});

test('what came is told, leads to its chat, and is taken back when it was read', async ({ friends: [alice, bob] }) => {
  alice.guard.allow(/Push API in incognito mode/); // the profiles of the stories are such
  await alice.context.grantPermissions(['notifications']);
  await alice.open('/settings/notifications');
  await alice.page.getByRole('switch', { name: /^Notify me/ }).check();
  await kept(alice.page);
  await bob.write('Are you there?');
  const shown = (): Promise<string[]> => alice.page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    return (await registration.getNotifications()).map((one) => `${one.title}: ${one.body} ${one.tag}`);
  });
  await expect.poll(shown).toEqual(['Bob Brown: Are you there? alice@localhost bob@localhost']);
  await bob.write('Hello?');
  await expect.poll(shown).toEqual(['Bob Brown: Hello? alice@localhost bob@localhost']);

  const [worker] = alice.context.serviceWorkers();
  await worker?.evaluate(async () => {
    const { registration } = self as unknown as ServiceWorkerGlobalScope;
    const [notification] = await registration.getNotifications();
    if (!notification) throw new Error('no notification');
    // A click that no finger made may not bring a window to the front; it leads to the chat all the same.
    self.addEventListener('unhandledrejection', (event) => event.preventDefault());
    self.addEventListener('error', (event) => event.preventDefault());
    self.dispatchEvent(new NotificationEvent('notificationclick', { notification }));
  });
  await alice.isInChat('Bob Brown');
  await expect(alice.from('Bob Brown', 'Hello?')).toBeVisible();
  await expect.poll(shown).toEqual([]);
});

const running = (page: Page): Promise<string> => page.evaluate(() => document.querySelector<HTMLScriptElement>('script[type=module]')?.src.split('/').at(-1) ?? '');

test('a new version waits until one wants it, and is never mixed with the old', async ({ browser, server }) => {
  const front = await Front.before(server);
  const alice = await Person.arrive(browser, front.asServer, 'Alice Adams');
  alice.guard.allow(/sw\.js|status of 404|integrity|Failed to find a valid digest/);
  try {
    await server.addUser('alice', alice.password);
    await alice.signIn();
    await kept(alice.page);
    await alice.page.reload();
    await alice.isIn();
    const first = await running(alice.page);
    const next = renamed(first);
    expect(next).not.toBe(first);
    const look = (): Promise<string> => alice.page.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      return registration.update().then(() => 'looked', (error: unknown) => String(error));
    });
    const notice = (page: Page) => page.getByText('A new version of Kith is ready.');

    await test.step('one that cannot be had whole does not come', async () => {
      front.next();
      front.broken = new RegExp(`/assets/Switcher-[0-9a-f]{8}\\.js`);
      await look();
      await expect.poll(() => alice.page.evaluate(async () => {
        const { installing, waiting } = await navigator.serviceWorker.ready;
        return [installing, waiting];
      })).toEqual([null, null]);
      await alice.page.reload();
      await alice.isIn();
      expect(await running(alice.page)).toBe(first);
      await expect(notice(alice.page)).toBeHidden();
      front.broken = undefined;
    });

    const old = alice.page;
    await test.step('one that is whole says so, and the old one goes on', async () => {
      await look();
      await expect(notice(old)).toBeVisible();
      await old.reload();
      await alice.isIn();
      expect(await running(old)).toBe(first);
      await expect(notice(old)).toBeVisible();
    });

    await test.step('a window in which it is wanted begins with it; another goes on with the old one, all of it', async () => {
      await alice.newTab();
      await alice.isIn();
      expect(await running(alice.page)).toBe(first);
      await notice(alice.page).locator('..').getByRole('button', { name: 'Reload' }).click();
      await expect.poll(() => running(alice.page).catch(() => '')).toBe(next);
      await alice.isIn();
      await expect(notice(alice.page)).toBeHidden();
      expect(await running(old)).toBe(first);
      const fetched = await old.evaluate(async (name) => (await fetch(`/assets/${name}`)).status, first);
      expect(fetched).toBe(200);
      await old.getByRole('button', { name: 'Settings' }).click();
      await expect(old.getByRole('heading', { name: 'Settings' })).toBeVisible();
      await expect(notice(old)).toBeVisible();
      await notice(old).locator('..').getByRole('button', { name: 'Reload' }).click();
      await expect.poll(() => running(old).catch(() => '')).toBe(next);
    });

    await test.step('a server that has no service worker any more is asked itself again', async () => {
      front.withoutWorker = true;
      await alice.page.reload();
      await alice.isIn();
      await expect.poll(() => alice.page.evaluate(async () => [(await navigator.serviceWorker.getRegistrations()).length, (await caches.keys()).length]), { timeout: 20_000 }).toEqual([0, 0]);
      await alice.page.reload();
      await alice.isIn();
      expect(await alice.page.evaluate(() => navigator.serviceWorker.controller)).toBeNull();
    });
    expect(alice.guard.wrong).toEqual([]);
  } finally {
    await alice.leave();
    await front.close();
  }
});

test('with the page closed one is woken, and told no more than that', async ({ friends: [alice, bob] }) => {
  const { context } = alice;
  await context.grantPermissions(['notifications']);
  // There is no vendor's service here. What the browser would give the app is made up; everything else is real.
  await context.addInitScript(() => {
    if (!isSecureContext) return;
    const given = crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, false, ['deriveBits']).then(async ({ publicKey }) => {
      const keys = { p256dh: await crypto.subtle.exportKey('raw', publicKey), auth: crypto.getRandomValues(new Uint8Array(16)).buffer };
      return { endpoint: 'https://push.invalid/browser', getKey: (name: 'p256dh' | 'auth') => keys[name], unsubscribe: () => Promise.resolve(true) };
    });
    Object.assign(PushManager.prototype, { getSubscription: () => Promise.resolve(null), subscribe: () => given });
  });
  await alice.open('/settings/notifications');
  await alice.page.getByRole('switch', { name: /^Notify me/ }).check();
  await kept(alice.page);
  await expect(alice.page.getByText('Also while Kith is closed.')).toBeVisible();

  const shown = (page: Page): Promise<string[]> => page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    return (await registration.getNotifications()).map((one) => `${one.title}: ${one.body}`);
  });
  // A page of the same origin that is not the app: it only lets us look.
  const watcher = await context.newPage();
  alice.guard.allow(/favicon\.ico/);
  await watcher.goto(`${alice.server.origin}/favicon.svg`);
  await alice.page.close();
  await bob.write('Nobody knows this');
  const session = await context.newCDPSession(watcher);
  const found = new Promise<string>((resolve) => {
    session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const mine = registrations.find((one) => one.scopeURL === `${alice.server.origin}/`);
      if (mine) resolve(mine.registrationId);
    });
  });
  await session.send('ServiceWorker.enable');
  await session.send('ServiceWorker.deliverPushMessage', { origin: alice.server.origin, registrationId: await found, data: '{"kith":"wake"}' });
  await expect.poll(() => shown(watcher)).toEqual(['Kith: New message']);

  alice.page = watcher;
  await alice.open();
  await alice.openChat('Bob Brown');
  await expect(alice.from('Bob Brown', 'Nobody knows this')).toBeVisible();
  await expect.poll(() => shown(watcher)).toEqual([]);
});
