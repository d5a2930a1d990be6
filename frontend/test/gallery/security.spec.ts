import { expect, inPage, jonas, open, test, unwatched } from './gallery';

// That every view runs under it is proved by layout.spec.ts: nothing is complained of there.
test('the policy is on', async ({ page }) => {
  const response = await page.goto('/gallery.html');
  const policy = response?.headers()['content-security-policy'] ?? '';
  expect(policy).toContain("require-trusted-types-for 'script'");
  expect(policy).not.toContain('unsafe');
});

unwatched('no other policy can be made, and text cannot become markup', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  const refused = await page.evaluate(() => {
    interface Policies { createPolicy(name: string, rules: { createHTML(html: string): string }): unknown }
    const { trustedTypes } = window as unknown as { trustedTypes: Policies };
    const createHTML = (html: string): string => html;
    const attempts: [string, () => unknown][] = [
      ['innerHTML', () => { document.createElement('div').innerHTML = '<b>x</b>'; }],
      ['insertAdjacentHTML', () => document.body.insertAdjacentHTML('beforeend', '<b>x</b>')],
      ['document.write', () => document.write('x')],
      ['another policy', () => trustedTypes.createPolicy('mine', { createHTML })],
      ['the same policy again', () => trustedTypes.createPolicy('solid', { createHTML })],
      ['the default policy', () => trustedTypes.createPolicy('default', { createHTML })],
    ];
    return attempts.filter(([, act]) => {
      try {
        act();
        return false;
      } catch (error) {
        return error instanceof TypeError;
      }
    }).map(([name]) => name);
  });
  expect(refused).toEqual(['innerHTML', 'insertAdjacentHTML', 'document.write', 'another policy', 'the same policy again', 'the default policy']);
});

test.describe('what somebody else wrote', () => {
  const nasty = '<img src=x onerror="document.title=1"><script>document.title=2</script> javascript:alert(1) [x](javascript:alert(1))';

  test('stays text in messages, names and requests', async ({ page }) => {
    await open(page, { route: `/chat/${jonas}` });
    await inPage(page, ({ core }, text) => {
      core.receive('jonas@linden.example', text);
      core.setContact({ address: 'evil@winner.example', name: text, availability: 'online', relation: 'request', blocked: false, requestText: text });
    }, nasty);
    await expect(page.locator('.bubble').last()).toContainText('<img src=x onerror=');
    await inPage(page, ({ app }) => app.router.go({ name: 'requests' }));
    await expect(page.locator('.request', { hasText: 'evil@winner.example' })).toContainText('<script>');
    expect(await page.locator('#app img, #app script').count()).toBe(0);
    expect(await page.locator('a[href^="javascript"]').count()).toBe(0);
  });

  test('links open elsewhere and carry nothing along', async ({ page }) => {
    await open(page, { route: `/chat/${jonas}` });
    const link = page.locator('.bubble a').first();
    await expect(link).toHaveAttribute('rel', 'noopener noreferrer nofollow');
    await expect(link).toHaveAttribute('target', '_blank');
  });
});
