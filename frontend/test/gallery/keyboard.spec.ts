import { expect, inPage, jonas, lena, open, sizes, sunday, test } from './gallery';

const focused = 'document.activeElement';

test('Ctrl-K: unread first, letters find, Enter opens, Esc gives the focus back', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await expect(page.locator('#composer')).toBeFocused();
  await page.keyboard.press('Control+k');
  const input = page.getByRole('combobox');
  await expect(input).toBeFocused();
  await expect(page.getByRole('option').first()).toContainText('Lena Hartwig');
  await page.keyboard.press('Escape');
  await expect(page.locator('dialog[open]')).toHaveCount(0);
  await expect(page.locator('#composer')).toBeFocused();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('tar');
  await expect(page.getByRole('option').first()).toContainText('Tarek');
  await page.keyboard.press('Enter');
  await expect(page.locator('.chat-head-name')).toHaveText('Tarek');
  await expect(page.locator('#composer')).toBeFocused();
});

test('the arrows choose in the switcher and the choice is told', async ({ page }) => {
  await open(page, { route: '/' });
  await page.locator('.chat-row').first().waitFor();
  await page.keyboard.press('Control+k');
  const input = page.getByRole('combobox');
  await expect(input).toBeFocused();
  await page.keyboard.press('ArrowDown');
  const second = page.getByRole('option').nth(1);
  await expect(second).toHaveAttribute('aria-selected', 'true');
  await expect(input).toHaveAttribute('aria-activedescendant', await second.getAttribute('id') ?? '-');
});

test('? shows the shortcuts, but not while writing', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await page.keyboard.type('What?');
  await expect(page.locator('dialog[open]')).toHaveCount(0);
  await expect(page.locator('#composer')).toHaveValue('What?');
  await page.locator('.chat-row').first().focus();
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
});

test('the whole way by keyboard: list, chat, messages, a message, back', async ({ page }) => {
  await open(page, { route: '/' });
  const rows = page.locator('.chat-row');
  await rows.first().focus();
  await page.keyboard.press('ArrowDown');
  await expect(rows.nth(1)).toBeFocused();
  await page.keyboard.press('End');
  await expect(rows.last()).toBeFocused();
  await page.keyboard.press('Home');
  await expect(rows.first()).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.locator('#composer')).toBeFocused();
  await page.keyboard.press('Shift+ArrowUp');
  const messages = page.locator('.message');
  await expect(messages.last()).toBeFocused();
  await page.keyboard.press('ArrowUp');
  await expect(messages.nth(-2)).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('menuitem').first()).toBeFocused();
  const info = page.getByRole('menuitem', { name: 'Message info' });
  const above = await page.getByRole('menuitem').evaluateAll((all) => all.findIndex((item) => item.textContent === 'Message info'));
  for (let i = 0; i < above; i++) await page.keyboard.press('ArrowDown');
  await expect(info).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog', { name: 'Message info' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(messages.nth(-2)).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(page.locator('#composer')).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(rows.first()).toBeFocused();
});

test('what happens in the chat does not take the focus from an open menu', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await page.locator('.message[tabindex="0"]').focus();
  await page.keyboard.press('Enter');
  const items = page.getByRole('menuitem');
  await expect(items.first()).toBeFocused();
  await page.keyboard.press('End');
  await expect(items.last()).toBeFocused();
  await inPage(page, ({ core }) => {
    core.setChat('jonas@linden.example', { title: 'Jonas H.' });
    core.receive('jonas@linden.example', 'Dinner is ready');
  });
  await expect(page.locator('.chat-head-name')).toHaveText('Jonas H.');
  await expect(items.last()).toBeFocused();
});

test('reading back by keyboard goes beyond what is in the document', async ({ page }) => {
  await open(page, { scene: 'long', route: `/chat/${lena}` });
  await page.keyboard.press('Shift+ArrowUp');
  for (let i = 0; i < 80; i++) await page.keyboard.press('ArrowUp');
  const at = (): Promise<string | undefined> => page.evaluate<string | undefined>(`${focused}.dataset.key`);
  // Far above what the list first has in the document; a key that comes while older ones are fetched leads nowhere.
  await expect(async () => {
    await page.keyboard.press('ArrowUp');
    expect(Number((await at())?.replace('long-', ''))).toBeLessThan(9925);
  }).toPass();
  await expect(page.locator('.message:focus')).toBeInViewport();
  const key = await at();
  await expect(page.locator(`[data-key="${key}"]`)).toBeFocused();
  await expect(page.locator(`[data-key="${key}"]`)).toBeInViewport();
});

test('one message is in the order of Tab, and Tab leads on to the composer', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await expect(page.locator('.message[tabindex="0"]')).toHaveCount(1);
  await expect(page.locator('.chat-row[tabindex="0"]')).toHaveCount(1);
  await page.locator('.message[tabindex="0"]').focus();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: 'Attach' })).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.locator('#composer')).toBeFocused();
});

test('Alt and arrows go from chat to chat', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await page.keyboard.press('Alt+ArrowDown');
  await expect(page.locator('.chat-head-name')).toHaveText('Lena Hartwig');
  await page.keyboard.press('Alt+ArrowUp');
  await expect(page.locator('.chat-head-name')).toHaveText('Jonas');
});

test('a dialog keeps the focus, and what is behind it is out of reach', async ({ page }) => {
  await open(page, { route: `/chat/${lena}` });
  await page.locator('.chat-lock').click();
  await page.getByRole('dialog').waitFor();
  for (let i = 0; i < 25; i++) {
    await page.keyboard.press('Tab');
    // The browser's own controls come between the last and the first; nothing of the page behind does.
    expect(await page.evaluate<boolean>(`${focused} === document.body || ${focused}.closest('dialog') !== null`)).toBe(true);
  }
  await page.keyboard.press('Escape');
  await expect(page.locator('.chat-lock')).toBeFocused();
});

test('news of the devices leave open what is read, and the focus where it is', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await page.locator('.chat-lock').click();
  const show = page.getByRole('button', { name: /^Show code: Phone/ });
  await show.focus();
  await page.keyboard.press('Enter');
  const hide = page.getByRole('button', { name: /^Hide code: Phone/ });
  const asked = await inPage(page, ({ core }) => core.calls.length);
  await inPage(page, ({ core }) => core.tell('devices', { address: 'jonas@linden.example' }));
  await expect.poll(() => inPage(page, ({ core }) => core.calls.length)).toBeGreaterThan(asked);
  await expect(hide).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: 'Do not trust' })).toBeFocused();
});

test('a vote by keyboard keeps the focus where it was given', async ({ page }) => {
  await open(page, { scene: 'polls', route: `/chat/${sunday}` });
  const choice = page.getByRole('button', { name: /^Plums/ });
  await page.locator('.pin-banner').waitFor();
  await page.locator('#composer').focus();
  await page.keyboard.press('Shift+ArrowUp');
  for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowUp');
  await expect(page.locator('.message', { has: choice })).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(choice).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(choice).toHaveAttribute('aria-pressed', 'true');
  await expect(choice).toBeFocused();
});

test('what is typed to rename a circle outlives news of the family', async ({ page }) => {
  await open(page, { scene: 'guardian', route: '/settings/family' });
  await page.getByRole('button', { name: 'Name of the circle: Family' }).click();
  await page.locator('.circle-name input').fill('Our family');
  const asked = await inPage(page, ({ core }) => core.calls.length);
  await inPage(page, ({ core }) => core.tell('family', {}));
  await expect.poll(() => inPage(page, ({ core }) => core.calls.length)).toBeGreaterThan(asked);
  await expect(page.locator('.circle-name input')).toHaveValue('Our family');
  await expect(page.locator('.circle-name input')).toBeFocused();
});

test('from one dialog to the next, Esc closes the last and the focus comes home', async ({ page }) => {
  await open(page, { route: `/chat/${lena}` });
  await page.locator('.chat-lock').click();
  await page.getByRole('button', { name: 'Compare codes' }).click();
  await expect(page.getByRole('dialog', { name: /Compare codes/ })).toBeVisible();
  await expect(page.locator('dialog[open]')).toHaveCount(1);
  await page.keyboard.press('Escape');
  await expect(page.locator('dialog[open]')).toHaveCount(0);
  await expect(page.locator('.chat-lock')).toBeFocused();
});

test('the skip link leads past the list', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await page.locator('.skip').focus();
  await expect(page.locator('.skip')).toBeInViewport();
  await page.keyboard.press('Enter');
  await expect(page.locator('#composer')).toBeFocused();
});

test.describe('on a phone', () => {
  test.use({ viewport: sizes.phone, hasTouch: true, isMobile: true });

  test('one pane at a time, back by the browser and by the button, the focus follows', async ({ page }) => {
    await open(page, { route: '/' });
    await expect(page.locator('.main-pane')).toBeHidden();
    await page.locator('.chat-row').nth(1).click();
    await expect(page.locator('.start-pane')).toBeHidden();
    await expect(page.locator('.chat-head-who')).toBeFocused();
    await page.locator('.chat-head-who').click();
    await expect(page.locator('.details')).toBeVisible();
    await expect(page.locator('.chat')).toBeHidden();
    await page.goBack();
    await expect(page.locator('.chat')).toBeVisible();
    await expect(page.locator('.chat-head-who')).toBeFocused();
    await page.goBack();
    await expect(page.locator('.list-pane')).toBeVisible();
    await expect(page.locator('.chat-row').nth(1)).toBeFocused();
  });

  test('Enter makes a new line', async ({ page }) => {
    await open(page, { route: `/chat/${jonas}` });
    await page.locator('#composer').tap();
    await page.keyboard.type('one');
    await page.keyboard.press('Enter');
    await page.keyboard.type('two');
    await expect(page.locator('#composer')).toHaveValue('one\ntwo');
    await page.getByRole('button', { name: 'Send' }).tap();
    await expect(page.locator('.bubble').last()).toContainText('one\ntwo');
    await expect(page.locator('#composer')).toBeFocused();
  });

  test('holding a message opens what can be done with it', async ({ page }) => {
    await open(page, { route: `/chat/${jonas}` });
    await inPage(page, () => {
      const bubble = [...document.querySelectorAll('.bubble')].at(-1)!;
      bubble.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, pointerType: 'touch' }));
    });
    await expect(page.getByRole('menu')).toBeVisible();
  });

  test('a finger that lets go after holding presses nothing', async ({ page }) => {
    await open(page, { route: '/' });
    const row = page.locator('.chat-row').first();
    await row.dispatchEvent('pointerdown', { bubbles: true, pointerType: 'touch' });
    await expect(page.getByRole('menu')).toBeVisible();
    await row.evaluate((element) => element.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true, detail: 1 })));
    await expect(page.getByRole('menu')).toBeVisible();
    expect(await inPage(page, ({ app }) => app.router.get().name)).toBe('home');
  });
});

test('a sticker is chosen and sent by keyboard', async ({ page }) => {
  await open(page, { scene: 'stickers', route: `/chat/${jonas}` });
  await page.getByRole('button', { name: 'Emoji', exact: true }).focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Emoji and stickers' });
  await expect(page.getByRole('searchbox', { name: 'Search emoji' })).toBeFocused();
  await page.keyboard.press('Shift+Tab');
  await expect(dialog.getByRole('tab', { name: 'Emoji' })).toBeFocused();
  await page.keyboard.press('ArrowRight');
  await expect(dialog.getByRole('tab', { name: 'Stickers' })).toBeFocused();
  await expect(dialog.getByRole('button', { name: 'Send sticker: A bear that waves' })).toBeVisible();
  const cells = dialog.getByRole('button', { name: /^Send sticker/ });
  await cells.first().focus();
  await page.keyboard.press('ArrowRight');
  await expect(cells.nth(1)).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowUp');
  await expect(cells.nth(1)).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(dialog).toHaveCount(0);
  await expect(page.locator('#composer')).toBeFocused();
  await expect(page.getByRole('group', { name: /^You, .*Sticker, Good morning, Waiting/ })).toBeVisible();
  await page.getByRole('button', { name: 'Emoji', exact: true }).click();
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
});
