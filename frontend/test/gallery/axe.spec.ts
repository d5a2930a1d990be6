import { AxeBuilder } from '@axe-core/playwright';
import { expect, show, sizes, test, views } from './gallery';

// axe runs its rules by code that the page's policy would refuse; the policy is proved in security.spec.ts.
test.use({ bypassCSP: true });

// A scheme changes colours and a size changes places: each once. ALL=1 takes every scheme in every size.
const looks = [['light', 'desktop'], ['dark', 'phone'], ...(process.env['ALL'] ? [['dark', 'desktop'], ['light', 'phone']] as const : [])] as const;

for (const [scheme, size] of looks) {
  test.describe(`${scheme}, ${size}`, () => {
    test.use({ colorScheme: scheme, viewport: sizes[size], contextOptions: { reducedMotion: 'reduce' } });
    for (const view of views) {
      test(view.name, async ({ page }) => {
        await show(page, view);
        const { violations } = await new AxeBuilder({ page })
          .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
        expect(violations.map((it) => `${it.id}: ${it.nodes.map((node) => `${node.target.join(' ')} — ${node.failureSummary}`).join(' | ')}`)).toEqual([]);
      });
    }
  });
}
