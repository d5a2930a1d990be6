import type { Locator } from '@playwright/test';
import { look, lookNarrow } from '../support/look';
import type { Person } from '../support/person';
import { befriend, expect, test } from '../support/story';

/** A picture with a place on the map in it, as a camera makes one. */
const photo = (person: Person): Promise<Buffer> => person.page.evaluate(async () => {
  const canvas = new OffscreenCanvas(1600, 900);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('no canvas');
  context.fillStyle = '#3b7a57';
  context.fillRect(0, 0, 1600, 900);
  context.fillStyle = '#f2c14e';
  context.beginPath();
  context.ellipse(800, 450, 380, 380, 0, 0, 7);
  context.fill();
  const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.95 })).arrayBuffer());
  // An APP1 segment behind the first marker: Exif, and a word that nobody else may read.
  const exif = new TextEncoder().encode('Exif\0\0GPS 52.5200 13.4050 secret garden');
  const head = [0xff, 0xd8, 0xff, 0xe1, (exif.length + 2) >> 8, (exif.length + 2) & 255];
  return [...head, ...exif, ...bytes.slice(2)];
}).then((bytes) => Buffer.from(bytes));

test('a sticker is made, sent, kept by who gets it, and sent back; the person’s other device has it, the server does not', async ({ server, person }) => {
  test.setTimeout(300_000);
  const alice = await person('Alice Adams', { bypassCSP: true });
  const bob = await person('Bob Brown', { bypassCSP: true, viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await befriend(server, alice, bob);
  const emoji = (one: Person): Locator => one.page.getByRole('button', { name: 'Emoji', exact: true });
  const panel = (one: Person): Locator => one.page.getByRole('dialog', { name: 'Emoji and stickers' });
  const openStickers = async (one: Person): Promise<void> => {
    await emoji(one).click();
    await panel(one).getByRole('tab', { name: 'Stickers' }).click();
  };
  const stickers = (one: Person, who: string): Locator => one.page.getByRole('group', { name: new RegExp(`^${who}, at [\\d:]+: Sticker, sunflower`) });
  const withSticker = async (one: Person, who: string, action: string): Promise<void> => {
    await stickers(one, who).first().click({ button: 'right' });
    await one.page.getByRole('menuitem', { name: action, exact: true }).click();
  };

  await test.step('made of a photo', async () => {
    await openStickers(alice);
    await expect(panel(alice).getByText('No stickers yet.')).toBeVisible();
    await look(alice.page, 'stickers-none', 'light');
    const chooser = alice.page.waitForEvent('filechooser');
    await panel(alice).getByRole('button', { name: 'Make a sticker' }).click();
    await (await chooser).setFiles({ name: 'garden.jpg', mimeType: 'image/jpeg', buffer: await photo(alice) });
    const dialog = alice.page.getByRole('dialog', { name: 'Make a sticker' });
    await dialog.getByRole('switch', { name: 'Cut to a square' }).check();
    await expect(dialog.getByRole('img')).toBeVisible();
    await dialog.getByLabel('What does it show?').fill('sunflower');
    await look(alice.page, 'sticker-make', 'light');
    await lookNarrow(alice.page, 'sticker-make', 320);
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await expect(alice.page.getByText('Added to your stickers')).toBeVisible();
  });

  await test.step('sent by one tap', async () => {
    await openStickers(alice);
    await look(alice.page, 'sticker-panel', 'dark');
    await panel(alice).getByRole('button', { name: 'Send sticker: sunflower' }).click();
    await expect(panel(alice)).toBeHidden();
    await expect(stickers(bob, 'Alice Adams')).toBeVisible();
    const picture = bob.page.getByRole('img', { name: 'sunflower' });
    await expect(picture).toBeVisible();
    const box = await picture.boundingBox();
    expect(Math.max(box?.width ?? 0, box?.height ?? 0)).toBeLessThanOrEqual(161);
    await expect(alice.page.getByRole('group', { name: /^You, .*Sticker, sunflower, (Delivered|Read)/ })).toBeVisible();
    await look(bob.page, 'sticker-received', 'light');
  });

  await test.step('what was written into the photo is nowhere', async () => {
    await expect.poll(() => bob.page.evaluate(() => {
      const image = document.querySelector<HTMLImageElement>('.sticker img');
      return { width: image?.naturalWidth, height: image?.naturalHeight };
    })).toEqual({ width: 512, height: 512 });
    expect(await bob.stored()).not.toContain('secret garden');
    expect(await alice.stored()).not.toContain('secret garden');
  });

  await test.step('kept by who got it, and sent back', async () => {
    await withSticker(bob, 'Alice Adams', 'Add to my stickers');
    await expect(bob.page.getByText('Added to your stickers')).toBeVisible();
    await openStickers(bob);
    await look(bob.page, 'sticker-panel-phone', 'light');
    await panel(bob).getByRole('button', { name: 'Send sticker: sunflower' }).click();
    await expect(stickers(alice, 'Bob Brown')).toBeVisible();
    await expect(alice.page.getByRole('img', { name: 'sunflower' })).toHaveCount(2);
    await look(alice.page, 'sticker-chat', 'dark');
  });

  await test.step('it answers, is found, reacted to and taken back like other messages', async () => {
    await alice.tell(bob, 'what grows there?');
    await bob.page.getByRole('group', { name: /what grows there/ }).first().click({ button: 'right' });
    await bob.page.getByRole('menuitem', { name: 'Reply' }).click();
    await openStickers(bob);
    await panel(bob).getByRole('button', { name: 'Send sticker: sunflower' }).click();
    const answer = alice.page.getByRole('group', { name: /^Bob Brown, .*Sticker, sunflower \(Reply to you/i });
    await expect(answer).toBeVisible();
    await expect(bob.page.locator('.staged')).toHaveCount(0);
    await alice.page.keyboard.press('Control+f');
    await alice.page.getByRole('textbox', { name: 'Search in this chat' }).fill('sunfl');
    await expect(alice.page.locator('.chat-search-place')).toHaveText('3 results');
    await alice.page.keyboard.press('Escape');
    await answer.click({ button: 'right' });
    await alice.page.getByRole('menuitemcheckbox', { name: '❤️' }).click();
    await expect(bob.page.getByRole('button', { name: /❤️: Alice Adams/ })).toBeVisible();
    await bob.page.getByRole('group', { name: /^You, .*Sticker, sunflower \(Reply/ }).click({ button: 'right' });
    await bob.page.getByRole('menuitem', { name: 'Delete for everybody' }).click();
    await bob.page.getByRole('alertdialog').getByRole('button', { name: 'Delete for everybody' }).click();
    await expect(answer).toHaveCount(0);
  });

  await test.step('the person’s other device has it, too; nobody is written to for that', async () => {
    const second = await person('Alice Adams');
    await second.signIn();
    await second.openChat('Bob Brown');
    await openStickers(second);
    await expect(panel(second).getByRole('button', { name: 'Send sticker: sunflower' })).toBeVisible({ timeout: 60_000 });
    await expect(panel(second).locator('img')).toHaveCount(1);
    await second.page.keyboard.press('Escape');
    await expect(second.page.getByRole('navigation', { name: 'Chats' }).getByRole('link')).toHaveCount(1);
    // Removed there, it is gone here.
    await openStickers(second);
    await panel(second).getByRole('button', { name: 'Remove stickers' }).click();
    await panel(second).getByRole('button', { name: 'Remove sticker: sunflower' }).click();
    await second.page.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click();
    await openStickers(alice);
    await expect(panel(alice).getByText('No stickers yet.')).toBeVisible({ timeout: 60_000 });
  });

  for (const word of ['sunflower', 'secret garden']) expect(server.whereIs(word)).toEqual([]);
});
