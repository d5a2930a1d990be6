/** Children whose guardians decide, and circles. */
import { look, lookNarrow } from '../support/look';
import { expect, test } from '../support/story';

test('a child asks, a guardian agrees, and a circle is made', async ({ server, person }) => {
  test.setTimeout(240_000);
  const alice = await person('Alice Adams', { bypassCSP: true });
  const [ben, eve] = [await person('Ben Brown', { bypassCSP: true }), await person('Eve Evans')];
  await alice.join(server.firstLink);
  await ben.page.goto(await server.invite('--role', 'limited', '--name', 'ben', '--guardian', 'alice'));
  await ben.page.getByLabel('Your name').fill(ben.name);
  await ben.page.getByLabel('User name').fill('ben');
  await ben.page.getByLabel('Password', { exact: true }).fill(ben.password);
  await ben.page.getByRole('button', { name: 'Create account' }).click();
  await ben.isIn();
  await eve.join(await server.invite());

  await test.step('a child’s wish waits, and the child sees that', async () => {
    await ben.open();
    await ben.isIn();
    await ben.addByAddress(eve.address);
    await ben.open('/settings/family');
    await expect(ben.page.getByText('Waiting for a guardian')).toBeVisible();
    await expect(ben.page.getByText('alice@localhost')).toBeVisible();
    await look(ben.page, 'family-child', 'light');
  });

  await test.step('a stranger’s wish waits, too, and the stranger learns nothing', async () => {
    await eve.open();
    await eve.isIn();
    await eve.addByAddress(ben.address);
    await expect(eve.page.getByRole('main').getByText('Request sent')).toBeVisible();
  });

  await test.step('the guardian is told, and decides in plain words', async () => {
    await alice.open();
    await alice.page.getByRole('link', { name: '2 requests for your children' }).click();
    await expect(alice.page.getByRole('heading', { name: 'Children and circles' })).toBeVisible();
    await expect(alice.page.getByRole('heading', { name: /would like to be in contact with eve/ })).toBeVisible();
    await expect(alice.page.getByRole('heading', { name: /^Eve Evans would like to be in contact with/ })).toBeVisible();
    await look(alice.page, 'family-guardian', 'light');
    await lookNarrow(alice.page, 'family-guardian', 320);
    await alice.page.getByRole('button', { name: 'Agree' }).first().click();
    await expect(alice.page.getByText('may talk in')).toBeVisible();
    await expect(ben.page.getByText('A guardian has agreed to your wish')).toBeVisible();
    await expect(ben.page.getByText('Nothing is waiting.')).toBeVisible();
  });

  await test.step('no chat with the server came of it', async () => {
    await alice.open();
    await expect(alice.page.getByRole('navigation', { name: 'Chats' }).getByRole('link', { name: /localhost/ })).toHaveCount(0);
  });

  await test.step('public groups are closed to a child', async () => {
    await ben.open();
    await ben.isIn();
    await ben.page.keyboard.press('Alt+n');
    await expect(ben.page.getByRole('dialog')).toBeVisible();
    await expect(ben.page.getByRole('button', { name: /^Public groups/ })).toHaveCount(0);
    await ben.page.keyboard.press('Escape');
  });

  await test.step('an administrator makes a circle, and its people know each other', async () => {
    await alice.open('/settings/family');
    await alice.page.getByLabel('Name of a new circle').fill('The Browns');
    await alice.page.getByRole('button', { name: 'Make circle' }).click();
    const circle = alice.page.locator('.circle');
    await expect(circle.getByRole('heading', { name: 'The Browns' })).toBeVisible();
    for (const name of ['alice', 'ben', 'eve']) {
      await circle.getByLabel('Name or address of somebody here').fill(name);
      await circle.getByRole('button', { name: 'Add', exact: true }).click();
      await expect(circle.getByLabel('Name or address of somebody here')).toHaveValue('');
    }
    await expect(circle.getByText('3 people')).toBeVisible();
    await look(alice.page, 'family-circles', 'light');
    await lookNarrow(alice.page, 'family-circles', 320);
    await expect(eve.chatRow('The Browns')).toBeVisible();
    await expect(ben.chatRow('The Browns')).toBeVisible();
    await ben.open('/settings/family');
    await expect(ben.page.locator('.circle').getByText('The Browns')).toBeVisible();
  });

  await test.step('it gets another name', async () => {
    await alice.page.getByRole('button', { name: 'Name of the circle: The Browns' }).click();
    await alice.page.getByLabel('Name of the circle', { exact: true }).fill('The Browns and friends');
    await alice.page.getByRole('button', { name: 'Save' }).click();
    await expect(alice.page.locator('.circle').getByRole('heading', { name: 'The Browns and friends' })).toBeVisible();
    await expect(ben.page.locator('.circle').getByText('The Browns')).toBeVisible();
  });

  await test.step('somebody is taken out again', async () => {
    await alice.page.getByRole('button', { name: /^Take out: (Eve|eve)/ }).click();
    await alice.page.getByRole('alertdialog').getByRole('button', { name: 'Take out' }).click();
    await expect(alice.page.locator('.circle').getByText('2 people')).toBeVisible();
  });
});
