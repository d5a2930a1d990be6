import { look, lookNarrow } from '../support/look';
import { befriend, expect, test } from '../support/story';

test('pinned, asked, and gone after a while', async ({ server, person }) => {
  test.setTimeout(240_000);
  const alice = await person('Alice Adams', { bypassCSP: true });
  const bob = await person('Bob Brown');
  await befriend(server, alice, bob);
  const { page } = alice;
  const withMessage = async (text: RegExp, action: string): Promise<void> => {
    await page.getByRole('group', { name: text }).first().click({ button: 'right' });
    await page.getByRole('menuitem', { name: action, exact: true }).click();
  };
  const more = async (action: string): Promise<void> => {
    await page.getByRole('main').getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: action }).click();
  };
  await bob.tell(alice, 'The door code is 4711');
  await alice.tell(bob, 'Dinner is at seven');

  await test.step('what was begun is there again after a reload: text, answer and files', async () => {
    await page.getByRole('group', { name: /door code/ }).focus();
    await page.keyboard.press('r');
    await alice.composer.pressSequentially('I forget it ev');
    await page.locator('input[type=file]').setInputFiles({ name: 'door.txt', mimeType: 'text/plain', buffer: Buffer.from('4711') });
    await expect(page.getByRole('dialog', { name: 'Send 1 file?' })).toBeVisible();
    await expect(alice.chatRow('Bob Brown')).toBeAttached();
    await expect.poll(async () => (await alice.stored()).includes('door.txt') && (await alice.stored()).includes('I forget it ev')).toBe(true);
    await page.reload();
    const files = page.getByRole('dialog', { name: 'Send 1 file?' });
    await expect(files.getByText('door.txt')).toBeVisible();
    await files.getByRole('button', { name: 'Cancel' }).click();
    await expect(alice.composer).toHaveValue('I forget it ev');
    await expect(page.locator('.staged')).toContainText('The door code is 4711');
    await page.getByRole('button', { name: 'Do not reply' }).click();
    await alice.composer.fill('');
  });

  await test.step('pictures are sent with what is said of them, and looked at one after the other', async () => {
    const png = (colour: string): Promise<Buffer> => page.evaluate(async (of) => {
      const canvas = new OffscreenCanvas(800, 500);
      const context = canvas.getContext('2d');
      if (!context) throw new Error('no canvas');
      context.fillStyle = of;
      context.fillRect(0, 0, 800, 500);
      return [...new Uint8Array(await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer())];
    }, colour).then((bytes) => Buffer.from(bytes));
    await page.locator('input[type=file]').setInputFiles([
      { name: 'gate.png', mimeType: 'image/png', buffer: await png('seagreen') }, { name: 'door.png', mimeType: 'image/png', buffer: await png('sienna') },
    ]);
    const tray = page.getByRole('dialog', { name: 'Send 2 files?' });
    await tray.getByRole('textbox', { name: 'Add a caption' }).fill('This way, please');
    await look(page, 'file-tray', 'light');
    await page.keyboard.press('Enter');
    await expect(tray).toBeHidden();
    // Inside of the envelope, in one message.
    await expect(bob.from('Alice Adams', 'Photo, door.png, This way, please')).toBeVisible();
    expect(server.whereIs('This way, please')).toEqual([]);
    await bob.page.getByRole('button', { name: 'Show door.png' }).click();
    const view = bob.page.getByRole('dialog', { name: 'door.png' });
    await expect(view.getByText('This way, please')).toBeVisible();
    await expect(view.getByRole('img')).toBeVisible();
    await bob.page.keyboard.press('ArrowLeft');
    await expect(bob.page.getByRole('dialog', { name: 'gate.png' }).getByRole('img')).toBeVisible();
    await bob.page.keyboard.press('Escape');
    await expect(bob.page.getByRole('dialog')).toHaveCount(0);
  });

  await test.step('what is pinned stands above the chat for both', async () => {
    await withMessage(/door code/, 'Pin');
    await expect(page.locator('.pin-banner')).toContainText('The door code is 4711');
    await expect(bob.page.locator('.pin-banner')).toContainText('The door code is 4711');
    await withMessage(/Dinner is at seven/, 'Pin');
    await expect(bob.page.locator('.pin-banner')).toContainText('Pinned message 1 of 2');
    await expect(page.locator('.pin-banner')).toContainText('Dinner is at seven');
    await look(page, 'pins-banner', 'light');
    await page.getByRole('button', { name: 'All pinned messages' }).click();
    const dialog = page.getByRole('dialog', { name: 'Pinned messages' });
    await expect(dialog.getByRole('listitem')).toHaveCount(2);
    await look(page, 'pins', 'dark');
    await lookNarrow(page, 'pins', 320);
    await dialog.getByRole('button', { name: 'Unpin' }).first().click();
    await expect(dialog.getByRole('listitem')).toHaveCount(1);
    await page.keyboard.press('Escape');
    await expect(bob.page.locator('.pin-banner')).toContainText('The door code is 4711');
    await bob.page.locator('.pin-shown').click();
    await expect(bob.page.getByRole('group', { name: /door code/ })).toBeFocused();
  });

  await test.step('a question, its answers and its end', async () => {
    await more('Ask a question');
    const dialog = page.getByRole('dialog', { name: 'Ask a question' });
    await dialog.getByRole('button', { name: 'Ask' }).click();
    await expect(dialog.getByRole('alert')).toHaveText('Write a question and at least two answers.');
    await dialog.getByLabel('Question').fill('What do we eat?');
    await dialog.getByRole('textbox', { name: 'Answer 1' }).fill('Pizza');
    await dialog.getByRole('textbox', { name: 'Answer 2' }).fill('Dumplings');
    await dialog.getByRole('button', { name: 'Another answer' }).click();
    await dialog.getByRole('textbox', { name: 'Answer 3' }).fill('Whatever is there');
    await look(page, 'poll-new', 'light');
    await lookNarrow(page, 'poll-new', 320);
    await dialog.getByRole('button', { name: 'Ask' }).click();
    const question = (one: typeof alice) => one.page.getByRole('group', { name: /Poll, What do we eat\?/ });
    await expect(question(bob)).toBeVisible();
    await question(bob).getByRole('button', { name: /Dumplings/ }).click();
    await expect(question(alice).getByRole('button', { name: /Dumplings 1 vote/ })).toBeVisible();
    await question(alice).getByRole('button', { name: /Pizza/ }).click();
    await expect(question(bob)).toContainText('2 people have voted');
    await question(bob).getByRole('button', { name: /Pizza/ }).click();
    await expect(question(alice).getByRole('button', { name: /Pizza 2 votes/ })).toBeVisible();
    await look(page, 'poll', 'dark');
    await lookNarrow(page, 'poll', 320);
    await withMessage(/Poll, What do we eat/, 'Close the poll');
    await expect(question(bob)).toContainText('The poll is closed');
    expect(server.whereIs('Dumplings')).toEqual([]);
  });

  await test.step('what is written goes after a while, for both', async () => {
    await more('Disappearing messages');
    const dialog = page.getByRole('dialog', { name: 'Disappearing messages' });
    await dialog.getByRole('radio', { name: '30 seconds' }).click();
    await look(page, 'timer', 'light');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByText('You set messages to disappear after 30 seconds.')).toBeVisible();
    await expect(bob.page.getByText('Alice Adams set messages to disappear after 30 seconds.')).toBeVisible();
    await alice.write('for your eyes only');
    const seen = bob.page.getByRole('group', { name: /for your eyes only/ });
    await expect(seen).toBeVisible();
    await look(page, 'timer-chat', 'dark');
    await lookNarrow(page, 'timer-chat', 320);
    await expect(seen).toHaveCount(0, { timeout: 60_000 });
    await expect(page.getByRole('group', { name: /for your eyes only/ })).toHaveCount(0, { timeout: 60_000 });
    expect(await alice.stored()).not.toContain('for your eyes only');
    expect(await bob.stored()).not.toContain('for your eyes only');
    await expect(bob.page.getByRole('group', { name: /Dinner is at seven/ })).toBeAttached();
  });
});
