import type { Line } from '../support/person';
import { befriend, expect, test } from '../support/story';

const missed = Array.from({ length: 20 }, (_, i) => `missed ${i + 1}`);

for (const [how, killed] of [['goes on', false], ['is killed and started again', true]] as const) {
  test(`the browser is closed, and what was missed is there when it comes back; meanwhile the server ${how}`, async ({ server, person }) => {
    const alice = await person('Alice Adams', { lasting: true });
    const bob = await person('Bob Brown');
    await befriend(server, alice, bob);
    await alice.tell(bob, 'before');
    await bob.tell(alice, 'answer');
    await expect(bob.own('answer', 'Read')).toBeVisible();
    await alice.closeBrowser();

    for (const text of missed.slice(0, 10)) await bob.write(text);
    await expect(bob.own('missed 10', 'Sent')).toBeVisible();
    if (killed) await server.crash();
    for (const text of missed.slice(10)) await bob.write(text);
    await expect(bob.own('missed 20', 'Sent')).toBeVisible();
    await expect(bob.own('missed 10', 'Sent')).toBeAttached();
    if (killed) await server.crash();

    await alice.openBrowser();
    await alice.open();
    await alice.isIn();
    await expect(alice.chatRow('Bob Brown').getByText('20 unread messages')).toBeAttached();
    await expect(alice.page).toHaveTitle('(20) Kith');
    await alice.openChat('Bob Brown');
    await expect(alice.page.getByText('20 new', { exact: true })).toBeVisible();
    const whole: Line[] = [
      { who: 'You', text: 'before', state: 'Read' }, { who: 'Bob Brown', text: 'answer' },
      ...missed.map((text) => ({ who: 'Bob Brown', text })),
    ];
    expect(await alice.transcript()).toEqual(whole);
    await expect(bob.own('missed 20', 'Read')).toBeVisible();
    await expect(alice.page).toHaveTitle(/^Kith/);

    await test.step('and both go on', async () => {
      await alice.tell(bob, 'back again');
      await bob.tell(alice, 'so am I');
      await expect(alice.own('back again', 'Read')).toBeVisible();
    });
    await test.step('a reload shows the same', async () => {
      await alice.page.reload();
      await alice.isInChat('Bob Brown');
      expect(await alice.transcript()).toEqual([...whole, { who: 'You', text: 'back again', state: 'Read' }, { who: 'Bob Brown', text: 'so am I' }]);
    });
  });
}

test('chats can be opened and read without a connection', async ({ server, friends: [alice, bob] }) => {
  await alice.tell(bob, 'kept here');
  await bob.open('/settings/about');
  await bob.isOnline();
  await bob.isWhole();
  await server.stop();
  await expect(bob.chip).toContainText('Offline');
  await bob.page.getByRole('button', { name: 'Back' }).first().click();
  await bob.openChat('Alice Adams');
  expect(await bob.transcript('here')).toEqual([{ who: 'Alice Adams', text: 'kept here' }]);

  await test.step('and so can everything else that needs no server', async () => {
    await bob.lock('Encrypted').click();
    await expect(bob.page.getByRole('dialog').getByText('Only you and Alice Adams can read what you write.')).toBeVisible();
    await bob.page.keyboard.press('Escape');
    await bob.page.keyboard.press('Control+k');
    await expect(bob.page.getByRole('dialog', { name: 'Search' })).toBeVisible();
    await bob.page.keyboard.press('Escape');
    await bob.page.getByRole('button', { name: 'Contact details' }).last().click();
    await expect(bob.page.getByRole('heading', { name: 'Details' })).toBeVisible();
    await bob.page.getByRole('button', { name: 'Settings' }).click();
    for (const section of ['Appearance', 'Language', 'Notifications', 'About and advanced']) {
      await bob.page.getByRole('link', { name: section }).click();
      await expect(bob.page.getByRole('heading', { name: section, level: 1 })).toBeVisible();
    }
  });
});
