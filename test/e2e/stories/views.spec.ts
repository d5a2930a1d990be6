import type { Page } from '@playwright/test';
import { look, lookNarrow } from '../support/look';
import type { Ways } from '../support/person';
import { expect, test } from '../support/story';

interface View {
  readonly name: string;
  readonly path?: string;
  /** Leads from the page at the path to the view. */
  readonly reach: (page: Page) => Promise<void>;
}

const heading = (name: string | RegExp) => async (page: Page): Promise<void> => { await expect(page.getByRole('heading', { name, exact: true, level: 1 })).toBeVisible(); };
const chat = async (page: Page): Promise<void> => { await page.locator('.messages-settled').waitFor({ state: 'attached' }); };
const dialog = (name: string | RegExp) => async (page: Page): Promise<void> => { await expect(page.getByRole('dialog', { name }).or(page.getByRole('alertdialog', { name }))).toBeVisible(); };
const press = (key: string) => (page: Page): Promise<void> => page.keyboard.press(key);
const click = (name: string | RegExp) => (page: Page): Promise<void> => page.getByRole('button', { name, exact: true }).last().click();
const steps = (...all: readonly ((page: Page) => Promise<void>)[]) => async (page: Page): Promise<void> => { for (const step of all) await step(page); };

const messageMenu = async (page: Page): Promise<void> => {
  await page.getByRole('group', { name: /^You, at/ }).last().click({ button: 'right' });
  await expect(page.getByRole('menu')).toBeVisible();
};

const withBob = '/chat/bob@localhost';

/** What somebody who is signed in can come to see. */
const inside: readonly View[] = [
  { name: 'chats', path: '/', reach: async (page) => { await expect(page.getByRole('link', { name: '1 contact request' })).toBeVisible(); } },
  { name: 'chat', path: withBob, reach: chat },
  { name: 'message-menu', path: withBob, reach: steps(chat, messageMenu) },
  { name: 'message-info', path: withBob, reach: steps(chat, messageMenu, async (page) => page.getByRole('menuitem', { name: 'Message info' }).click(), dialog('Message info')) },
  { name: 'lock', path: withBob, reach: steps(chat, click('Encrypted'), dialog(/^Encryption with/), async (page) => { await expect(page.getByRole('button', { name: /^Show code/ }).first()).toBeVisible(); }) },
  { name: 'lock-code', reach: async (page) => { await page.getByRole('button', { name: /^Show code/ }).first().click(); } },
  { name: 'verify', reach: steps(click('Compare codes'), async (page) => { await expect(page.getByRole('img', { name: 'Code with the keys of your devices' })).toBeVisible(); }) },
  { name: 'verify-theirs', reach: async (page) => { await page.getByRole('tab', { name: 'Their code' }).click(); } },
  { name: 'details', path: `${withBob}/details`, reach: async (page) => { await expect(page.getByRole('heading', { name: 'Details' })).toBeVisible(); } },
  { name: 'rename', reach: click('Name shown to you') },
  { name: 'block', path: `${withBob}/details`, reach: steps(click('Block'), dialog(/^Block/)) },
  { name: 'remove', path: `${withBob}/details`, reach: steps(click('Remove contact'), dialog(/^Remove/)) },
  { name: 'request', path: '/chat/mallory@localhost', reach: steps(chat, async (page) => { await expect(page.getByText('would like to be your contact')).toBeVisible(); }) },
  { name: 'requests', path: '/requests', reach: heading('Contact requests') },
  { name: 'pending', path: '/chat/nobody@localhost', reach: steps(chat, async (page) => { await expect(page.getByRole('main').getByText('Request sent')).toBeVisible(); }) },
  { name: 'new-chat', path: withBob, reach: steps(chat, press('Alt+n'), dialog('New chat')) },
  { name: 'invite', reach: steps(click(/^Invite somebody/), async (page) => { await expect(page.getByRole('img', { name: 'Code with the invitation link' })).toBeVisible(); }) },
  { name: 'switcher', path: withBob, reach: steps(chat, press('Control+k'), dialog('Search')) },
  { name: 'shortcuts', path: withBob, reach: steps(chat, press('Control+/'), dialog('Keyboard shortcuts')) },
  { name: 'settings', path: '/settings', reach: async (page) => { await expect(page.getByRole('heading', { name: 'Settings' })).toBeVisible(); } },
  { name: 'settings-profile', path: '/settings/profile', reach: heading('Profile') },
  { name: 'settings-devices', path: '/settings/devices', reach: steps(heading('Devices'), click('Show my code'), async (page) => { await expect(page.locator('.qr')).toBeVisible(); }) },
  { name: 'settings-appearance', path: '/settings/appearance', reach: heading('Appearance') },
  { name: 'settings-language', path: '/settings/language', reach: heading('Language') },
  { name: 'settings-notifications', path: '/settings/notifications', reach: heading('Notifications') },
  { name: 'settings-blocked', path: '/settings/blocked', reach: heading('Blocked people') },
  { name: 'settings-password', path: '/settings/password', reach: heading('Password') },
  { name: 'settings-about', path: '/settings/about', reach: heading('About and advanced') },
  { name: 'sign-out', path: '/settings', reach: steps(click('Sign out'), dialog('Sign out of this browser?')) },
];

for (const [size, ways] of [
  ['desktop', { viewport: { width: 1280, height: 800 } }],
  ['phone', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }],
] as [string, Ways][]) {
  test(`every view, ${size}: in light and dark, by axe, and nothing stands out of the window`, async ({ server, person }) => {
    test.setTimeout(600_000);
    // What axe runs in the page is not allowed there otherwise.
    const alice = await person('Alice Adams', { ...ways, bypassCSP: true });
    const see = async (name: string): Promise<void> => {
      await look(alice.page, `${size}-${name}`, size === 'phone' ? 'dark' : 'light');
      if (size === 'phone') await lookNarrow(alice.page, `${size}-${name}`, 320);
    };

    await test.step('on the way in', async () => {
      await alice.page.goto(server.firstLink);
      await heading('Your server is ready')(alice.page);
      await see('first');
      await alice.page.getByRole('button', { name: 'Create account' }).click();
      await expect(alice.page.getByText('Enter your name.')).toBeVisible();
      await alice.page.getByRole('button', { name: 'Suggest one' }).click();
      await see('first-wrong');
      await alice.page.goto(`${server.origin}/i/nothing`);
      alice.guard.allow(/status of 404/);
      await heading('This invitation no longer works')(alice.page);
      await see('invitation-gone');
      await alice.open();
      await heading('Sign in')(alice.page);
      await see('sign-in');
      await alice.page.getByRole('button', { name: 'Sign in' }).click();
      await expect(alice.page.getByText('Enter your password.')).toBeVisible();
      await see('sign-in-wrong');
    });

    const bob = await person('Bob Brown');
    await test.step('empty', async () => {
      await alice.join(server.firstLink);
      await expect(alice.page.getByText('Nobody is here yet').filter({ visible: true })).toBeVisible();
      await see('empty');
    });

    await test.step('people and messages', async () => {
      const link = await server.invite();
      await bob.page.goto(link);
      await bob.join(link);
      await bob.addByAddress(alice.address);
      await alice.open('/requests');
      await alice.page.getByRole('button', { name: 'Accept' }).click();
      await expect(bob.page.getByRole('main').getByText('Online', { exact: true })).toBeVisible();
      await alice.open(withBob);
      await alice.isInChat('Bob Brown');
      for (const text of ['Good morning! The ferry leaves at ten.', 'Bring the long rope, and https://example.org/a/very/long/address/which/has/nowhere/to/break/at/all/but/must/not/stand/out?of=the&window=ever']) await bob.tell(alice, text);
      for (const text of ['👍', 'A longer answer, so that it needs more than one line on any screen: the rope hangs behind the door of the shed, and the key is where it always is.']) {
        await alice.composer.fill(text);
        await alice.page.getByRole('button', { name: 'Send' }).click();
        await expect(bob.from(alice.name, text)).toBeVisible();
      }
      await expect(alice.lock('Encrypted')).toBeVisible();

      const mallory = await person('Mallory Moss');
      await mallory.join(await server.invite());
      await mallory.addByAddress(alice.address);
      await alice.addByAddress('nobody@localhost');
    });

    for (const view of inside) {
      await test.step(view.name, async () => {
        if (view.path !== undefined) await alice.open(view.path);
        await view.reach(alice.page);
        await see(view.name);
      });
    }

    await test.step('signed out elsewhere, and without a server', async () => {
      await alice.open(withBob);
      await chat(alice.page);
      await server.stop();
      await expect(alice.chip).toContainText('Offline');
      await see('offline');
      await server.start();
      await alice.isOnline();
      await server.run(['user', 'passwd', alice.address], 'another horse altogether\n');
      await heading('Sign in again')(alice.page);
      await see('locked');
    });
  });
}
