import type { CDPSession, Locator, Page } from '@playwright/test';
import { expect, inPage, jonas, lena, open, sizes, test } from './gallery';

/** Pictures of a colour each, between words; the newest is the last. */
async function arrive(page: Page, ...names: readonly string[]): Promise<void> {
  await inPage(page, async ({ core }, all) => {
    for (const [i, name] of all.entries()) {
      const canvas = new OffscreenCanvas(1600, 1000);
      const context = canvas.getContext('2d')!;
      context.fillStyle = `hsl(${i * 70} 60% 45%)`;
      context.fillRect(0, 0, 1600, 1000);
      const data = await canvas.convertToBlob({ type: 'image/png' });
      core.world.files.set(name, data);
      core.receive('jonas@linden.example', `About ${name}`);
      core.receive('jonas@linden.example', '', { id: name, file: { name: `${name}.png`, width: 1600, height: 1000, kind: 'image', size: data.size, uploading: false } });
    }
  }, names);
}

async function look(page: Page, name: string): Promise<Locator> {
  await page.getByRole('button', { name: `Show ${name}.png` }).click();
  await shows(page, name);
  return page.getByRole('dialog');
}

/** It is in front, in its place, and alone. */
async function shows(page: Page, name: string): Promise<void> {
  await expect(page.getByRole('dialog', { name: `${name}.png` }).getByRole('img', { name: `${name}.png` })).toBeVisible();
  await expect.poll(() => page.locator('.picture-track').evaluate((track) => [track.getAnimations().length, getComputedStyle(track).transform])).toEqual([0, expect.stringMatching(/^(none|matrix\(1, 0, 0, 1, 0, 0\))$/)]);
}

/** How the picture in front lies: how large, and how far from the middle of the window. */
async function lies(page: Page): Promise<{ scale: number; x: number; y: number }> {
  return page.locator('.picture-slide[data-at="0"] img').evaluate((img) => {
    const { a, e, f } = new DOMMatrix((img as HTMLElement).style.transform.replace('none', ''));
    return { scale: a, x: e, y: f };
  });
}

/** Two presses that say themselves how far apart they are: a tenth of a second, however long the browser takes. */
async function twice(client: CDPSession, by: 'mouse' | 'touch', x: number, y: number): Promise<void> {
  const start = Date.now() / 1000;
  for (const [i, down] of [true, false, true, false].entries()) {
    const timestamp = start + i * 0.05;
    if (by === 'mouse') await client.send('Input.dispatchMouseEvent', { type: down ? 'mousePressed' : 'mouseReleased', x, y, button: 'left', clickCount: i < 2 ? 1 : 2, timestamp });
    else await client.send('Input.dispatchTouchEvent', { type: down ? 'touchStart' : 'touchEnd', touchPoints: down ? [{ x, y }] : [], timestamp });
  }
}

test('from picture to picture by key and by button, and back to where one was', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await arrive(page, 'first', 'second', 'third');
  const view = await look(page, 'third');
  await expect(view.getByText('Jonas')).toBeVisible();
  await expect(view.getByRole('button', { name: 'Next picture' })).toHaveCount(0);
  await page.keyboard.press('ArrowLeft');
  await shows(page, 'second');
  await expect(view.getByRole('status').filter({ hasText: 'second.png, Jonas' })).toHaveCount(1);
  await view.getByRole('button', { name: 'Previous picture' }).click();
  await shows(page, 'first');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await shows(page, 'third');
  await page.keyboard.press('ArrowRight');
  await shows(page, 'third');
  const saved = page.waitForEvent('download');
  await view.getByRole('button', { name: 'Save' }).click();
  expect((await saved).suggestedFilename()).toBe('third.png');
  await page.keyboard.press('Escape');
  await expect(view).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Show third.png' })).toBeFocused();
});

test('pictures that are not loaded yet are fetched while one goes back', async ({ page }) => {
  await open(page, { route: `/chat/${lena}` });
  await arrive(page, 'old');
  await inPage(page, ({ core }) => { for (let i = 0; i < 160; i++) core.receive('jonas@linden.example', `words ${i}`); });
  await arrive(page, 'new');
  await inPage(page, ({ core, app }) => {
    core.setChat('jonas@linden.example', { unread: 0 });
    app.router.go({ name: 'chat', address: 'jonas@linden.example', details: false });
  });
  await look(page, 'new');
  await page.getByRole('button', { name: 'Previous picture' }).click();
  await shows(page, 'old');
});

test('closer by keys, wheel and double click, moved by mouse and arrows, and whole again', async ({ page }) => {
  // The picture is 1152 by 720 in here.
  await page.setViewportSize({ width: 1280, height: 720 });
  await open(page, { route: `/chat/${jonas}` });
  await arrive(page, 'lake', 'hill');
  await look(page, 'hill');
  await page.keyboard.press('+');
  await expect.poll(() => lies(page)).toEqual({ scale: 1.5, x: 0, y: 0 });
  // What is larger than the window is moved by the arrows, and no further than to its edge.
  await page.keyboard.press('ArrowLeft');
  await expect.poll(() => lies(page)).toEqual({ scale: 1.5, x: 80, y: 0 });
  for (let i = 0; i < 9; i++) await page.keyboard.press('ArrowLeft');
  await expect.poll(async () => (await lies(page)).x).toBe(224);
  await page.keyboard.press('0');
  await expect.poll(() => lies(page)).toEqual({ scale: 1, x: 0, y: 0 });
  const x = 740, y = 360;
  await twice(await page.context().newCDPSession(page), 'mouse', x, y);
  await expect.poll(() => lies(page)).toEqual({ scale: 2.5, x: -150, y: 0 });
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + 40, y + 30);
  await page.mouse.move(x + 60, y + 50);
  await page.mouse.up();
  await expect.poll(() => lies(page)).toEqual({ scale: 2.5, x: -90, y: 50 });
  await page.getByRole('button', { name: 'See all of it' }).click();
  await expect.poll(() => lies(page)).toEqual({ scale: 1, x: 0, y: 0 });
  await page.mouse.move(x, y);
  await page.mouse.wheel(0, -50);
  await expect.poll(async () => (await lies(page)).scale).toBeGreaterThan(1.1);
  for (let i = 0; i < 6; i++) await page.keyboard.press('-');
  await expect.poll(() => lies(page)).toEqual({ scale: 1, x: 0, y: 0 });
  // Beside the picture is outside of it.
  await page.mouse.click(20, 200);
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('in a language from right to left the older picture is to the right', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await arrive(page, 'older', 'newer');
  await look(page, 'newer');
  await page.evaluate(() => { document.documentElement.dir = 'rtl'; });
  await page.keyboard.press('ArrowLeft');
  await shows(page, 'newer');
  await page.keyboard.press('ArrowRight');
  await shows(page, 'older');
});

test('a picture is sent on, encrypted anew', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await arrive(page, 'lake');
  const view = await look(page, 'lake');
  await view.getByRole('button', { name: 'Forward' }).click();
  await page.getByRole('dialog', { name: 'Forward to' }).getByRole('button', { name: 'Lena' }).click();
  await expect(page.getByRole('button', { name: 'Show lake.png' })).toBeVisible();
  expect(await inPage(page, ({ core }) => core.calls.find(({ command }) => command === 'sendFile')?.given.slice(0, 2))).toEqual([lena, 'lake.png']);
});

test.describe('on a phone', () => {
  test.use({ viewport: sizes.phone, hasTouch: true });

  const touch = (client: CDPSession, type: 'touchStart' | 'touchMove' | 'touchEnd', ...points: readonly (readonly [number, number])[]) =>
    client.send('Input.dispatchTouchEvent', { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });

  test('a finger draws the next picture in, and down closes; two fingers look closer', async ({ page }) => {
    await open(page, { route: `/chat/${jonas}` });
    await arrive(page, 'first', 'second');
    const view = await look(page, 'second');
    const client = await page.context().newCDPSession(page);
    const at = () => page.locator('.picture-track').evaluate((track) => new DOMMatrix(getComputedStyle(track).transform).e);

    await touch(client, 'touchStart', [100, 400]);
    await touch(client, 'touchMove', [130, 400]);
    await touch(client, 'touchMove', [170, 404]);
    // It is where the finger is.
    await expect.poll(at).toBe(70);
    await touch(client, 'touchMove', [300, 404]);
    await touch(client, 'touchEnd');
    await shows(page, 'first');

    await touch(client, 'touchStart', [150, 400], [250, 400]);
    await touch(client, 'touchMove', [100, 400], [300, 400]);
    await touch(client, 'touchEnd');
    await expect.poll(async () => (await lies(page)).scale).toBeCloseTo(2, 1);
    // Close up, one finger moves the picture rather than to another one.
    await touch(client, 'touchStart', [200, 400]);
    await touch(client, 'touchMove', [170, 400]);
    await touch(client, 'touchMove', [150, 400]);
    await touch(client, 'touchEnd');
    await expect.poll(async () => (await lies(page)).x).toBeLessThan(-10);
    await shows(page, 'first');
    await twice(client, 'touch', 195, 400);
    await expect.poll(() => lies(page)).toEqual({ scale: 1, x: 0, y: 0 });

    await touch(client, 'touchStart', [200, 300]);
    await touch(client, 'touchMove', [200, 340]);
    await touch(client, 'touchMove', [202, 480]);
    await touch(client, 'touchEnd');
    await expect(view).toHaveCount(0);
  });
});

test('a picture that is gone says so, and one can go on to the others', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await arrive(page, 'first', 'gone', 'last');
  await expect(page.getByRole('button', { name: 'Show last.png' }).locator('img')).toBeVisible();
  await inPage(page, ({ core, app }) => {
    core.world.files.delete('gone');
    const message = core.world.messages.find(({ id }) => id === 'gone');
    if (message) app.overlays.open({ name: 'picture', message });
  });
  const view = page.getByRole('dialog', { name: 'gone.png' });
  await expect(view.getByRole('alert')).toContainText('This file is not on the server any more.');
  await expect(view.getByRole('button', { name: 'Save' })).toBeDisabled();
  await page.keyboard.press('ArrowRight');
  await shows(page, 'last');
  // Who takes a picture back takes it out of everybody's sight.
  await inPage(page, ({ core }) => core.setState('last', { retracted: { at: 1 } }));
  await expect(page.getByRole('dialog')).toHaveCount(0);
});
