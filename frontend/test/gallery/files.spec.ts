import type { Page } from '@playwright/test';
import { expect, inPage, jonas, lena, open, sizes, test } from './gallery';

/** Somebody sends a file: a picture, or twenty seconds of silence. */
async function arrives(page: Page, kind: 'image' | 'audio'): Promise<void> {
  await inPage(page, async ({ core }, what) => {
    const file = async (): Promise<Blob> => {
      if (what === 'image') {
        const canvas = new OffscreenCanvas(1600, 1000);
        canvas.getContext('2d')!.fillRect(0, 0, 800, 500);
        return canvas.convertToBlob({ type: 'image/png' });
      }
      const wave = new DataView(new ArrayBuffer(44 + 160_000));
      const text = (at: number, word: string): void => { for (const [i, letter] of [...word].entries()) wave.setUint8(at + i, letter.charCodeAt(0)); };
      text(0, 'RIFF'); wave.setUint32(4, 36 + 160_000, true); text(8, 'WAVEfmt '); wave.setUint32(16, 16, true); wave.setUint16(20, 1, true); wave.setUint16(22, 1, true);
      wave.setUint32(24, 8000, true); wave.setUint32(28, 8000, true); wave.setUint16(32, 1, true); wave.setUint16(34, 8, true); text(36, 'data'); wave.setUint32(40, 160_000, true);
      return new Blob([wave], { type: 'audio/wav' });
    };
    const data = await file();
    const facts = what === 'image' ? { name: 'lake.png', width: 1600, height: 1000 } : { name: 'voice.wav' };
    core.world.files.set(what, data);
    core.receive('jonas@linden.example', '', { id: what, file: { ...facts, kind: what, size: data.size, uploading: false } });
  }, kind);
}

test('a picture is looked at in large, and saved from there; Esc leads back', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await arrives(page, 'image');
  const row = page.locator('.row').last();
  await row.getByRole('button', { name: 'Show lake.png' }).click();
  const view = page.getByRole('dialog', { name: 'lake.png' });
  const picture = view.getByRole('img', { name: 'lake.png' });
  await expect(picture).toBeVisible();
  expect((await picture.boundingBox())!.width).toBeGreaterThan(sizes.desktop.width * 0.8);
  const saved = page.waitForEvent('download');
  await view.getByRole('button', { name: 'Save' }).click();
  expect((await saved).suggestedFilename()).toBe('lake.png');
  await page.keyboard.press('Escape');
  await expect(view).toHaveCount(0);
});

test('what is heard is played where it stands', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await arrives(page, 'audio');
  const row = page.locator('.row').last();
  await row.getByRole('button', { name: 'Play voice.wav' }).click();
  await expect(row.getByRole('button', { name: 'Pause' })).toBeVisible();
  await expect(row.getByRole('slider')).toHaveAttribute('aria-valuetext', /of 0:20$/);
  await expect(row.getByRole('button', { name: 'Save voice.wav' })).toBeVisible();
});

test('a file is shown and saved by the menu of its message, so also by keyboard', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await arrives(page, 'image');
  await page.locator('.message').last().focus();
  await page.keyboard.press('Enter');
  const saved = page.waitForEvent('download');
  await page.getByRole('menuitem', { name: 'Save' }).press('Enter');
  expect((await saved).suggestedFilename()).toBe('lake.png');
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Show lake.png' }).press('Enter');
  await expect(page.getByRole('dialog', { name: 'lake.png' })).toBeVisible();
});

test('a file that comes is read out as what it is', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await arrives(page, 'image');
  await expect(page.locator('.chat [role=log]')).toHaveText('Jonas: Photo, lake.png');
});

test('after sending a file one goes on writing', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  const choosing = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Attach' }).click();
  await page.getByRole('menuitem', { name: 'Attach files' }).click();
  await (await choosing).setFiles({ name: 'plan.txt', mimeType: 'text/plain', buffer: Buffer.from('plan') });
  await page.getByRole('dialog').getByRole('button', { name: 'Send', exact: true }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page.locator('#composer')).toBeFocused();
});

const text = (name: string) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(name) });
const chosen = (page: Page) => page.locator('.file-tray .file-text bdi');

test('files are put in order and sent with what stands in the composer, as one answer', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await page.locator('.bubble').last().click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Reply' }).click();
  await page.locator('#composer').fill('from the garden');
  await page.locator('.composer input[type=file]').setInputFiles([text('one.txt'), text('two.txt'), text('three.txt')]);
  await expect(page.getByRole('dialog', { name: 'Send 3 files?' })).toBeVisible();
  const tray = page.getByRole('dialog');
  const caption = tray.getByRole('textbox', { name: 'Add a caption' });
  await expect(caption).toBeFocused();
  await expect(caption).toHaveValue('from the garden');
  await tray.getByRole('button', { name: 'Move three.txt up' }).click();
  await expect(chosen(page)).toHaveText(['one.txt', 'three.txt', 'two.txt']);
  // By keyboard one can go on at once.
  await expect(tray.getByRole('button', { name: 'Move three.txt up' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(chosen(page)).toHaveText(['three.txt', 'one.txt', 'two.txt']);
  await expect(tray.getByRole('button', { name: 'Move three.txt down' })).toBeFocused();
  await tray.getByRole('button', { name: 'Do not send one.txt' }).click();
  await caption.fill('from the garden, today');
  await caption.press('Enter');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page.locator('.row').last()).toContainText('from the garden, today');
  await expect(page.locator('#composer')).toHaveValue('');
  await expect(page.locator('.staged')).toHaveCount(0);
  const sent = await inPage(page, ({ core }) => core.calls.filter(({ command }) => command === 'sendFile').map(({ given: [, name, , more] }) => [name, more]));
  expect(sent).toEqual([['three.txt', { caption: '', replyTo: expect.any(String) }], ['two.txt', { caption: 'from the garden, today' }]]);
});

test('files wait in the tray while a new device has to be looked at, which can be done from there', async ({ page }) => {
  await open(page, { route: `/chat/${lena}` });
  await page.locator('#composer').fill('the map');
  await page.locator('.composer input[type=file]').setInputFiles([text('one.txt'), text('two.txt')]);
  await inPage(page, ({ core }) => core.refuse.set('sendFile', 'untrusted'));
  const tray = page.getByRole('dialog', { name: 'Send 2 files?' });
  await tray.getByRole('button', { name: 'Send', exact: true }).click();
  const warning = tray.getByRole('alert');
  await expect(warning).toContainText('has a new device');
  await expect(chosen(page)).toHaveText(['one.txt', 'two.txt']);
  await warning.getByRole('button', { name: 'Check' }).click();
  await expect(page.locator('dialog[open]')).toHaveCount(2);
  await page.keyboard.press('Escape');
  await inPage(page, ({ core }) => core.setTrust('lena@linden.example', 3002, 'trusted'));
  await expect(warning).toHaveCount(0);
  await tray.getByRole('button', { name: 'Send', exact: true }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page.locator('.row').last()).toContainText('two.txt');
  await expect(page.locator('.row').last()).toContainText('the map');
});

test('what could not be sent waits, what was sent does not, and who gives up keeps the words', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await page.locator('.composer input[type=file]').setInputFiles([text('one.txt'), text('two.txt')]);
  await page.getByRole('textbox', { name: 'Add a caption' }).fill('words');
  await inPage(page, ({ core }) => {
    const send = core.sendFile.bind(core);
    core.sendFile = (chat, file, facts) => {
      if (facts.name === 'two.txt') core.refuse.set('sendFile', 'too-large');
      return send(chat, file, facts);
    };
  });
  const tray = page.getByRole('dialog');
  await tray.getByRole('button', { name: 'Send', exact: true }).click();
  await expect(tray.getByRole('alert')).toBeVisible();
  await expect(chosen(page)).toHaveText(['two.txt']);
  await tray.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.locator('#composer')).toHaveValue('words');
});

test('more files can be added to those that wait, and pasted', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await page.locator('.composer input[type=file]').setInputFiles(text('one.txt'));
  const choosing = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Add more' }).click();
  await (await choosing).setFiles(text('two.txt'));
  await expect(chosen(page)).toHaveText(['one.txt', 'two.txt']);
  await page.locator('.file-caption').evaluate((field) => {
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File(['3'], 'three.txt', { type: 'text/plain' }));
    field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  });
  await expect(chosen(page)).toHaveText(['one.txt', 'two.txt', 'three.txt']);
});

test('a press on a picture opens it, also when the picture comes while one presses', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await inPage(page, ({ core }) => core.hold('fetchFile'));
  await arrives(page, 'image');
  const place = page.locator('.row').last().locator('.file-place');
  await place.hover(); // it stands still then
  await page.mouse.down();
  await inPage(page, ({ core }) => core.release());
  await expect(page.locator('.row').last().locator('.file-picture img')).toBeVisible();
  await page.mouse.up();
  await expect(page.getByRole('dialog', { name: 'lake.png' })).toBeVisible();
});

test('a press on a sticker opens its pack, also when the sticker comes while one presses', async ({ page }) => {
  await open(page, { scene: 'stickers', route: `/chat/${lena}` });
  await inPage(page, ({ core }) => {
    core.hold('fetchFile');
    const drawn = core.world.messages.find(({ id }) => id === 'jonas@linden.example-pack')?.file;
    const picture = core.world.files.get('jonas@linden.example-pack');
    if (!drawn || !picture) throw new Error('no sticker');
    core.world.files.set('late', picture);
    core.receive('lena@linden.example', '', { id: 'late', file: drawn });
  });
  const sticker = page.locator('[data-key="late"] button.sticker');
  await expect(sticker).toHaveClass(/sticker-place/);
  await sticker.hover();
  await page.mouse.down();
  await inPage(page, ({ core }) => core.release());
  await expect(sticker.locator('img')).toBeVisible();
  await page.mouse.up();
  await expect(page.getByRole('dialog')).toBeVisible();
});

test('the panel shows what it showed last', async ({ page }) => {
  await open(page, { scene: 'stickers', route: `/chat/${jonas}` });
  const emoji = page.getByRole('button', { name: 'Emoji', exact: true });
  await emoji.click();
  await expect(page.getByRole('tab', { name: 'Emoji' })).toHaveAttribute('aria-selected', 'true');
  await page.getByRole('tab', { name: 'Stickers' }).click();
  await page.keyboard.press('Escape');
  await open(page, { scene: 'stickers', route: `/chat/${jonas}` });
  await emoji.click();
  await expect(page.getByRole('tab', { name: 'Stickers' })).toHaveAttribute('aria-selected', 'true');
  await expect(page.locator('.sticker-panel')).toBeVisible();
});
