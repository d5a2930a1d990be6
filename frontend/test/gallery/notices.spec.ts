import { expect, inPage, jonas, lena, open, sizes, test } from './gallery';

for (const size of ['desktop', 'phone'] as const) {
  test(`what is told while dialogs are open can be seen, read out and closed: ${size}`, async ({ page }) => {
    await page.setViewportSize(sizes[size]);
    await open(page, { route: `/chat/${lena}` });
    await inPage(page, ({ app }) => app.notices.done('saved'));
    await expect(page.getByRole('status').filter({ hasText: 'Saved' })).toBeVisible();
    await inPage(page, ({ app }) => app.overlays.open({ name: 'lock', address: 'lena@linden.example' }));
    const dialog = page.getByRole('dialog');
    await inPage(page, ({ app }) => app.notices.error({ code: 'server' }));
    const told = dialog.getByRole('status').filter({ hasText: 'The server could not do this' });
    await expect(told).toBeVisible();
    // Nothing lies above it, and it lies above nothing that closes the dialog.
    await told.locator('.toast-error').getByRole('button', { name: 'Close' }).click();
    await expect(page.locator('.toast-error')).toHaveCount(0);
    await expect(dialog).toBeVisible();
    // It stays when the dialog goes.
    await inPage(page, ({ app }) => app.notices.error({ code: 'network' }));
    await page.keyboard.press('Escape');
    await expect(dialog).toHaveCount(0);
    await page.locator('.toast-error').getByRole('button', { name: 'Close' }).click();
    await expect(page.locator('.toast-error')).toHaveCount(0);
  });
}

test('it belongs to the topmost of two dialogs, and to the other one afterwards', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await page.locator('.composer input[type=file]').setInputFiles({ name: 'plan.txt', mimeType: 'text/plain', buffer: Buffer.from('plan') });
  await expect(page.getByRole('dialog')).toHaveCount(1);
  await inPage(page, ({ app }) => app.overlays.open({ name: 'lock', address: 'jonas@linden.example' }));
  await inPage(page, ({ app }) => app.notices.error({ code: 'server' }));
  const toast = page.locator('.toast-error');
  await expect(page.locator('dialog', { has: toast })).toContainText('Jonas');
  await page.keyboard.press('Escape');
  await expect(page.locator('dialog', { has: toast })).toContainText('plan.txt');
  await toast.getByRole('button', { name: 'Close' }).click();
  await expect(toast).toHaveCount(0);
});
