import type { Page } from '@playwright/test';
import { expect, show, sizes, test, views } from './gallery';

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

/** Things to press that are too small for a finger. */
const tiny = (page: Page, least: number): Promise<string[]> => page.evaluate((edge) => {
  const out: string[] = [];
  for (const element of document.querySelectorAll<HTMLElement>('button, a[href], input:not([type=radio], [role=switch]), select, summary, textarea, label.choice-line, label.switch')) {
    if (element.closest('.hidden, .skip, .text, .field-box, .message-more, .copy-field, .new-password-suggest') || !element.checkVisibility({ visibilityProperty: true })) continue;
    const box = element.getBoundingClientRect();
    if (box.height < edge - 0.5) out.push(`${element.tagName.toLowerCase()}.${element.className} is ${Math.round(box.width)} by ${Math.round(box.height)}`);
  }
  return out;
}, least);

for (const [name, place] of Object.entries({
  'on a small phone': { size: sizes.small, locale: 'en-GB', rtl: false },
  'on a small phone in German': { size: sizes.small, locale: 'de-DE', rtl: false },
  'on a phone from right to left': { size: sizes.phone, locale: 'en-GB', rtl: true },
  'on a tablet': { size: sizes.tablet, locale: 'de-DE', rtl: false },
  'from right to left': { size: sizes.desktop, locale: 'en-GB', rtl: true },
  'at twice the size': { size: { width: 640, height: 400 }, locale: 'en-GB', rtl: false },
})) {
  test.describe(name, () => {
    test.use({ viewport: place.size, locale: place.locale, contextOptions: { reducedMotion: 'reduce' } });
    test('nothing is cut off or out of reach', async ({ page }) => {
      test.setTimeout(240_000);
      for (const view of views) {
        await show(page, { ...view, rtl: place.rtl });
        expect(await overflow(page), view.name).toEqual([]);
        expect(await tiny(page, 44), view.name).toEqual([]);
      }
    });
  });
}
