import type { Page } from '@playwright/test';
import { expect, test } from '../support/story';

test('the whole way without a pointer', async ({ server, person }) => {
  const alice = await person('Alice Adams');
  const bob = await person('Bob Brown');
  const { page } = alice;
  const { keyboard } = page;
  await forbidPointers(page);

  await test.step('an account', async () => {
    await page.goto(server.firstLink);
    await expect(page.getByRole('heading', { name: 'Your server is ready' })).toBeVisible();
    await tabTo(page, 'Your name');
    await keyboard.type('Alice Adams');
    await tabTo(page, 'User name');
    await keyboard.press('Control+a');
    await keyboard.type('alice');
    await tabTo(page, 'Password');
    await keyboard.type(alice.password);
    await keyboard.press('Enter');
    await expect(page.getByText('Nobody is here yet').filter({ visible: true })).toBeVisible();
  });

  const link = await test.step('an invitation', async () => {
    await keyboard.press('Alt+n');
    await expect(page.getByLabel('Name or address')).toBeFocused();
    await tabTo(page, /^Invite somebody/);
    await keyboard.press('Enter');
    await tabTo(page, 'Invitation link');
    const text = await page.getByRole('textbox', { name: 'Invitation link' }).inputValue();
    await keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toBeHidden();
    return text;
  });
  await bob.join(link);
  await bob.isInChat('Alice Adams');

  await test.step('to the chat by its name, and a message', async () => {
    await expect(alice.chatRow('Bob Brown')).toBeVisible();
    await keyboard.press('Control+k');
    await expect(page.getByRole('combobox', { name: 'Search' })).toBeFocused();
    await keyboard.type('bo');
    await keyboard.press('Enter');
    await expect(alice.composer).toBeFocused();
    await keyboard.type('one line');
    await keyboard.press('Shift+Enter');
    await keyboard.type('and another');
    await keyboard.press('Enter');
    await expect(bob.page.getByRole('group', { name: /one line and another$/ })).toBeVisible();
    await bob.tell(alice, 'I hear you');
  });

  await test.step('to the messages, what can be done with one, and back', async () => {
    await tabTo(page, /: I hear you$/, 'Shift+Tab');
    await keyboard.press('ArrowUp');
    await keyboard.press('Enter');
    await expect(page.getByRole('menuitem').first()).toBeFocused();
    await tabTo(page, 'Message info', 'ArrowDown');
    await keyboard.press('Enter');
    await expect(page.getByRole('dialog', { name: 'Message info' })).toBeVisible();
    await keyboard.press('Escape');
    await expect(page.getByRole('group', { name: /one line and another/ })).toBeFocused();
    await keyboard.press('Escape');
    await expect(alice.composer).toBeFocused();
  });

  await test.step('the lock, a code compared, the focus back where it was', async () => {
    await tabTo(page, 'Encrypted', 'Shift+Tab');
    await keyboard.press('Enter');
    await expect(page.getByRole('dialog', { name: 'Encryption with Bob Brown' })).toBeVisible();
    await tabTo(page, /^Show code: Device/);
    await keyboard.press('Enter');
    await tabTo(page, 'The codes match');
    await keyboard.press('Enter');
    await expect(page.getByRole('dialog').getByText('Verified', { exact: true }).first()).toBeVisible();
    await keyboard.press('Escape');
    await expect(alice.lock('Encrypted and verified')).toBeFocused();
  });

  await test.step('settings, and a colour scheme', async () => {
    await keyboard.press('Control+,');
    await expect(page.getByRole('heading', { name: 'Profile', level: 1 })).toBeVisible();
    await tabTo(page, 'Appearance', 'ArrowDown', page.getByRole('link', { name: 'Profile' }));
    await keyboard.press('Enter');
    await expect(page.getByRole('heading', { name: 'Appearance', level: 1 })).toBeVisible();
    await tabTo(page, 'Like the device');
    await keyboard.press('ArrowDown');
    await keyboard.press('ArrowDown');
    await expect(page.getByRole('radio', { name: 'Dark' })).toBeChecked();
    await expect.poll(() => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme)).toBe('dark');
  });

  await test.step('back to the chats, and out', async () => {
    await keyboard.press('Escape');
    await expect(page.getByRole('heading', { name: 'Chats' })).toBeVisible();
    await keyboard.press('Alt+ArrowDown');
    await alice.isInChat('Bob Brown');
    await keyboard.press('?');
    await expect(alice.composer).toHaveValue('?');
    await keyboard.press('Backspace');
    await keyboard.press('Control+/');
    await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
    await keyboard.press('Escape');
    await keyboard.press('Control+,');
    await expect(page.getByRole('heading', { name: 'Profile', level: 1 })).toBeVisible();
    await tabTo(page, 'Sign out');
    await keyboard.press('Enter');
    await expect(page.getByRole('button', { name: 'Cancel' })).toBeFocused();
    await tabTo(page, 'Sign out and delete');
    await keyboard.press('Enter');
    await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  });
});

/** Goes on with a key until what has this name has the focus; everything on the way has a name and shows that it has it. */
async function tabTo(page: Page, name: string | RegExp, key = 'Tab', from?: ReturnType<Page['getByRole']>): Promise<void> {
  await from?.focus();
  const way: string[] = [];
  for (let i = 0; i < 60; i++) {
    const at = await page.evaluate(() => {
      const element = document.activeElement;
      if (!(element instanceof HTMLElement) || element === document.body) return undefined;
      const labelled = element.getAttribute('aria-labelledby')?.split(' ').map((id) => document.getElementById(id)?.textContent ?? '').join(' ');
      const labels = 'labels' in element ? [...element.labels as NodeListOf<HTMLLabelElement>].map((label) => label.innerText).join(' ') : '';
      const style = getComputedStyle(element);
      return {
        name: (element.getAttribute('aria-label') ?? (labelled || labels || element.innerText)).trim(),
        seen: style.outlineStyle !== 'none' || style.boxShadow !== 'none' || element.matches('h1, h2, input, textarea, [role=tabpanel]'),
      };
    });
    if (at !== undefined) {
      way.push(at.name);
      if (typeof name === 'string' ? at.name === name || at.name.split('\n')[0] === name : name.test(at.name)) {
        expect(at.seen, `${at.name} shows that it has the focus`).toBe(true);
        return;
      }
      expect(at.name, `what comes after ${way.slice(0, -1).join(', ')} has a name`).not.toBe('');
    }
    await page.keyboard.press(key);
  }
  throw new Error(`${key} does not lead to ${name}, only to: ${way.join(' | ')}`);
}

/** Playwright's own clicks would be heard here. */
async function forbidPointers(page: Page): Promise<void> {
  await page.addInitScript(() => {
    for (const type of ['pointerdown', 'mousedown', 'touchstart']) {
      document.addEventListener(type, () => { console.error(`a pointer was used: ${type}`); }, { capture: true });
    }
  });
}
