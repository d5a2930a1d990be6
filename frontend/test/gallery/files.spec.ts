import type { Page } from '@playwright/test';
import { expect, inPage, jonas, open, sizes, test } from './gallery';

/** Somebody sends a file: a picture, or a second of silence. */
async function arrives(page: Page, kind: 'image' | 'audio'): Promise<void> {
  await inPage(page, async ({ core }, what) => {
    const file = async (): Promise<Blob> => {
      if (what === 'image') {
        const canvas = new OffscreenCanvas(1600, 1000);
        canvas.getContext('2d')!.fillRect(0, 0, 800, 500);
        return canvas.convertToBlob({ type: 'image/png' });
      }
      const wave = new DataView(new ArrayBuffer(44 + 8000));
      const text = (at: number, word: string): void => { for (const [i, letter] of [...word].entries()) wave.setUint8(at + i, letter.charCodeAt(0)); };
      text(0, 'RIFF'); wave.setUint32(4, 36 + 8000, true); text(8, 'WAVEfmt '); wave.setUint32(16, 16, true); wave.setUint16(20, 1, true); wave.setUint16(22, 1, true);
      wave.setUint32(24, 8000, true); wave.setUint32(28, 8000, true); wave.setUint16(32, 1, true); wave.setUint16(34, 8, true); text(36, 'data'); wave.setUint32(40, 8000, true);
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
  await expect.poll(() => row.locator('audio').evaluate((sound: HTMLAudioElement) => sound.duration)).toBe(1);
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
  await page.getByRole('button', { name: 'Attach files' }).click();
  await (await choosing).setFiles({ name: 'plan.txt', mimeType: 'text/plain', buffer: Buffer.from('plan') });
  await page.getByRole('dialog').getByRole('button', { name: 'Send', exact: true }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page.locator('#composer')).toBeFocused();
});
