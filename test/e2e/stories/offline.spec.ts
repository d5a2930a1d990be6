import { expect, test } from '../support/story';

test('without a server one writes on, and everything goes out once when it is back', async ({ server, friends: [alice, bob] }) => {
  await alice.tell(bob, 'with');
  await server.stop();
  await expect(alice.chip).toContainText('Offline, trying again in');
  await expect(alice.page.locator('.connection [role=status]')).toHaveText('Offline');
  const texts = ['without 1', 'without 2', 'without 3'];
  for (const text of texts) {
    await alice.write(text);
    await expect(alice.own(text, 'Waiting to be sent')).toBeVisible();
  }
  await bob.write('meanwhile, over here');
  await expect(bob.own('meanwhile, over here', 'Waiting to be sent')).toBeVisible();

  await test.step('also after a reload', async () => {
    // Without a server there is no page to reload to; but the tab may be discarded and come back with it.
    await alice.page.goto('about:blank');
  });

  await server.start();
  await alice.open();
  await alice.openChat('Bob Brown');
  for (const text of texts) await expect(alice.own(text, 'Delivered', 'Read')).toBeVisible();
  await bob.page.getByRole('button', { name: 'Try now' }).click({ timeout: 5_000 }).catch(() => undefined); // it may have come back by itself
  await bob.isOnline();
  await expect(alice.from('Bob Brown', 'meanwhile, over here')).toBeVisible();
  expect((await bob.transcript()).filter((line) => line.who === 'Alice Adams').map((line) => line.text)).toEqual(['with', ...texts]);
  expect((await alice.transcript()).filter((line) => line.who === 'You').map((line) => line.text)).toEqual(['with', ...texts]);
  expect((await alice.transcript()).filter((line) => line.who === 'Bob Brown').map((line) => line.text)).toEqual(['meanwhile, over here']);
});

test('a connection comes back by itself', async ({ server, friends: [alice, bob] }) => {
  await server.crash();
  await alice.tell(bob, 'again');
  await bob.tell(alice, 'and again');
  await alice.isOnline();
});
