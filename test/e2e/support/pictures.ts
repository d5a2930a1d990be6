/** Pictures of what a story shows, to look at: PICTURES=1 writes them to results/pictures. */
import { join } from 'node:path';
import type { Page } from '@playwright/test';

const directory = new URL('../results/pictures', import.meta.url).pathname;

export const schemes = ['light', 'dark'] as const;

/** Does something in light and in dark, and leaves the page as it was. */
export async function inBothSchemes(page: Page, act: (scheme: (typeof schemes)[number]) => Promise<void>): Promise<void> {
  const dark = await page.evaluate(() => matchMedia('(prefers-color-scheme: dark)').matches);
  for (const scheme of schemes) {
    await page.emulateMedia({ colorScheme: scheme });
    await act(scheme);
  }
  await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
}

/** Writes NAME-SCHEME-WIDTH.png, in light and dark. */
export async function picture(page: Page, name: string): Promise<void> {
  if (process.env['PICTURES'] !== '1') return;
  await inBothSchemes(page, async (scheme) => {
    const width = page.viewportSize()?.width ?? 0;
    await page.screenshot({ path: join(directory, `${name}-${scheme}-${width}.png`), caret: 'initial' });
  });
}
