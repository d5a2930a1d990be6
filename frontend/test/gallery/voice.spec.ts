import type { Locator, Page } from '@playwright/test';
import { expect, hear, inPage, jonas, lena, open, recorded, sizes, speak, test } from './gallery';

const bar = (page: Page): Locator => page.getByRole('group', { name: 'Voice message', exact: true });
const mic = (page: Page): Locator => page.getByRole('button', { name: 'Record a voice message' });
/** What was sent by now: names and sizes. */
const sent = (page: Page): Promise<unknown[]> => inPage(page, ({ core }) => core.calls.filter((call) => call.command === 'sendFile').map(({ given }) => given[1]));
/** It has heard for longer than a slip of the finger. */
const spoken = (page: Page): Promise<void> => expect(bar(page).locator('.voice-time')).toHaveText(/0:0[1-9]/);

test('by keyboard: recorded, paused, heard, and sent; then one goes on writing', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await speak(page);
  await mic(page).focus();
  await page.keyboard.press('Enter');
  await expect(bar(page).getByRole('status')).toHaveText('Recording');
  await expect(bar(page).getByRole('button', { name: 'Stop and listen' })).toBeFocused();
  await bar(page).getByRole('button', { name: 'Pause recording' }).press('Enter');
  await expect(bar(page).getByRole('status')).toHaveText('Recording paused');
  await bar(page).getByRole('button', { name: 'Go on recording' }).press('Enter');
  await spoken(page);
  await page.keyboard.press('Escape');
  await expect(bar(page).getByRole('status')).toHaveText(/^Recorded, 0:0\d\.$/);
  await expect(bar(page).getByRole('button', { name: 'Play recording' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(bar(page).getByRole('button', { name: /^Speed/ })).toBeVisible();
  await bar(page).getByRole('button', { name: 'Send' }).press('Enter');
  await expect(bar(page)).toHaveCount(0);
  await expect(page.locator('#composer')).toBeFocused();
  expect(await sent(page)).toEqual([expect.stringMatching(/^voice-message\.(m4a|weba|ogg)$/)]);
  await expect(page.getByRole('group', { name: /^You, .*Voice message/ })).toBeVisible();
});

test('held and let go, it is sent; slid to the side, it is not; slid up, it goes on', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await speak(page);
  const hold = async (): Promise<{ x: number; y: number }> => {
    const box = (await mic(page).boundingBox())!;
    const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    await page.mouse.move(at.x, at.y);
    await page.mouse.down();
    await expect(bar(page).getByText('Slide to cancel')).toBeVisible();
    return at;
  };
  await hold();
  await spoken(page);
  await page.mouse.up();
  await expect(bar(page)).toHaveCount(0);
  await expect.poll(() => sent(page)).toHaveLength(1);

  const side = await hold();
  await spoken(page);
  await page.mouse.move(side.x - 40, side.y, { steps: 4 });
  await page.mouse.move(side.x - 120, side.y, { steps: 4 });
  await expect(bar(page)).toHaveCount(0);
  await page.mouse.up();

  const up = await hold();
  await page.mouse.move(up.x, up.y - 90, { steps: 4 });
  await expect(bar(page).getByRole('button', { name: 'Stop and listen' })).toBeVisible();
  await page.mouse.up();
  await spoken(page);
  await bar(page).getByRole('button', { name: 'Delete recording' }).click();
  await expect(bar(page)).toHaveCount(0);
  expect(await sent(page)).toHaveLength(1);
});

test('a tap begins a recording that goes on by itself', async ({ browser, baseURL }) => {
  const context = await browser.newContext({ baseURL: baseURL!, viewport: sizes.phone, hasTouch: true, isMobile: true });
  const page = await context.newPage();
  await open(page, { route: `/chat/${jonas}` });
  await speak(page);
  await mic(page).tap();
  await expect(bar(page).getByRole('button', { name: 'Stop and listen' })).toBeVisible();
  await spoken(page);
  await bar(page).getByRole('button', { name: 'Stop and listen' }).tap();
  await expect(bar(page).getByRole('button', { name: 'Play recording' })).toBeVisible();
  await context.close();
});

test('whoever goes to another chat finds it stopped and kept where it was', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await speak(page);
  await mic(page).press('Enter');
  await spoken(page);
  await inPage(page, ({ app }, address) => app.router.go({ name: 'chat', address, details: false }), lena);
  await expect(page.locator('.chat-row', { hasText: 'Jonas' }).first()).toContainText('🎤');
  await expect(bar(page)).toHaveCount(0);
  await inPage(page, ({ app }, address) => app.router.go({ name: 'chat', address, details: false }), jonas);
  await expect(bar(page).getByRole('button', { name: 'Play recording' })).toBeVisible();
  await bar(page).getByRole('button', { name: 'Delete recording' }).click();
  await expect(page.locator('#composer')).toBeFocused();
});

test('a microphone that goes away leaves what was said, and says so', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await speak(page);
  await page.evaluate(() => {
    const devices = navigator.mediaDevices;
    const get = devices.getUserMedia.bind(devices);
    devices.getUserMedia = async (wanted) => {
      const stream = await get(wanted);
      Object.assign(window, { unplug: () => { for (const track of stream.getTracks()) { track.stop(); track.dispatchEvent(new Event('ended')); } } });
      return stream;
    };
  });
  await mic(page).press('Enter');
  await spoken(page);
  await page.evaluate('unplug()');
  await expect(bar(page).getByText('The recording stopped because the microphone went away.').first()).toBeVisible();
  await expect(bar(page).getByRole('button', { name: 'Send' })).toBeVisible();
});

test('without leave to use the microphone one is told what to do, and may try again', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await speak(page, 'NotAllowedError');
  await mic(page).click();
  await expect(bar(page).locator('.voice-bar-text')).toHaveText('The microphone is not allowed. Allow it in the settings of your browser.');
  await speak(page);
  await bar(page).getByRole('button', { name: 'Try again' }).click();
  await expect(bar(page).getByRole('button', { name: 'Stop and listen' })).toBeVisible();
});

test('what is not taken is still there, with the reason', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await recorded(page);
  await inPage(page, ({ core }) => { core.refuse.set('sendFile', 'storage'); });
  await bar(page).getByRole('button', { name: 'Send' }).click();
  await expect(page.locator('.toast')).toContainText('could not store');
  await expect(bar(page).getByRole('button', { name: 'Play recording' })).toBeVisible();
});

test('one hears on, elsewhere, at the speed one likes, with keys', async ({ page }) => {
  await open(page, { scene: 'voice', route: `/chat/${jonas}` });
  const row = page.locator('.row').filter({ has: page.locator('.voice') }).nth(2);
  await hear(page);
  const slider = row.getByRole('slider', { name: 'Position' });
  await row.getByRole('button', { name: 'Speed 1×' }).click();
  await row.getByRole('button', { name: 'Speed 1.5×' }).click();
  await expect(row.getByRole('button', { name: 'Speed 2×' })).toBeVisible();
  await row.getByRole('button', { name: 'Pause' }).click();
  await slider.focus();
  await page.keyboard.press('End');
  await expect(slider).toHaveAttribute('aria-valuetext', '1:23 of 1:23');
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowRight');
  await expect(slider).toHaveAttribute('aria-valuetext', '0:05 of 1:23');
  await expect(slider).toBeFocused();
  await inPage(page, ({ app }, address) => app.router.go({ name: 'chat', address, details: false }), lena);
  const player = page.getByRole('region', { name: 'Playing' });
  await expect(player).toContainText('You');
  await player.getByRole('button', { name: 'Play Voice message' }).click();
  await player.getByRole('button', { name: 'Pause' }).click();
  await player.getByRole('button', { name: /^You/ }).click();
  await expect(page.getByRole('main', { name: /Jonas/ })).toBeVisible();
  await player.getByRole('button', { name: 'Stop playing' }).click();
  await expect(player).toHaveCount(0);
});

test('what comes without a waveform gets one, and nothing moves', async ({ page }) => {
  await open(page, { scene: 'voice', route: `/chat/${jonas}` });
  const box = page.locator('.voice').nth(3);
  const height = (await box.boundingBox())!.height;
  await expect(box.locator('.voice-time')).toHaveText('0:05');
  await expect.poll(async () => new Set((await box.locator('.wave-bars path').first().getAttribute('d'))?.match(/v[\d.]+/g)).size).toBeGreaterThan(5);
  expect((await box.boundingBox())!.height).toBe(height);
});

test('what comes from a program that says nothing of it is drawn once it is played', async ({ page }) => {
  await open(page, { scene: 'voice', route: `/chat/${jonas}` });
  await inPage(page, ({ core }, from) => {
    const file = core.world.files.get(`said-${from}-0`);
    if (file) core.world.files.set('record', file);
    core.receive(from, '', { id: 'record', file: { name: '0fb7c2.m4a', kind: 'audio', uploading: false } });
  }, jonas);
  const row = page.locator('.row').filter({ has: page.locator('[data-key="record"]') });
  await expect(row.locator('.voice-time')).toHaveText('–:––');
  await expect(async () => {
    if (await row.locator('.voice-on').count() === 0) await row.getByRole('button', { name: 'Play 0fb7c2.m4a' }).click();
    await expect(row.getByRole('button', { name: 'Pause' })).toBeVisible({ timeout: 2000 });
  }).toPass();
  await expect.poll(async () => new Set((await row.locator('.wave-bars path').first().getAttribute('d'))?.match(/v[\d.]+/g)).size).toBeGreaterThan(5);
  await expect(row.getByRole('slider')).toHaveAttribute('aria-valuetext', /of 0:12$/);
});
