import { expect, inPage, jonas, open, test } from './gallery';
import type { Page } from '@playwright/test';

test.use({ permissions: ['clipboard-write', 'clipboard-read'], contextOptions: { reducedMotion: 'reduce' } });

const kim = 'kim@brook.example';
const gate = { latitude: 52.516275, longitude: 13.377704 };
const asked = (page: Page): Promise<readonly unknown[]> => inPage(page, ({ core }) => core.calls.filter(({ command }) => command.startsWith('map')).map(({ command, given }) => [command, ...given]));
const sent = (page: Page): Promise<unknown> => inPage(page, ({ core }) => core.calls.findLast(({ command }) => command === 'sendLocation')?.given[1]);
const hereIs = async (page: Page, place: { latitude: number; longitude: number; accuracy?: number }): Promise<void> => {
  await page.context().grantPermissions(['geolocation', 'clipboard-write', 'clipboard-read']);
  await page.context().setGeolocation(place);
};
const share = async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: 'Attach' }).click();
  await page.getByRole('menuitem', { name: 'Location' }).click();
  await page.getByRole('dialog', { name: 'Share a location' }).waitFor();
};

test('no map is fetched before one asks, and then a square around the place', async ({ page }) => {
  await open(page, { scene: 'places', route: `/chat/${jonas}` });
  const place = page.getByRole('group', { name: /^Jonas, .*: Location, The gate/ });
  await expect(place.getByText('52.51628° N, 13.37770° E')).toBeVisible();
  await expect(place.getByText('accurate to 300 m')).toBeVisible();
  expect(await asked(page)).toEqual([]);
  await place.getByRole('button', { name: 'Show map' }).press('Enter');
  await expect(place.getByRole('button', { name: 'Map: The gate, on the side of the park' })).toBeVisible();
  await expect(place.getByText('© OpenStreetMap contributors')).toBeVisible();
  expect(await asked(page)).toEqual([['mapFacts'], ['mapTile', 14, 8800, 5372], ['mapTile', 14, 8801, 5372], ['mapTile', 14, 8800, 5373], ['mapTile', 14, 8801, 5373]]);
  await place.getByRole('button', { name: 'Copy coordinates' }).press('Enter');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('52.516275, 13.377704');
  // Opened by nobody but the person, and without a word about where they came from.
  const link = place.getByRole('link', { name: 'OpenStreetMap' });
  await expect(link).toHaveAttribute('href', 'https://www.openstreetmap.org/?mlat=52.516275&mlon=13.377704#map=16/52.516275/13.377704');
  await expect(link).toHaveAttribute('rel', 'noreferrer noopener');
  await expect(link).toHaveAttribute('target', '_blank');
  // Who comes back need not ask again for what was asked for.
  await inPage(page, ({ app }) => { app.router.go({ name: 'chat', address: 'lena@linden.example', details: false }); });
  await expect(place).toHaveCount(0);
  await inPage(page, ({ app }) => { app.router.go({ name: 'chat', address: 'jonas@linden.example', details: false }); });
  await expect(place.getByRole('button', { name: /^Map: / })).toBeVisible();
  await expect(page.getByRole('button', { name: /^Show map/ })).toHaveCount(1);
});

test('from the small map one gets to one that can be moved', async ({ page }) => {
  await open(page, { scene: 'places', route: `/chat/${jonas}` });
  const place = page.getByRole('group', { name: /^Jonas, .*: Location, The gate/ });
  await place.getByRole('button', { name: 'Show map' }).press('Enter');
  await place.getByRole('button', { name: /^Map: / }).press('Enter');
  const dialog = page.getByRole('dialog', { name: 'The gate, on the side of the park' });
  await expect(dialog.locator('.map-spot')).toHaveCount(1);
  await page.locator('.leaflet-tile-loaded').first().waitFor();
  await dialog.getByRole('application').focus();
  const before = await asked(page);
  await page.keyboard.press('+');
  await expect.poll(async () => (await asked(page)).length).toBeGreaterThan(before.length);
  await page.keyboard.press('Escape');
  await expect(place.getByRole('button', { name: /^Map: / })).toBeFocused();
});

test('who wants maps always has them, but not of strangers', async ({ page }) => {
  await open(page, { scene: 'places', route: '/settings/privacy' });
  await page.getByRole('switch', { name: /^Always show maps/ }).check();
  await open(page, { scene: 'places', route: `/chat/${jonas}` });
  await expect(page.locator('.place-tiles')).toHaveCount(2);
  await open(page, { scene: 'places', route: `/chat/${kim}` });
  await expect(page.getByRole('button', { name: 'Show map' })).toBeVisible();
  expect(await asked(page)).toEqual([]);
});

test('a map that cannot be had is asked for again; the place is there all the same', async ({ page }) => {
  await open(page, { scene: 'places', route: `/chat/${kim}` });
  await inPage(page, ({ core }) => { core.refuse.set('mapTile', 'network'); });
  await page.getByRole('button', { name: 'Show map' }).press('Enter');
  await page.getByRole('button', { name: 'Try again' }).press('Enter');
  await expect(page.locator('.place-tiles')).toBeVisible();
  await open(page, { route: `/chat/${jonas}` });
  await inPage(page, ({ core }) => { core.receive('jonas@linden.example', 'geo:1,2', { location: { latitude: 1, longitude: 2 } }); });
  await expect(page.getByText('1.00000° N, 2.00000° E')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Show map' })).toHaveCount(0);
});

test('where one is goes out without a map, with a name if one gives it', async ({ page }) => {
  await hereIs(page, { ...gate, accuracy: 25 });
  await open(page, { scene: 'places', route: `/chat/${jonas}` });
  await share(page);
  const dialog = page.getByRole('dialog');
  await expect(dialog.locator('.location-status [role=status]')).toContainText('Where you are, accurate to 25 m');
  await dialog.getByLabel('What is there? (optional)').fill('The gate');
  await dialog.getByRole('button', { name: 'Send where I am' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  expect(await sent(page)).toEqual({ ...gate, accuracy: 25, name: 'The gate' });
  expect(await asked(page)).toEqual([]);
});

test('another place is chosen by key, by click and by dragging', async ({ page }) => {
  await hereIs(page, { ...gate, accuracy: 25 });
  await open(page, { scene: 'places', route: `/chat/${jonas}` });
  await share(page);
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: /^Show map/ }).click();
  const map = dialog.getByRole('application');
  await expect(map).toBeVisible();
  await page.locator('.leaflet-tile-loaded').first().waitFor();
  // Looking closer is not choosing.
  await dialog.getByRole('button', { name: 'Closer' }).click();
  await expect(dialog.locator('.location-status [role=status]')).toContainText('Where you are');
  await map.focus();
  await page.keyboard.press('ArrowUp');
  await expect(dialog.locator('.location-status [role=status]')).toContainText('The place in the middle of the map');
  const where = dialog.locator('.location-status [role=status]').locator('bdi');
  const north = await where.textContent();
  await page.keyboard.press('ArrowRight');
  await expect(where).not.toHaveText(north ?? '');
  const byKey = await where.textContent();
  await map.click({ position: { x: 60, y: 60 } });
  await expect(where).not.toHaveText(byKey ?? '');
  const byClick = await where.textContent();
  const box = (await map.boundingBox())!;
  await page.mouse.move(box.x + 150, box.y + 150);
  await page.mouse.down();
  await page.mouse.move(box.x + 190, box.y + 120, { steps: 5 });
  await page.mouse.up();
  await expect(where).not.toHaveText(byClick ?? '');
  await dialog.getByRole('button', { name: 'Send this place' }).click();
  const place = await sent(page) as { latitude: number; longitude: number; accuracy?: number };
  expect(place.accuracy).toBeUndefined();
  expect(Math.abs(place.latitude - gate.latitude)).toBeGreaterThan(0.0001);
  expect(Math.abs(place.latitude - gate.latitude)).toBeLessThan(0.02);
});

test('back to where one is, and what is said when nobody knows where that is', async ({ page }) => {
  await hereIs(page, { ...gate, accuracy: 25 });
  await open(page, { scene: 'places', route: `/chat/${jonas}` });
  await share(page);
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: /^Show map/ }).click();
  await page.locator('.leaflet-tile-loaded').first().waitFor();
  await dialog.getByRole('application').focus();
  await page.keyboard.press('ArrowLeft');
  await dialog.getByRole('button', { name: 'Where I am', exact: true }).click();
  await expect(dialog.locator('.location-status [role=status]')).toContainText('52.51628° N, 13.37770° E');
  await page.keyboard.press('Escape');
  // Browsers differ in when a permission that is taken back is gone: this one says so at once.
  await page.evaluate(() => {
    navigator.geolocation.watchPosition = (_, failed) => {
      failed?.({ code: 1, message: '', PERMISSION_DENIED: 1, POSITION_UNAVAILABLE: 2, TIMEOUT: 3 });
      return 0;
    };
  });
  await share(page);
  await expect(dialog.locator('.location-status [role=status]')).toContainText('Your browser does not let Kith know where you are.');
  await expect(dialog.getByRole('button', { name: /^Send/ })).toBeDisabled();
  // One can choose a place all the same.
  await dialog.getByRole('button', { name: /^Show map/ }).click();
  await page.locator('.leaflet-tile-loaded').first().waitFor();
  await dialog.getByRole('application').focus();
  await page.keyboard.press('ArrowLeft');
  await expect(dialog.getByRole('button', { name: 'Send this place' })).toBeEnabled();
});
