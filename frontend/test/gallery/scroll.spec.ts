import type { Page } from '@playwright/test';
import { expect, inPage, jonas, lena, open, sizes, test } from './gallery';

/** Where a message stands on the screen, and whether it does. */
const topOf = (page: Page, key: string): Promise<number | undefined> =>
  page.evaluate((it) => document.querySelector(`[data-key="${it}"]`)?.getBoundingClientRect().top, key);
const firstVisible = (page: Page): Promise<string> => page.evaluate(() => {
  const frame = document.querySelector('.messages')!.getBoundingClientRect();
  const rows = [...document.querySelectorAll<HTMLElement>('.messages [data-key]')];
  return rows.find((row) => row.getBoundingClientRect().top >= frame.top + 60)?.dataset['key'] ?? '';
});
const fromEnd = (page: Page): Promise<number> => page.evaluate(() => {
  const it = document.querySelector('.messages')!;
  return Math.round(it.scrollHeight - it.scrollTop - it.clientHeight);
});
const frames = (page: Page, count = 3): Promise<void> => page.evaluate(async (n) => {
  for (let i = 0; i < n; i++) await new Promise((resolve) => requestAnimationFrame(resolve));
}, count);
const loaded = (page: Page): Promise<number> => inPage(page, ({ app }) => app.conversations.of('lena@linden.example').get().rows.keys.length);

for (const size of ['desktop', 'phone'] as const) {
  test.describe(size, () => {
    test.use({ viewport: sizes[size] });

    test('a chat opens at its end and stays there while messages arrive', async ({ page }) => {
      await open(page, { scene: 'long', route: `/chat/${lena}` });
      await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1);
      for (let i = 0; i < 5; i++) {
        await inPage(page, ({ core }, n) => void core.receive('lena@linden.example', `message ${n} `.repeat(1 + n * 9)), i);
        await expect(page.locator('.bubble').last()).toContainText(`message ${i}`);
        await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1);
      }
      await expect(page.locator('.jump')).toHaveCount(0);
    });

    test('while reading back nothing moves: not for older messages, not for new ones', async ({ page }) => {
      await open(page, { scene: 'long', route: `/chat/${lena}`, latency: 60 });
      for (let round = 0; round < 4; round++) {
        const before = await loaded(page);
        // Up by less than what is loaded, then hold still while the next page comes.
        await page.evaluate(() => document.querySelector('.messages')!.scrollBy({ top: -1e5, behavior: 'instant' }));
        await page.evaluate(() => document.querySelector('.messages')!.scrollBy({ top: 300, behavior: 'instant' }));
        await frames(page, 2);
        const key = await firstVisible(page);
        const samples = page.evaluate(async (it) => {
          const tops: number[] = [];
          const until = performance.now() + 1500;
          while (performance.now() < until && tops.length < 90) {
            await new Promise((resolve) => requestAnimationFrame(resolve));
            tops.push(document.querySelector(`[data-key="${it}"]`)?.getBoundingClientRect().top ?? NaN);
          }
          return tops;
        }, key);
        await expect.poll(() => loaded(page)).toBeGreaterThan(before);
        const tops = await samples;
        // Heights are fractions of pixels, and the place of a scroll is rounded.
        expect(Math.max(...tops) - Math.min(...tops)).toBeLessThan(2);
      }
      const key = await firstVisible(page);
      const top = await topOf(page, key);
      await inPage(page, ({ core }) => void core.receive('lena@linden.example', 'far below'));
      await frames(page);
      expect(Math.abs((await topOf(page, key) ?? NaN) - (top ?? NaN))).toBeLessThan(2);
    });

    test('going up counts, also at the moment in which a row turns out smaller', async ({ page }) => {
      await open(page, { scene: 'long', route: `/chat/${lena}` });
      await frames(page, 30); // until the list is no longer on its own way to the end
      await page.evaluate(() => {
        const list = document.querySelector<HTMLElement>('.message-list')!;
        list.style.setProperty('height', `${list.offsetHeight - 20}px`);
        document.querySelector('.messages')!.scrollBy({ top: -1500, behavior: 'instant' });
      });
      await frames(page);
      await inPage(page, ({ core }) => void core.receive('lena@linden.example', 'further down'));
      await frames(page, 6);
      expect(await fromEnd(page)).toBeGreaterThan(1000);
    });

    test('the divider of what is new stands in the upper third, and the pill counts exactly', async ({ page }) => {
      await open(page, { scene: 'unread', route: `/chat/${lena}` });
      await expect.poll(() => page.evaluate(() => {
        const frame = document.querySelector('.messages')!.getBoundingClientRect();
        const place = (document.querySelector('.unread-line')!.getBoundingClientRect().top - frame.top) / frame.height;
        return place > 0 && place < 1 / 3 ? 'in the upper third' : place;
      })).toBe('in the upper third');
      const count = (): Promise<number> => inPage(page, ({ app }) => app.chats.get().get('lena@linden.example')?.unread ?? -1);
      // Only what was on the screen counts as read.
      await expect.poll(count).toBeLessThan(60);
      expect(await count()).toBeGreaterThan(30);
      await expect(async () => expect(await page.locator('.jump .badge').textContent()).toBe(String(await count()))).toPass();
      await page.locator('.jump').click();
      await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1);
      await expect.poll(count).toBe(0);
      await expect(page.locator('.jump')).toHaveCount(0);
    });

    test('a growing composer does not cover the end', async ({ page }) => {
      await open(page, { scene: 'long', route: `/chat/${lena}` });
      await page.locator('#composer').fill('one\ntwo\nthree\nfour\nfive');
      await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1);
      const [list, composer] = await Promise.all([page.locator('.messages').boundingBox(), page.locator('.composer').boundingBox()]);
      expect((list?.y ?? 0) + (list?.height ?? 0)).toBeLessThanOrEqual((composer?.y ?? 0) + 1);
    });
  });
}

test('ten thousand messages and five hundred chats are a small document', async ({ page }) => {
  await open(page, { scene: 'long', route: `/chat/${lena}` });
  expect(await page.evaluate(() => document.querySelectorAll('*').length)).toBeLessThan(1200);
  await open(page, { scene: 'many', route: `/chat/${jonas}` });
  expect(await page.evaluate(() => document.querySelectorAll('*').length)).toBeLessThan(1200);
});

test('what comes while nobody looks begins on the screen when one looks again', async ({ page }) => {
  await page.addInitScript(() => { document.hasFocus = () => !document.documentElement.dataset['away']; });
  await open(page, { scene: 'long', route: `/chat/${lena}` });
  const look = (away: boolean): Promise<void> => page.evaluate((it) => {
    if (it) document.documentElement.dataset['away'] = 'yes';
    else delete document.documentElement.dataset['away'];
    window.dispatchEvent(new Event(it ? 'blur' : 'focus'));
  }, away);
  await look(true);
  for (let i = 0; i < 30; i++) {
    await inPage(page, ({ core }, n) => void core.receive('lena@linden.example', `while away ${n}`), i);
    await frames(page, 1);
  }
  const unread = (): Promise<number> => inPage(page, ({ app }) => app.chats.get().get('lena@linden.example')?.unread ?? -1);
  expect(await unread()).toBe(30);
  await expect(page.locator('.unread-line')).toBeInViewport();
  await expect(page.locator('.unread-line')).toHaveText('30 new');
  await expect(page.locator('.jump .badge')).toHaveText('30');
  await look(false);
  await expect.poll(unread).toBeLessThan(30);
  expect(await unread()).toBeGreaterThan(5);
});

test('after reading back for long, writing brings one to the newest', async ({ page }) => {
  await open(page, { scene: 'long', route: `/chat/${lena}` });
  for (let i = 0; i < 16; i++) {
    const before = await inPage(page, ({ app }) => app.conversations.of('lena@linden.example').get().rows.keys[0]);
    await page.evaluate(() => document.querySelector('.messages')!.scrollTo({ top: 0, behavior: 'instant' }));
    await expect.poll(() => inPage(page, ({ app }) => app.conversations.of('lena@linden.example').get().rows.keys[0])).not.toBe(before);
  }
  expect(await inPage(page, ({ app }) => app.conversations.of('lena@linden.example').get().hasNewer)).toBe(true);
  await page.locator('#composer').fill('Here I am again');
  await page.keyboard.press('Enter');
  await expect(page.locator('.bubble').last()).toContainText('Here I am again');
  await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1);
});

test('nothing shifts: connecting, going offline, coming back', async ({ page }) => {
  await page.addInitScript(() => {
    const kith = window as unknown as { shift: number };
    kith.shift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) {
        if (!entry.hadRecentInput) kith.shift += entry.value;
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await open(page, { route: `/chat/${jonas}` });
  await inPage(page, ({ core }) => core.setSession({ phase: 'offline', retryAt: Date.now() + 30_000, reason: { code: 'network' } }));
  await page.locator('.chip').waitFor();
  await inPage(page, ({ core }) => core.setSession({ phase: 'connecting' }));
  await inPage(page, ({ core }) => core.setSession({ phase: 'online', catchingUp: true }));
  await inPage(page, ({ core }) => { core.tell('typing', { chat: 'jonas@linden.example', from: 'jonas@linden.example', typing: true }); core.setSession({ catchingUp: false }); });
  await page.locator('.chip').waitFor({ state: 'detached' });
  expect(await page.evaluate(() => (window as unknown as { shift: number }).shift)).toBeLessThanOrEqual(0.02);
});

test('the place of a picture is kept until it is there, also of one whose size nobody has told', async ({ page }) => {
  await open(page, { scene: 'pictures', route: '/' });
  await inPage(page, ({ core }) => {
    core.hold('fetchFile');
    core.world.messages = core.world.messages.map((message) => {
      if (message.id !== 'jonas@linden.example-tall' || !message.file) return message;
      const { width: _, height: __, ...file } = message.file;
      return { ...message, file };
    });
  });
  await page.locator(`.chat-row[data-address="${jonas}"]`).click();
  await page.locator('.messages-settled').waitFor({ state: 'attached' });
  await expect(page.locator('.file-place')).toHaveCount(3);
  const heights = (): Promise<Record<string, number>> => page.evaluate(() => Object.fromEntries(['wide', 'tall'].map((name) =>
    [name, document.querySelector(`[data-key="jonas@linden.example-${name}"]`)!.getBoundingClientRect().height])));
  const before = await heights();
  await inPage(page, ({ core }) => core.release());
  await expect(page.locator('.file-picture img')).toHaveCount(2);
  await expect.poll(() => page.locator('.file-picture img').evaluateAll((all) => all.every((img) => (img as HTMLImageElement).complete && (img as HTMLImageElement).naturalWidth > 0))).toBe(true);
  expect(await heights()).toEqual(before);
});
