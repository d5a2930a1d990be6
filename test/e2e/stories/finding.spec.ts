import { look, lookNarrow } from '../support/look';
import { befriend, expect, test } from '../support/story';

test('what was said is found again, and one gets there', async ({ server, person }) => {
  test.setTimeout(240_000);
  const alice = await person('Alice Adams', { bypassCSP: true });
  const bob = await person('Bob Brown');
  await befriend(server, alice, bob);
  const { page } = alice;
  const found = page.getByRole('group', { name: /The plum cake needs Grüße and 200 g butter/ });

  await test.step('a long talk', async () => {
    await bob.tell(alice, 'The plum cake needs Grüße and 200 g butter');
    for (let i = 1; i <= 70; i++) await alice.write(`line ${i} of many that say nothing`);
    await expect(alice.own('line 70 of many that say nothing', 'Sent', 'Delivered', 'Read')).toBeVisible();
    await alice.write('What about the cake?');
  });

  await test.step('chats, people and messages, from everywhere', async () => {
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: /^Search/ }).first().click();
    const field = page.getByRole('combobox', { name: 'Search' });
    await field.fill('bob');
    await expect(page.getByRole('option', { name: /Bob Brown/ }).first()).toBeVisible();
    await field.fill('grusse BUTT');
    await expect(page.getByRole('option', { name: /plum cake/ })).toBeVisible();
    await expect(page.locator('.switcher mark')).toHaveText(['Grüße', 'butter']);
    await look(page, 'search-everywhere', 'light');
    await page.keyboard.press('Enter');
    await expect(found).toBeInViewport();
    await expect(found).toBeFocused();
  });

  await test.step('back at the end by the button', async () => {
    await page.getByRole('button', { name: /^Jump to newest/ }).click();
    await expect(alice.own('What about the cake?', 'Sent', 'Delivered', 'Read')).toBeInViewport();
  });

  await test.step('in one chat, from one place to the next', async () => {
    await page.keyboard.press('Control+f');
    const field = page.getByRole('textbox', { name: 'Search in this chat' });
    await expect(field).toBeFocused();
    await field.fill('cake');
    await expect(page.locator('.chat-search-place')).toHaveText('2 results');
    await page.keyboard.press('Enter');
    await expect(page.locator('.chat-search-place')).toHaveText('1 of 2');
    await page.keyboard.press('Enter');
    await expect(found).toBeInViewport();
    await expect(field).toBeFocused();
    await look(page, 'search-chat', 'dark');
    await lookNarrow(page, 'search-chat', 320);
    await page.keyboard.press('Shift+Enter');
    await expect(alice.own('What about the cake?', 'Sent', 'Delivered', 'Read')).toBeInViewport();
    await field.fill('pancake');
    await expect(page.locator('.chat-search-place')).toHaveText('Nothing found');
  });

  await test.step('on a day', async () => {
    const today = await page.evaluate(() => new Intl.DateTimeFormat('sv-SE').format(new Date()));
    await page.locator('.chat-search input[type=date]').fill(today);
    await expect(found).toBeInViewport();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'End the search' }).click();
    await expect(page.locator('.chat-search')).toHaveCount(0);
  });

  await test.step('a quotation leads to what it answers, and back leads back', async () => {
    await found.focus();
    await page.keyboard.press('r');
    await alice.write('I have some');
    const answer = page.getByRole('group', { name: /: I have some/ });
    await expect(answer).toBeInViewport();
    await answer.locator('.quote').click();
    await expect(found).toBeInViewport();
    await page.goBack();
    await expect(answer).toBeInViewport();
    await expect(page).toHaveURL(/\/chat\/bob/);
  });

  await test.step('also without a connection; what is deleted is found no more', async () => {
    await alice.context.setOffline(true);
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Search' }).fill('plum');
    await expect(page.getByRole('option', { name: /plum cake/ })).toBeVisible();
    await page.keyboard.press('Escape');
    await alice.context.setOffline(false);
    await bob.page.keyboard.press('Control+f');
    await bob.page.getByRole('textbox', { name: 'Search in this chat' }).fill('plum');
    await bob.page.keyboard.press('Enter');
    await bob.page.getByRole('group', { name: /^You, .*plum cake/ }).click({ button: 'right' });
    await bob.page.getByRole('menuitem', { name: 'Delete for everybody' }).click();
    await bob.page.getByRole('alertdialog').getByRole('button', { name: 'Delete for everybody' }).click();
    await page.keyboard.press('Control+k');
    await expect(async () => {
      await page.getByRole('combobox', { name: 'Search' }).fill('');
      await page.getByRole('combobox', { name: 'Search' }).fill('plum');
      await expect(page.getByText('Nothing found.')).toBeVisible({ timeout: 2_000 });
    }).toPass({ timeout: 30_000 });
    await page.keyboard.press('Escape');
  });
});
