import { codeIn, devicesIn, openLock, ownCode } from '../support/codes';
import type { Person } from '../support/person';
import { picture } from '../support/pictures';
import { readCode } from '../support/qr';
import { expect, test } from '../support/story';

test('codes are compared, and from then on a new device waits for a decision', async ({ friends: [alice, bob], person }) => {
  await test.step('before anything was written a device is one like any other', async () => {
    const dialog = await openLock(alice, 'Encrypted');
    await expect(dialog.getByText('Trusted', { exact: true })).toBeVisible();
    await expect(dialog.getByText('New, please decide')).toHaveCount(0);
    await alice.page.keyboard.press('Escape');
  });
  await alice.tell(bob, 'is it you?');
  const codes = { alice: await ownCode(alice), bob: await ownCode(bob) };

  await test.step('each sees the code that the other has', async () => {
    expect(codes.alice).toMatch(/^[0-9a-f]{64}$/);
    expect(codes.bob).not.toEqual(codes.alice);
    for (const [one, theirs] of [[alice, codes.bob], [bob, codes.alice]] as const) {
      const devices = await devicesIn(await openLock(one, 'Encrypted'));
      await expect(devices).toHaveCount(1);
      expect(await codeIn(devices)).toEqual(theirs);
      await one.page.keyboard.press('Escape');
    }
  });

  await test.step('Bob compares by eye', async () => {
    const dialog = await openLock(bob, 'Encrypted');
    await (await devicesIn(dialog)).getByRole('button', { name: 'The codes match' }).click();
    await expect(dialog.getByText('Verified', { exact: true }).first()).toBeVisible();
    await expect(dialog.getByText('You made sure that these are really Alice Adams’s devices.')).toBeVisible();
    await picture(bob.page, 'verify-by-eye');
    await bob.page.keyboard.press('Escape');
    await expect(bob.lock('Encrypted and verified')).toBeVisible();
    // What Bob made sure of says nothing about Bob.
    await expect(alice.lock('Encrypted')).toBeVisible();
  });

  await test.step('Alice takes Bob’s code, and is told of codes that are another’s or wrong', async () => {
    await openLock(alice, 'Encrypted');
    await alice.page.getByRole('button', { name: 'Compare codes' }).click();
    const compare = alice.page.getByRole('dialog', { name: 'Compare codes with Bob Brown' });
    const own = await readCode(compare.getByRole('img', { name: 'Code with the keys of your devices' }));
    expect(own).toMatch(/^xmpp:alice@localhost\?omemo-sid-/);
    expect(own).toContain(codes.alice);
    expect(await compare.getByRole('textbox', { name: 'Code with the keys of your devices' }).inputValue()).toEqual(own);

    const bobs = await scanned(bob);
    expect(bobs).toContain(codes.bob);

    await compare.getByRole('tab', { name: 'Their code' }).click();
    const give = async (text: string): Promise<void> => {
      await compare.getByLabel('Code as text').fill(text);
      await compare.getByRole('button', { name: 'Check the code' }).click();
    };
    await give('hello');
    await expect(compare.getByText('This is not a code from a chat app.')).toBeVisible();
    await give(own);
    await expect(compare.getByText('This code belongs to alice@localhost, not to this chat.')).toBeVisible();
    await give(bobs.replace(codes.bob, codes.bob.replace(/^./, (first) => (first === '0' ? '1' : '0'))));
    await expect(compare.getByText('This code does not fit. Do not send anything private')).toBeVisible();
    await picture(alice.page, 'verify-wrong');
    await expect(compare.getByText('Verified', { exact: true })).toHaveCount(0);
    await give(bobs);
    await expect(compare.getByText('It fits. 1 device is verified.')).toBeVisible();
    await picture(alice.page, 'verify-fits');
    await alice.page.keyboard.press('Escape');
    await expect(alice.lock('Encrypted and verified')).toBeVisible();
  });

  await test.step('both go on, also after a reload', async () => {
    await bob.tell(alice, 'it is me');
    await alice.page.reload();
    await alice.isInChat('Bob Brown');
    await expect(alice.lock('Encrypted and verified')).toBeVisible();
    await alice.tell(bob, 'good');
  });

  const laptop = await person('Bob Brown');
  const text = 'only for the Bob I know';
  await test.step('Bob gets a new device: what Alice writes does not go out before she has decided', async () => {
    await laptop.signIn();
    await laptop.openChat('Alice Adams');
    await expect(laptop.lock('Encrypted')).toBeVisible();
    await expect(alice.lock('Encrypted')).toBeVisible();
    await expect(alice.page.getByText('Bob Brown has a new device. Check it before you write.')).toBeVisible();
    await alice.composer.fill(text);
    await alice.composer.press('Enter');
    await picture(alice.page, 'new-device');
    await expect(alice.composer).toHaveValue(text);
    await expect(alice.own(text)).toHaveCount(0);
  });

  await test.step('she does not trust it: it is left out', async () => {
    await alice.page.getByRole('button', { name: 'Check', exact: true }).click();
    const dialog = alice.page.getByRole('dialog', { name: 'Encryption with Bob Brown' });
    const news = dialog.getByRole('listitem').filter({ hasText: 'New, please decide' });
    expect(await codeIn(news)).toEqual(await ownCode(laptop));
    await news.getByRole('button', { name: 'Do not trust' }).click();
    await expect(dialog.getByText('New, please decide')).toHaveCount(0);
    await alice.page.keyboard.press('Escape');
    await expect(alice.lock('Encrypted and verified')).toBeVisible();
    await alice.composer.press('Enter');
    await expect(bob.from('Alice Adams', text)).toBeVisible();
    await expect(laptop.page.locator('.unreadable-line')).toBeVisible();
    await expect(laptop.page.getByText(text)).toHaveCount(0);
  });

  await test.step('she changes her mind: it is verified and gets what follows', async () => {
    const dialog = await openLock(alice, 'Encrypted and verified');
    const left = dialog.getByRole('listitem').filter({ hasText: 'Not trusted' });
    await left.getByRole('button', { name: /^Show code/ }).click();
    await left.getByRole('button', { name: 'The codes match' }).click();
    await expect(dialog.getByText('Not trusted', { exact: true })).toHaveCount(0);
    await alice.page.keyboard.press('Escape');
    await alice.write('for both of you');
    for (const one of [bob, laptop]) await expect(one.from('Alice Adams', 'for both of you')).toBeVisible();
  });
});

/** The code with all keys of somebody, scanned from their settings. */
async function scanned(person: Person): Promise<string> {
  const page = await person.context.newPage();
  await page.goto(`${person.server.origin}/settings/devices`);
  await page.getByRole('button', { name: 'Show my code' }).click();
  const code = await readCode(page.getByRole('img', { name: 'Code with the keys of your devices' }));
  await page.close();
  return code;
}
