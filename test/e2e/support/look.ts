/** What must be true of every view, whoever looks at it and on what. */
import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import { inBothSchemes, picture } from './pictures';

const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/**
 * Looks at the view that is open: axe finds nothing, and nothing reaches out of the window.
 * axe needs a context with `bypassCSP`; that the policy holds is proved by all the other stories, which run under it.
 */
export async function look(page: Page, name: string, full: 'light' | 'dark'): Promise<void> {
  await expect(page.locator('.splash')).toHaveCount(0);
  // On a narrow window one pane is there and the others are not shown.
  await page.locator('main').first().waitFor({ state: 'attached' });
  await picture(page, name);
  expect.soft(await overflow(page), name).toEqual([]);
  await inBothSchemes(page, async (scheme) => {
    const axe = new AxeBuilder({ page });
    // The colours are all that the scheme changes.
    const { violations } = await (scheme === full ? axe.withTags(rules) : axe.withRules(['color-contrast'])).analyze();
    expect.soft(violations.map((it) => `${it.id}: ${it.nodes.map((node) => `${node.target.join(' ')} (${node.failureSummary})`).join('; ')}`), `${name}, ${scheme}`).toEqual([]);
  });
}

/** The same at another width, without axe. */
export async function lookNarrow(page: Page, name: string, width: number): Promise<void> {
  const before = page.viewportSize();
  if (!before) throw new Error('no window');
  await page.setViewportSize({ width, height: before.height });
  await picture(page, name);
  expect.soft(await overflow(page), `${name} at ${width}`).toEqual([]);
  await page.setViewportSize(before);
}

/** What reaches out of the window sideways. */
function overflow(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const out = document.documentElement.scrollWidth > width ? [`the page is ${document.documentElement.scrollWidth} wide, the window ${width}`] : [];
    for (const element of document.querySelectorAll<HTMLElement>('#app *, dialog *')) {
      if (element.closest('.hidden, .skip, .messages:not(.messages-settled)') || !element.checkVisibility()) continue;
      const box = element.getBoundingClientRect();
      if (box.width > 0 && box.height > 0 && (box.left < -1 || box.right > width + 1)) {
        out.push(`${element.tagName.toLowerCase()}.${element.getAttribute('class') ?? ''} stands from ${Math.round(box.left)} to ${Math.round(box.right)} of ${width}`);
      }
    }
    return out;
  });
}
