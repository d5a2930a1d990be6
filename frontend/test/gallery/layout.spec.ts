import type { Page } from '@playwright/test';
import { areas, expect, show, sizes, test } from './gallery';

/** Elements that reach out of the window sideways, and words that are cut off without a sign of it. */
const overflow = (page: Page): Promise<string[]> => page.evaluate(() => {
  const out: string[] = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) out.push(`the page is ${document.documentElement.scrollWidth} wide`);
  for (const element of document.querySelectorAll<HTMLElement>('#app *, dialog *, .menu *')) {
    if (element.closest('.hidden, .skip, .messages:not(.messages-settled)') || !element.checkVisibility()) continue;
    const box = element.getBoundingClientRect();
    if (box.width === 0 || box.height === 0) continue;
    let above = element.parentElement;
    while (above && getComputedStyle(above).textOverflow !== 'ellipsis') above = above.parentElement;
    if (above) continue; // cut off, with the sign of it
    const name = `${element.tagName.toLowerCase()}.${String(element.getAttribute('class'))}`;
    if (box.left < -1 || box.right > width + 1) out.push(`${name} stands from ${Math.round(box.left)} to ${Math.round(box.right)} of ${width}`);
    const style = getComputedStyle(element);
    const clips = style.overflowX !== 'visible' && style.textOverflow !== 'ellipsis' && element.tagName !== 'INPUT' && element.tagName !== 'TEXTAREA';
    if (clips && element.scrollWidth > element.clientWidth + 1) out.push(`${name} cuts ${element.scrollWidth} to ${element.clientWidth}`);
  }
  return out;
});

/** Things to press that are too small for a finger; those that only a pointer shows are not for one. */
const tiny = (page: Page, least: number): Promise<string[]> => page.evaluate((edge) => {
  const out: string[] = [];
  for (const element of document.querySelectorAll<HTMLElement>('button, a[href], input:not([type=radio], [role=switch]), select, summary, textarea, label.choice-line, label.switch')) {
    if (element.closest('.hidden, .skip, .text, .field-box, .message-more, .chat-more, .copy-field, .new-password-suggest, [aria-hidden=true]') || !element.checkVisibility({ visibilityProperty: true })) continue;
    const box = element.getBoundingClientRect();
    if (box.height < edge - 0.5) out.push(`${element.tagName.toLowerCase()}.${element.className} is ${Math.round(box.width)} by ${Math.round(box.height)}`);
  }
  return out;
}, least);

// Each view is opened once and then seen in both windows, as when a device is turned.
for (const [name, { locale, rtl, windows }] of Object.entries({
  'in English': { locale: 'en-GB', rtl: false, windows: { 'on a small phone': sizes.small, 'at twice the size': { width: 640, height: 400 } } },
  'in German': { locale: 'de-DE', rtl: false, windows: { 'on a small phone': sizes.small, 'on a tablet': sizes.tablet } },
  'from right to left': { locale: 'en-GB', rtl: true, windows: { 'on a phone': sizes.phone, 'on a desktop': sizes.desktop } },
})) {
  test.describe(name, () => {
    test.use({ locale, contextOptions: { reducedMotion: 'reduce' } });
    for (const [area, views] of Object.entries(areas)) {
      test(`nothing is cut off or out of reach: ${area}`, async ({ page }) => {
        test.setTimeout(240_000);
        const first = Object.values(windows)[0] ?? sizes.small;
        for (const view of views) {
          await page.setViewportSize(first);
          await show(page, { ...view, rtl });
          for (const [kind, size] of Object.entries(windows)) {
            if (size !== first) await page.setViewportSize(size);
            expect.soft(await overflow(page), `${view.name} ${kind}`).toEqual([]);
            expect.soft(await tiny(page, 44), `${view.name} ${kind}`).toEqual([]);
          }
        }
      });
    }
  });
}
