/** A second device by a code: shown on one, opened on the other, agreed to on the first. */
import { look, lookNarrow } from '../support/look';
import { expect, test } from '../support/story';

test('a phone is signed in by a code, without a password', async ({ person, friends: [, bob] }) => {
  test.setTimeout(240_000);
  const alice = await person('Alice Adams', { bypassCSP: true });
  const phone = await person('Alice Adams', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, bypassCSP: true });
  const thief = await person('Mallory Moss');
  await alice.signIn();

  let link = '';
  await test.step('the first device shows a code', async () => {
    await alice.open('/settings/devices');
    // Without a connection there is no code.
    await expect(alice.page.getByText('Online now').first()).toBeVisible();
    await alice.page.getByRole('button', { name: 'Show a code', exact: true }).click();
    const dialog = alice.page.getByRole('dialog', { name: 'Add a device' });
    await expect(dialog.getByRole('img', { name: 'Code with the link for your other device' })).toBeVisible();
    link = await dialog.getByRole('textbox', { name: 'Link for your other device' }).inputValue();
    await look(alice.page, 'add-device', 'light');
    await lookNarrow(alice.page, 'add-device', 320);
  });

  await test.step('the phone opens it: both show the same number, and nothing happens before one agrees', async () => {
    await phone.page.goto(link);
    await expect(phone.page.getByText('This device will be signed in as alice@localhost.')).toBeVisible();
    const number = await phone.page.locator('.pairing-number').innerText();
    expect(number).toMatch(/^\d{4}$/);
    await expect(alice.page.locator('.pairing-number')).toHaveText(number);
    await look(alice.page, 'add-device-opened', 'light');
    await look(phone.page, 'add-device-phone', 'dark');
    await lookNarrow(phone.page, 'add-device-phone', 320);
  });

  await test.step('whoever comes later with the same link is told that it is used', async () => {
    thief.guard.allow(/status of 404/);
    await thief.page.goto(link);
    await expect(thief.page.getByText('This link no longer works.')).toBeVisible();
    await expect(thief.page.getByRole('button', { name: 'Go to sign in' })).toBeVisible();
  });

  await test.step('agreed: the phone is in, writes, and is on the list of devices', async () => {
    await alice.page.getByRole('button', { name: 'Yes, sign it in' }).click();
    await phone.isIn();
    await expect(alice.page.getByRole('dialog').getByText('is signed in.')).toBeVisible();
    await phone.openChat('Bob Brown');
    await phone.composer.fill('from my phone');
    await phone.page.getByRole('button', { name: 'Send' }).click();
    await expect(bob.from('Alice Adams', 'from my phone')).toBeVisible();
    await phone.page.reload();
    await phone.isIn();
    await alice.page.keyboard.press('Escape');
    await alice.page.reload();
    await expect(alice.page.getByText('Online now').first()).toBeVisible();
  });

  await test.step('one that is said no to stays out', async () => {
    await alice.page.getByRole('button', { name: 'Show a code', exact: true }).click();
    const second = await alice.page.getByRole('textbox', { name: 'Link for your other device' }).inputValue();
    thief.guard.allow(/status of 403/);
    await thief.page.goto(second);
    await expect(thief.page.locator('.pairing-number')).toBeVisible();
    await alice.page.getByRole('button', { name: 'No', exact: true }).click();
    await expect(thief.page.getByText('Your other device did not agree')).toBeVisible();
    await thief.page.getByRole('button', { name: 'Go to sign in' }).click();
    await expect(thief.page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  });
});

test('a forgotten password is replaced with a link, which works once', async ({ server, person }) => {
  const alice = await person('Alice Adams', { bypassCSP: true });
  await server.addUser('alice', 'what was it again');
  const link = /https?:\/\/\S+/.exec(await server.run(['user', 'passwd', 'alice', '--link']))?.[0] ?? '';
  await alice.page.goto(link);
  alice.guard.allow(/status of 404/);
  await expect(alice.page.getByText('For alice@localhost.')).toBeVisible();
  await look(alice.page, 'reset-password', 'light');
  await lookNarrow(alice.page, 'reset-password', 320);
  await alice.page.getByLabel('New password', { exact: true }).fill('short');
  await alice.page.getByRole('button', { name: 'Set password and sign in' }).click();
  await expect(alice.page.getByText(/^At least \d+ characters\.$/).first()).toBeVisible();
  await alice.page.getByLabel('New password', { exact: true }).fill(alice.password);
  await alice.page.getByRole('button', { name: 'Set password and sign in' }).click();
  await alice.isIn();
  await expect(alice.page.getByText('Your password is changed')).toBeVisible();
  const later = await person('Alice Adams');
  later.guard.allow(/status of 404/);
  await later.page.goto(link);
  await expect(later.page.getByRole('heading', { name: 'This invitation no longer works' })).toBeVisible();
  await later.signIn();
});
