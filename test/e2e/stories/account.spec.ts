import type { Person } from '../support/person';
import { expect, test } from '../support/story';

const next = 'a better battery for the horse';

test('a wrong password is told, and too many are slowed down', async ({ server, person }) => {
  await server.addUser('alice', 'correct horse battery staple');
  const alice = await person('Alice Adams');
  await alice.open();
  await alice.fillSignIn('alice', 'wrong horse');
  await expect(alice.page.getByRole('alert').getByText('That name and password do not fit together.')).toBeVisible();
  await test.step('a name that does not exist is told the same', async () => {
    await alice.fillSignIn('nobody', 'wrong horse');
    await expect(alice.page.getByRole('alert').getByText('That name and password do not fit together.')).toBeVisible();
  });
  await test.step('whoever guesses has to wait, and is told how long', async () => {
    await expect(async () => {
      await alice.fillSignIn('alice', 'wrong horse');
      await expect(alice.page.getByRole('button', { name: 'Sign in', exact: true })).toBeEnabled();
      await expect(alice.page.getByRole('alert').getByText(/Too many attempts\. Wait (\d+ seconds?|a minute|\d+ minutes), then try again\./)).toBeVisible({ timeout: 1_000 });
    }).toPass({ timeout: 60_000 });
  });
});

/** Says in plain words that an invitation is of no use any more, and what to do. */
async function isOver(one: Person): Promise<void> {
  await expect(one.page.getByRole('heading', { name: 'This invitation no longer works' })).toBeVisible();
  await expect(one.page.getByText('It was used already, was taken back, or its time is over. Ask the person who sent it for a new one.')).toBeVisible();
}

test('invitations that no longer work, and names that are taken', async ({ server, person }) => {
  const alice = await person('Alice Adams');
  const bob = await person('Bob Brown');
  bob.guard.allow(/status of (404|409|410)/);
  test.setTimeout(300_000);
  await alice.join(server.firstLink);
  // The shortest time there is; it passes while the others are tried.
  const brief = await server.invite('--expires', '1m');

  await test.step('a name that is taken', async () => {
    const link = await alice.invite();
    await bob.page.goto(link);
    await bob.page.getByLabel('Your name').fill('Bob');
    await bob.page.getByLabel('User name').fill('alice');
    await bob.page.getByLabel('Password', { exact: true }).fill(bob.password);
    await bob.page.getByRole('button', { name: 'Create account' }).click();
    await expect(bob.page.getByText('This user name is already taken. Choose another one.')).toBeVisible();
    await expect(bob.page.getByLabel('User name')).toBeFocused();
    await bob.page.getByLabel('User name').fill('bob');
    await bob.page.getByRole('button', { name: 'Create account' }).click();
    await bob.isInChat('Alice Adams');

    const late = await person('Late');
    late.guard.allow(/status of (404|410)/);
    await late.page.goto(link);
    await isOver(late);
    await late.page.getByRole('button', { name: 'Go to sign in' }).click();
    await expect(late.page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  });

  await test.step('one that was taken back', async () => {
    const late = await person('Later');
    late.guard.allow(/status of (404|410)/);
    const link = await server.invite();
    await late.page.goto(link);
    await expect(late.page.getByRole('heading', { name: 'You are invited to localhost' })).toBeVisible();
    await server.run(['invite', 'revoke', link]);
    await late.page.reload();
    await isOver(late);
  });

  await test.step('one that is used up while one fills in the form', async () => {
    const link = await server.invite();
    const [one, two] = [await person('Carol'), await person('Dave')];
    two.guard.allow(/status of (404|409|410)/);
    for (const each of [one, two]) {
      await each.page.goto(link);
      await each.page.getByLabel('Your name').fill(each.name);
      await each.page.getByLabel('Password', { exact: true }).fill(each.password);
    }
    await one.page.getByRole('button', { name: 'Create account' }).click();
    await one.isIn();
    await two.page.getByRole('button', { name: 'Create account' }).click();
    await isOver(two);
  });

  await test.step('passwords that are too short', async () => {
    const late = await person('Erin');
    await late.page.goto(await server.invite());
    await late.page.getByRole('button', { name: 'Create account' }).click();
    await expect(late.page.getByText('Enter your name.')).toBeVisible();
    await late.page.getByLabel('Your name').fill('Erin');
    await late.page.getByLabel('Password', { exact: true }).fill('short');
    await late.page.getByRole('button', { name: 'Create account' }).click();
    await expect(late.page.locator('.field-error').getByText('At least 8 characters.')).toBeVisible();
    await late.page.getByRole('button', { name: 'Suggest one' }).click();
    await expect(late.page.locator('.field-error')).toHaveCount(0);
    await late.page.getByRole('button', { name: 'Create account' }).click();
    await late.isIn();
  });

  await test.step('somebody who is signed in already becomes a contact by it', async () => {
    const link = await bob.invite();
    const erin = await person('Frank');
    await erin.join(await server.invite());
    await erin.page.goto(link);
    await expect(erin.page.getByText('You are signed in as frank@localhost.')).toBeVisible();
    await erin.page.getByRole('button', { name: /^Add Bob/ }).click();
    await erin.isInChat('Bob');
    await expect(erin.page.getByRole('main').getByText('Online', { exact: true })).toBeVisible();
  });

  await test.step('one whose time is over; the new one works, and who is signed in goes on from there', async () => {
    const late = await person('Grace');
    late.guard.allow(/status of (404|410)/);
    await expect(async () => {
      await late.page.goto(brief);
      await expect(late.page.getByRole('heading', { name: 'This invitation no longer works' })).toBeVisible({ timeout: 2_000 });
    }).toPass({ timeout: 90_000 });
    await isOver(late);
    await late.join(await server.invite());
    await late.page.goto(brief);
    await isOver(late);
    await late.page.getByRole('button', { name: 'Go to your chats' }).click();
    await late.isIn();
  });
});

test('a new password: the old one is refused, devices stay signed in', async ({ friends: [alice, bob], person }) => {
  await alice.open('/settings/password');
  const { page } = alice;
  await page.getByLabel('Current password', { exact: true }).fill('not this one');
  await page.getByLabel('New password', { exact: true }).fill(next);
  await page.getByRole('button', { name: 'Change password' }).click();
  await expect(page.getByText('This is not your current password.')).toBeVisible();
  await page.getByLabel('Current password', { exact: true }).fill(alice.password);
  await page.getByRole('button', { name: 'Change password' }).click();
  await expect(page.getByText('Your password is changed')).toBeVisible();
  await alice.isOnline();
  await alice.open();
  await alice.openChat('Bob Brown');
  await alice.tell(bob, 'still here');

  const other = await person('Alice Adams');
  await other.open();
  await other.fillSignIn('alice', alice.password);
  await expect(other.page.getByRole('alert').getByText('That name and password do not fit together.')).toBeVisible();
  await other.signIn(next);
  for (const one of [alice, other]) {
    const kept = await one.stored();
    expect(kept).not.toContain(next);
    expect(kept).not.toContain(alice.password);
  }
});

test('signing out deletes everything this browser had', async ({ server, friends: [alice, bob] }) => {
  await alice.tell(bob, 'to be forgotten');
  expect(await alice.stored()).toContain('to be forgotten');
  await alice.open('/settings');
  await alice.page.getByRole('button', { name: 'Sign out' }).click();
  await expect(alice.page.getByText('Your messages and keys are deleted from this browser.')).toBeVisible();
  await alice.page.getByRole('button', { name: 'Sign out and delete' }).click();
  await expect(alice.page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  const left = await alice.stored();
  for (const trace of ['to be forgotten', 'bob', 'alice', 'secret-token']) expect(left).not.toContain(trace);
  expect(await alice.page.evaluate(async () => (await indexedDB.databases()).map((it) => it.name))).toEqual(['kith']);
  // Its device is no longer one of those that others encrypt to.
  await expect(bob.lock('Not encrypted')).toBeVisible();

  await alice.signIn();
  await alice.openChat('Bob Brown');
  await expect(alice.page.getByText('1 message from before this device was added')).toBeVisible();
  await expect(bob.lock('Encrypted')).toBeVisible();
  await bob.tell(alice, 'welcome back');
  expect(server.whereIs('to be forgotten')).toEqual([]);
});

test('a login that is ended elsewhere is signed out, and can come back', async ({ friends: [alice, bob], person }) => {
  const laptop = await person('Alice Adams');
  await laptop.signIn();
  await laptop.openChat('Bob Brown');
  await laptop.tell(bob, 'from the laptop');

  await alice.open('/settings/devices');
  const others = alice.page.getByRole('button', { name: /^Sign out: / });
  await expect(others).toHaveCount(1);
  await others.click();
  await alice.page.getByRole('alertdialog').getByRole('button', { name: 'Sign out' }).click();
  await expect(laptop.page.getByRole('heading', { name: 'Sign in again' })).toBeVisible();
  await expect(others).toHaveCount(0);

  await laptop.page.reload();
  await expect(laptop.page.getByRole('heading', { name: 'Sign in again' })).toBeVisible();
  await laptop.page.getByLabel('Password', { exact: true }).fill(laptop.password);
  await laptop.page.getByRole('button', { name: 'Sign in' }).click();
  await laptop.isIn();
  await laptop.open();
  await laptop.openChat('Bob Brown');
  await expect(laptop.own('from the laptop', 'Read')).toBeVisible();
  await bob.tell(laptop, 'there you are');
});
