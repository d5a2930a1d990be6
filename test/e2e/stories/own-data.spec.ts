/** What one lets others see, how the app looks, taking everything along, and going for good. */
import { look, lookNarrow } from '../support/look';
import { expect, test } from '../support/story';

test('settings that are worth their words', async ({ server, person, friends: [first, bob] }) => {
  test.setTimeout(240_000);
  // Her second browser, in which axe may run.
  const alice = await person('Alice Adams', { bypassCSP: true });
  await first.page.goto('about:blank');
  await alice.signIn();
  await alice.openChat('Bob Brown');

  await test.step('whoever does not want to tell, does not tell', async () => {
    await alice.open('/settings/privacy');
    await look(alice.page, 'settings-privacy', 'light');
    await alice.page.getByRole('switch', { name: 'Tell when I have read something' }).click();
    await expect(alice.page.getByRole('switch', { name: 'Tell when I have read something' })).not.toBeChecked();
    await alice.page.getByRole('switch', { name: 'Tell when I am typing' }).click();
    await expect(alice.page.getByRole('switch', { name: 'Tell when I am typing' })).not.toBeChecked();
    await alice.open('/chat/bob@localhost');
    await alice.isInChat('Bob Brown');
    await bob.openChat('Alice Adams');
    await bob.write('did you read this?');
    await expect(alice.from('Bob Brown', 'did you read this?')).toBeVisible();
    await alice.tell(bob, 'perhaps');
    await expect(bob.own('did you read this?', 'Delivered')).toBeVisible();
  });

  await test.step('colours, sizes and contrast are there at once and after a reload', async () => {
    await alice.open('/settings/appearance');
    await look(alice.page, 'settings-appearance', 'light');
    await alice.page.getByRole('radio', { name: 'Plum' }).check();
    await alice.page.getByRole('radio', { name: 'Very large' }).check();
    await alice.page.getByRole('switch', { name: 'More contrast' }).click();
    await look(alice.page, 'settings-appearance-plum', 'light');
    await lookNarrow(alice.page, 'settings-appearance-plum', 320);
    await alice.page.reload();
    await expect(alice.page.locator('html')).toHaveAttribute('data-accent', 'violet');
    expect(await alice.page.evaluate(() => getComputedStyle(document.documentElement).fontSize)).toBe('21px');
    await alice.open('/chat/bob@localhost');
    await alice.isInChat('Bob Brown');
    await look(alice.page, 'chat-plum', 'light');
    await lookNarrow(alice.page, 'chat-plum', 320);
    await alice.page.evaluate(() => localStorage.clear());
  });

  await test.step('nothing breaks from right to left', async () => {
    for (const [name, path] of [['rtl-chat', '/chat/bob@localhost'], ['rtl-appearance', '/settings/appearance'], ['rtl-privacy', '/settings/privacy']] as const) {
      await alice.open(path);
      await alice.page.getByRole('main').waitFor();
      await alice.page.evaluate(() => { document.documentElement.dir = 'rtl'; });
      await look(alice.page, name, 'light');
      await lookNarrow(alice.page, name, 320);
    }
  });

  await test.step('everything can be taken along', async () => {
    await alice.open('/settings/data');
    await look(alice.page, 'settings-data', 'light');
    await alice.page.getByRole('button', { name: 'Make the file' }).click();
    const [download] = await Promise.all([alice.page.waitForEvent('download'), alice.page.getByRole('link', { name: /^Save the file/ }).click()]);
    expect(download.suggestedFilename()).toMatch(/^kith-alice-localhost-\d{4}-\d\d-\d\d\.zip$/);
    const chunks: Buffer[] = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
    const archive = Buffer.concat(chunks).toString('utf8');
    for (const text of ['Read me first.txt', 'Chats/Bob Brown.txt', 'did you read this?', 'You: perhaps', '"address": "bob@localhost"']) expect(archive).toContain(text);
  });

  await test.step('the account is deleted with its password, here and on the server', async () => {
    await alice.page.getByRole('button', { name: 'Delete my account' }).click();
    const dialog = alice.page.getByRole('alertdialog', { name: 'Delete your account?' });
    await look(alice.page, 'delete-account', 'light');
    await lookNarrow(alice.page, 'delete-account', 320);
    await dialog.getByLabel('Your password').fill('not my password');
    await dialog.getByRole('button', { name: 'Delete my account' }).click();
    await expect(dialog.getByText('This is not your current password.')).toBeVisible();
    await dialog.getByLabel('Your password').fill(alice.password);
    await dialog.getByRole('button', { name: 'Delete my account' }).click();
    await expect(dialog.getByText('Nobody else looks after this server.')).toBeVisible();
    await server.run(['user', 'role', 'bob@localhost', 'admin']);
    await dialog.getByRole('button', { name: 'Delete my account' }).click();
    await expect(alice.page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
    expect(await alice.stored()).not.toContain('perhaps');
    await alice.fillSignIn('alice', alice.password);
    await expect(alice.page.getByRole('alert').filter({ hasText: /./ })).toBeVisible();
    expect(await server.run(['user', 'list'])).not.toMatch(/^alice@localhost\b.*\bactive\b/m);
  });
});
