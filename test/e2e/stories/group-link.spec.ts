/** A link into a private group: made, opened on a phone and in other ways, and turned off. */
import { look, lookNarrow } from '../support/look';
import { picture } from '../support/pictures';
import { expect, test } from '../support/story';

const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, bypassCSP: true } as const;

test('whoever has the link joins a private group, until it is turned off', async ({ server, person }) => {
  test.setTimeout(300_000);
  const alice = await person('Alice Adams', { bypassCSP: true });
  const bob = await person('Bob Brown', phone);
  const eve = await person('Eve Evans');
  await alice.join(server.firstLink);
  await bob.join(await server.invite());
  await eve.join(await server.invite());
  let link = '', uri = '';

  await test.step('its owner makes a link', async () => {
    const { page } = alice;
    await page.keyboard.press('Alt+n');
    await page.getByRole('button', { name: /^New group/ }).click();
    const making = page.getByRole('dialog', { name: 'New group' });
    await making.getByLabel('Name of the group').fill('Book club');
    await making.getByRole('button', { name: 'Create group' }).click();
    await expect(making).toBeHidden();
    await alice.isInChat('Book club');
    await page.getByRole('main').getByRole('button', { name: 'Group details' }).last().click();
    await page.getByRole('button', { name: /^Invite by link/ }).click();
    const dialog = page.getByRole('dialog', { name: 'Invite by link' });
    await expect(dialog.getByRole('radio', { name: '7 days' })).toBeChecked();
    await look(page, 'group-link-make', 'light');
    await dialog.getByRole('button', { name: 'Make a link' }).click();
    await expect(dialog.getByRole('img', { name: 'Code with the link to the group' })).toBeVisible();
    await expect(dialog.getByText(/^Works until \d+ \w+ \d{4}/)).toBeVisible();
    link = await dialog.getByRole('textbox', { name: 'Link to the group' }).inputValue();
    expect(link).toMatch(/^http:\/\/localhost:\d+\/g\/[0-9a-f]{20}@groups\.localhost#[\w-]{22}$/);
    await dialog.getByText('For other apps').click();
    uri = await dialog.getByRole('textbox', { name: 'Link for other apps' }).inputValue();
    await look(page, 'group-link-made', 'dark');
    await lookNarrow(page, 'group-link-made', 320);
    await page.keyboard.press('Escape');
  });
  const token = link.split('#')[1] ?? '';

  await test.step('on a phone it shows what it leads to, and one is in with one touch', async () => {
    await bob.page.goto(link);
    await expect(bob.page.getByRole('heading', { name: 'Book club' })).toBeVisible();
    await expect(bob.page.getByText('1 person', { exact: true })).toBeVisible();
    await look(bob.page, 'group-link-open', 'light');
    await bob.page.getByRole('button', { name: 'Join the group' }).tap();
    await bob.isInChat('Book club');
    await expect(bob.lock('Encrypted')).toBeVisible();
    expect(bob.page.url()).not.toContain(token);
  });

  await test.step('both write at once, and nobody else can read it', async () => {
    // Enter makes a new line on a phone.
    await bob.composer.fill('the one about the whale');
    await bob.page.getByRole('button', { name: 'Send' }).tap();
    await expect(alice.from('Bob Brown', 'the one about the whale')).toBeVisible();
    await alice.tell(bob, 'that is a long one');
    await expect(alice.own('that is a long one', 'Sent', 'Read')).toBeVisible();
    await expect(alice.page.locator('.details').getByText('2 people')).toBeVisible();
    await expect(alice.lock('Encrypted')).toBeVisible();
    await picture(bob.page, 'group-link-in');
    for (const text of ['about the whale', 'a long one', token]) expect(server.whereIs(text)).toEqual([]);
  });

  await test.step('it is still there after a reload, on all devices of one’s own', async () => {
    await bob.open();
    await bob.chatRow('Book club').click();
    await bob.isInChat('Book club');
    const tablet = await person('Bob Brown');
    await tablet.signIn();
    await tablet.openChat('Book club');
    await tablet.tell(alice, 'from my other device');
    await expect(bob.own('from my other device')).toBeVisible();
  });

  await test.step('who is not signed in signs in first, and goes on from there', async () => {
    const carol = await person('Carol Clark', { bypassCSP: true });
    await carol.join(await server.invite());
    const laptop = await person('Carol Clark', { bypassCSP: true });
    await laptop.page.goto(link);
    await expect(laptop.page.getByText('Sign in, then you can join the group.')).toBeVisible();
    await expect(laptop.page.getByText(/^No account here yet\?/)).toBeVisible();
    await expect(laptop.page.getByRole('link', { name: 'Open in another app' })).toHaveAttribute('href', uri);
    await look(laptop.page, 'group-link-signed-out', 'dark');
    await laptop.fillSignIn('carol', laptop.password);
    await expect(laptop.page.getByRole('heading', { name: 'Book club' })).toBeVisible();
    await laptop.page.getByRole('button', { name: 'Join the group' }).click();
    await laptop.isInChat('Book club');
    await laptop.tell(bob, 'late, but here');
    // What was said before was not for them: their chat begins here.
    await expect(laptop.page.locator('.chat-start')).toBeVisible();
    await expect(laptop.page.locator('.unreadable-line')).toHaveCount(0);
    await expect(carol.chatRow('Book club')).toBeVisible();
  });

  await test.step('the link of another app works where one joins by address', async () => {
    await eve.page.keyboard.press('Alt+n');
    await eve.page.getByLabel('Name or address').fill(uri);
    await eve.page.getByRole('button', { name: 'Open this link' }).click();
    await expect(eve.page.getByText('3 people', { exact: true })).toBeVisible();
    await eve.page.getByRole('button', { name: 'Join the group' }).click();
    await eve.isInChat('Book club');
    await eve.tell(alice, 'hello everybody');
    await expect(bob.from('Eve Evans', 'hello everybody')).toBeVisible();
  });

  await test.step('who was removed does not come back with it', async () => {
    await alice.page.getByRole('button', { name: 'What to do with Eve Evans' }).click();
    await alice.page.getByRole('menuitem', { name: 'Remove from the group' }).click();
    await alice.page.getByRole('alertdialog').getByRole('button', { name: 'Remove from the group' }).click();
    await expect(eve.page.getByText('You were removed from this group.')).toBeVisible();
    await eve.page.goto(link);
    await expect(eve.page.getByText('This link does not work any more')).toBeVisible();
  });

  await test.step('once it is turned off, it refuses in plain words', async () => {
    await alice.page.getByRole('button', { name: /^Invite by link/ }).click();
    const dialog = alice.page.getByRole('dialog', { name: 'Invite by link' });
    await expect(dialog.getByRole('textbox', { name: 'Link to the group' })).toHaveValue(link);
    await expect(dialog.getByText('3 people have joined with it.')).toBeVisible();
    await dialog.getByRole('button', { name: 'Turn off' }).click();
    const question = alice.page.getByRole('alertdialog', { name: 'Turn this link off?' });
    await question.getByRole('button', { name: 'Turn off' }).click();
    await expect(dialog.getByRole('button', { name: 'Make a link' })).toBeVisible();
    const finn = await person('Finn Ford', phone);
    await finn.join(await server.invite());
    await finn.page.goto(link);
    await expect(finn.page.getByText('This link does not work any more')).toBeVisible();
    await expect(finn.page.getByText(/^It was turned off/)).toBeVisible();
    await expect(finn.page.getByText('Book club')).toHaveCount(0);
    await look(finn.page, 'group-link-off', 'light');
    await finn.page.getByRole('button', { name: 'Back to your chats' }).click();
    await expect(finn.page.getByRole('heading', { name: 'Chats' })).toBeVisible();
    await expect(finn.chatRow('Book club')).toHaveCount(0);
  });
});
