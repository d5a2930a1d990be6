import type { Locator, Page } from '@playwright/test';
import type { Person } from '../support/person';
import { picture } from '../support/pictures';
import { expect, test } from '../support/story';

/** The picture of the account that is looked at, above the list. */
const switcher = (page: Page, name: string): Locator => page.getByRole('button', { name: new RegExp(`^Accounts, now ${name}`) });

async function choose(page: Page, from: string, to: string): Promise<void> {
  await switcher(page, from).click();
  await page.getByRole('menuitemradio', { name: new RegExp(`^${to}, `) }).click();
  await expect(switcher(page, to)).toBeVisible();
}

/** Opens Bob's invitation as Alice, and makes an account for Alma with it, beside Alice's. */
async function addAlma(alice: Person, bob: Person): Promise<void> {
  const { page } = alice;
  await page.goto(await bob.invite());
  await page.getByRole('button', { name: 'Create another account' }).click();
  await page.getByLabel('Your name').fill('Alma Adams');
  await page.getByLabel('User name').fill('alma');
  await page.getByLabel('Password', { exact: true }).fill(alice.password);
  await page.getByRole('button', { name: 'Create account' }).click();
  await alice.isInChat('Bob Brown');
  await expect(switcher(page, 'Alma Adams')).toBeVisible();
}

const databases = (page: Page): Promise<string[]> => page.evaluate(async () => (await indexedDB.databases()).flatMap((info) => info.name ?? []).filter((name) => name.includes('@')).sort());

test('two accounts in one browser: both are told, one is looked at, and each keeps its own', async ({ friends: [alice, bob] }) => {
  const { page } = alice;
  alice.guard.allow(/Push API in incognito mode/); // the profiles of the stories are such
  await alice.context.grantPermissions(['notifications']);
  await test.step('with one account there is nothing to choose from', async () => {
    await alice.open('/settings/notifications');
    await page.getByRole('switch', { name: /^Notify me/ }).check();
    await page.waitForFunction(async () => (await navigator.serviceWorker.ready).active?.state === 'activated');
    await alice.open();
    await expect(page.getByRole('button', { name: 'Settings' })).toBeVisible();
    await expect(page.getByRole('button', { name: /^Accounts/ })).toHaveCount(0);
  });
  await addAlma(alice, bob);
  await expect(switcher(page, 'Alma Adams')).toHaveAccessibleName('Accounts, now Alma Adams');
  await bob.openChat('Alma Adams');
  await bob.write('for Alma');
  await expect(alice.from('Bob Brown', 'for Alma')).toBeVisible();

  const shown = (): Promise<string[]> => page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    return (await registration.getNotifications()).map((one) => `${one.title}: ${one.body}`);
  });
  await test.step('what comes for the other one is told, and the click leads there', async () => {
    await bob.openChat('Alice Adams');
    await bob.write('for Alice');
    await expect(switcher(page, 'Alma Adams')).toHaveAccessibleName('Accounts, now Alma Adams, 1 unread message in another account');
    await expect(page.locator('.list-pane .account-dot')).toBeVisible();
    await expect.poll(shown).toEqual(['Bob Brown · Alice Adams: for Alice']);
    await expect(alice.from('Bob Brown', 'for Alice')).toHaveCount(0);
    await switcher(page, 'Alma Adams').click();
    await expect(page.getByRole('menuitemradio', { name: /^Alice Adams, alice@localhost, 1 unread message$/ })).toBeVisible();
    await picture(page, 'accounts');
    await page.keyboard.press('Escape');
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
    await expect(switcher(page, 'Alice Adams')).toBeVisible();
    await alice.isInChat('Bob Brown');
    await expect(alice.from('Bob Brown', 'for Alice')).toBeVisible();
    await expect(alice.from('Bob Brown', 'for Alma')).toHaveCount(0);
    await expect.poll(shown).toEqual([]);
    await expect(page.locator('.account-dot')).toHaveCount(0);
    await alice.tell(bob, 'Alice answers');
  });

  await test.step('by keyboard to the other one, which is kept by a reload', async () => {
    await switcher(page, 'Alice Adams').focus();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('menuitemradio', { name: /^Alice Adams/ })).toBeFocused();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await expect(switcher(page, 'Alma Adams')).toBeVisible();
    await expect(page).toHaveURL(/\/$/);
    await page.reload();
    await expect(switcher(page, 'Alma Adams')).toBeVisible();
    await alice.openChat('Bob Brown');
    await expect(alice.from('Bob Brown', 'for Alma')).toBeVisible();
    await expect(alice.from('Bob Brown', 'for Alice')).toHaveCount(0);
    await alice.write('Alma answers');
    await bob.openChat('Alma Adams');
    await expect(bob.from('Alma Adams', 'Alma answers')).toBeVisible();
  });

  await test.step('two tabs look at one each', async () => {
    const second = await alice.newTab();
    await choose(second, 'Alma Adams', 'Alice Adams');
    await expect(switcher(page, 'Alma Adams')).toBeVisible();
    for (const tab of [page, second]) await tab.reload();
    await expect(switcher(page, 'Alma Adams')).toBeVisible();
    await expect(switcher(second, 'Alice Adams')).toBeVisible();
    expect(await databases(page)).toEqual(['kith:alice@localhost', 'kith:alma@localhost']);
  });

  await test.step('signing out of one leaves the other as it is', async () => {
    const second = alice.page;
    await page.goto(`${alice.server.origin}/settings`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect(page.getByRole('heading', { name: 'Sign out alma@localhost?' })).toBeVisible();
    await page.getByRole('button', { name: 'Sign out and delete' }).click();
    for (const tab of [page, second]) {
      await expect(tab.getByRole('heading', { name: 'Chats' })).toBeVisible();
      await expect(tab.getByRole('button', { name: /^Accounts/ })).toHaveCount(0);
    }
    expect(await databases(second)).toEqual(['kith:alice@localhost']);
    await alice.openChat('Bob Brown');
    await bob.openChat('Alice Adams');
    await alice.tell(bob, 'still here');
  });
});

test('another account is added by name and password, one that was signed out elsewhere does not stand in the way', async ({ friends: [alice, bob], server }) => {
  const { page } = alice;
  await server.addUser('alma', alice.password);
  await alice.open('/settings');
  await page.getByRole('link', { name: 'Add account' }).click();
  await expect(page.getByRole('heading', { name: 'Add an account' })).toBeVisible();
  await picture(page, 'add-account');

  await test.step('a wrong password, and back', async () => {
    await alice.fillSignIn('alma', 'wrong horse');
    await expect(page.getByRole('alert').getByText('That name and password do not fit together.')).toBeVisible();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await expect(page.getByRole('heading', { name: 'Settings' })).toBeVisible();
  });
  await page.getByRole('link', { name: 'Add account' }).click();
  await expect(page.getByRole('alert').filter({ hasText: /\S/ })).toHaveCount(0);
  await alice.fillSignIn('alma', alice.password);
  await expect(switcher(page, 'alma')).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Chats' })).toBeVisible();

  await test.step('its password is changed by the administrator: the other account goes on', async () => {
    await server.run(['user', 'passwd', 'alma@localhost'], 'quite another battery staple\n');
    await expect(page.getByRole('heading', { name: 'Sign in again' })).toBeVisible();
    await picture(page, 'account-locked');
    await page.getByRole('button', { name: /^Alice Adams, alice@localhost/ }).click();
    await expect(switcher(page, 'Alice Adams')).toBeVisible();
    await alice.openChat('Bob Brown');
    await alice.tell(bob, 'Alice is not concerned');
  });
});
