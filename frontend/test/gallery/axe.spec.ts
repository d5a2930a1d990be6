import { AxeBuilder } from '@axe-core/playwright';
import { areas, expect, show, sizes, test } from './gallery';

// axe runs its rules by code that the page's policy would refuse; the policy is proved by the other tests, which run under it.
test.use({ bypassCSP: true });

// A scheme changes colours and a size changes places: each once. ALL=1 takes every scheme in every size.
const looks = [['light', 'desktop'], ['dark', 'phone'], ...(process.env['ALL'] ? [['dark', 'desktop'], ['light', 'phone']] as const : [])] as const;

for (const [scheme, size] of looks) {
  test.describe(`${scheme}, ${size}`, () => {
    test.use({ colorScheme: scheme, viewport: sizes[size], contextOptions: { reducedMotion: 'reduce' } });
    for (const [area, views] of Object.entries(areas)) {
      test(`axe finds nothing: ${area}`, async ({ page }) => {
        test.setTimeout(240_000);
        for (const view of views) {
          await show(page, view);
          // There are no frames: axe need not put its findings together in a page of its own.
          const { violations } = await new AxeBuilder({ page }).setLegacyMode()
            .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
          expect.soft(violations.map((it) => `${it.id}: ${it.nodes.map((node) => `${node.target.join(' ')} — ${node.failureSummary}`).join(' | ')}`), view.name).toEqual([]);
        }
      });
    }
  });
}
