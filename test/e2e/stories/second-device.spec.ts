import { picture } from '../support/pictures';
import { expect, test } from '../support/story';

test('a second browser: old messages are explained, new ones are everywhere, read once is read', async ({ friends: [alice, bob], person }) => {
  await alice.tell(bob, 'old one');
  await bob.tell(alice, 'old two');
  await alice.tell(bob, 'old three');

  const laptop = await person('Alice Adams');
  await laptop.signIn();
  await laptop.openChat('Bob Brown');

  await test.step('what it has no key for is one calm line', async () => {
    const line = laptop.page.getByRole('button', { name: '3 messages from before this device was added' });
    await expect(line).toBeVisible();
    await expect(laptop.page.locator('.unreadable-line')).toHaveCount(1);
    await expect(laptop.page.locator('[role=alert]').filter({ hasText: /\S/ })).toHaveCount(0);
    await line.click();
    await expect(laptop.page.getByText('This browser was added later, so it has no key for them.')).toBeVisible();
    await expect(laptop.page.locator('.badge')).toHaveCount(0);
  });

  await test.step('new messages reach both, and own ones come by copy', async () => {
    await bob.write('to all of you');
    for (const one of [alice, laptop]) await expect(one.from('Bob Brown', 'to all of you')).toBeVisible();
    await laptop.tell(bob, 'from the laptop');
    await expect(alice.own('from the laptop', 'Read')).toBeVisible();
    await alice.tell(bob, 'from the desk');
    await expect(laptop.own('from the desk', 'Read')).toBeVisible();
  });

  await test.step('read on one is read on the other', async () => {
    for (const one of [alice, laptop]) {
      await one.open('/settings/about');
      await expect(one.page.getByRole('heading', { name: 'About and advanced' })).toBeVisible();
      await one.open();
      await one.isIn();
    }
    await bob.write('unread one');
    await bob.write('unread two');
    for (const one of [alice, laptop]) await expect(one.chatRow('Bob Brown').getByText('2 unread messages')).toBeAttached();
    await alice.openChat('Bob Brown');
    await expect(bob.own('unread two', 'Read')).toBeVisible();
    await expect(laptop.chatRow('Bob Brown').getByText('unread messages')).toHaveCount(0);
    await expect(laptop.page).toHaveTitle('Kith');
  });

  await test.step('the one that was there before is told of it, until its person has looked', async () => {
    const told = alice.page.locator('.toast-look');
    await expect(laptop.page.locator('.toast-look')).toHaveCount(0);
    await expect(told).toContainText('Another device of yours can read your messages from now on.');
    await picture(alice.page, 'own-device-told');
    await told.getByRole('button', { name: 'See devices' }).click();
    await expect(alice.page).toHaveURL(/\/settings\/devices$/);
    await expect(told).toHaveCount(0);
  });

  await test.step('the other one is told of the new device without being stopped', async () => {
    await expect(bob.lock('Encrypted')).toBeVisible();
    await bob.lock('Encrypted').click();
    await expect(bob.page.getByRole('dialog').getByRole('button', { name: /Show code: Device/ })).toHaveCount(2);
    await bob.page.keyboard.press('Escape');
  });
});

test('a device that comes in the middle of a chat gets what follows, also while the first one is away', async ({ friends: [alice, bob], person }) => {
  await alice.tell(bob, 'first');
  const laptop = await person('Alice Adams');
  await laptop.signIn();
  await laptop.openChat('Bob Brown');
  await expect(laptop.lock('Encrypted')).toBeVisible();
  await alice.page.goto('about:blank');
  await bob.tell(laptop, 'are you there?');
  await laptop.tell(bob, 'on the laptop');
  await alice.open();
  await alice.openChat('Bob Brown');
  expect((await alice.transcript()).map(({ who, text }) => [who, text])).toEqual([
    ['You', 'first'], ['Bob Brown', 'are you there?'], ['You', 'on the laptop'],
  ]);
});
