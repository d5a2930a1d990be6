import type { Page } from '@playwright/test';
import { areas, expect, show, sizes, test } from './gallery';

const settled = expect.configure({ soft: true, timeout: 10_000 });

/** Elements that reach out of the window sideways, and words that are cut off without a sign of it. */
const overflow = (page: Page): Promise<string[]> => page.evaluate(() => {
  const out: string[] = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) out.push(`the page is ${document.documentElement.scrollWidth} wide`);
  for (const element of document.querySelectorAll<HTMLElement>('#app *, dialog *, .menu *')) {
    // A map goes on beyond its edge.
    if (element.closest('.hidden, .skip, .messages:not(.messages-settled), .place-tiles, .map-view') || element.matches('.map-paper') || !element.checkVisibility()) continue;
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

const every = Object.keys(areas);
/** Where sentences stand, which are longer in some languages. */
const wordy = ['ways in', 'settings', 'dialogs of chats', 'dialogs of settings'];

// Each view is opened once and then seen in all windows, as when a device is turned.
for (const [name, { locale, windows, where }] of Object.entries({
  'in English': { locale: 'en-GB', windows: { 'on a small phone': sizes.small, 'at twice the size': { width: 640, height: 400 } }, where: every },
  'in German': { locale: 'de-DE', windows: { 'on a small phone': sizes.small, 'on a tablet': sizes.tablet }, where: every },
  'in Arabic, from right to left': { locale: 'ar', windows: { 'on a small phone': sizes.small, 'on a desktop': sizes.desktop }, where: every },
  'in French': { locale: 'fr-FR', windows: { 'on a small phone': sizes.small }, where: wordy },
  'in Spanish': { locale: 'es-ES', windows: { 'on a small phone': sizes.small }, where: wordy },
  'in Ukrainian': { locale: 'uk-UA', windows: { 'on a small phone': sizes.small }, where: wordy },
})) {
  test.describe(name, () => {
    test.use({ locale, contextOptions: { reducedMotion: 'reduce' } });
    for (const area of where) {
      test(`nothing is cut off or out of reach: ${area}`, async ({ page }) => {
        test.setTimeout(360_000);
        for (const view of areas[area] ?? []) {
          for (const [i, [kind, size]] of Object.entries(windows).entries()) {
            await page.setViewportSize(size);
            if (i === 0) await show(page, view);
            await expect.soft(page.locator('html'), view.name).toHaveAttribute('lang', new RegExp(`^${locale.slice(0, 2)}`));
            // What follows the size of the window does so a moment later.
            await settled.poll(() => overflow(page), { message: `${view.name} ${kind}` }).toEqual([]);
            await settled.poll(() => tiny(page, 44), { message: `${view.name} ${kind}` }).toEqual([]);
          }
        }
      });
    }
  });
}
