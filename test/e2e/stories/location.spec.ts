import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from '@playwright/test';
import type { Person } from '../support/person';
import { picture } from '../support/pictures';
import { befriend, expect, test } from '../support/story';
import { TileServer } from '../support/tiles';

const gate = { latitude: 52.516275, longitude: 13.377704, accuracy: 25 };

test('Alice says where she is; Bob sees it on a map that comes from their own server, which is told nothing but the area', async ({ server, person }) => {
  test.setTimeout(240_000);
  const tiles = await TileServer.open();
  const config = join(server.directory, 'kith.toml');
  writeFileSync(config, `[maps]\ntiles = "${tiles.template}"\n`);
  await server.stop();
  server.options = ['--config', config];
  await server.start();

  const alice = await person('Alice Adams', { permissions: ['geolocation'], geolocation: gate });
  const bob = await person('Bob Brown', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, permissions: ['geolocation'] });
  await befriend(server, alice, bob);
  const places = (one: Person, who: string): Locator => one.page.getByRole('group', { name: new RegExp(`^${who}, at [\\d:]+: Location`) });
  const share = async (one: Person): Promise<Locator> => {
    await one.page.getByRole('button', { name: 'Attach' }).click();
    await one.page.getByRole('menuitem', { name: 'Location' }).click();
    const dialog = one.page.getByRole('dialog', { name: 'Share a location' });
    await expect(dialog).toBeVisible();
    return dialog;
  };

  await test.step('where she is, without a map', async () => {
    const dialog = await share(alice);
    await expect(dialog.getByText('Where you are, accurate to 25 m')).toBeVisible();
    await picture(alice.page, 'location-ask');
    await dialog.getByLabel('What is there? (optional)').fill('The café at the gate');
    await dialog.getByRole('button', { name: 'Send where I am' }).click();
    await expect(dialog).toBeHidden();
    await expect(places(bob, 'Alice Adams')).toHaveCount(1);
    await expect(places(bob, 'Alice Adams')).toContainText('The café at the gate');
    await expect(places(bob, 'Alice Adams')).toContainText('52.51628° N, 13.37770° E');
    await expect(alice.chatRow('Bob Brown')).toContainText('The café at the gate');
    await expect(bob.lock('Encrypted')).toBeVisible();
    expect(tiles.asked).toEqual([]);
  });

  await test.step('he asks for the map: the tile server sees an area, and this server instead of him', async () => {
    const place = places(bob, 'Alice Adams');
    await picture(bob.page, 'location-card');
    await place.getByRole('button', { name: /^Show map/ }).press('Enter');
    await expect(place.getByRole('button', { name: 'Map: The café at the gate' })).toBeVisible();
    await expect.poll(() => place.locator('.place-tiles img').evaluateAll((all) => all.map((image) => (image as HTMLImageElement).naturalWidth))).toEqual([256, 256, 256, 256]);
    await picture(bob.page, 'location-map');
    expect(tiles.asked.map(({ path }) => path).sort()).toEqual(['/14/8800/5372.png', '/14/8800/5373.png', '/14/8801/5372.png', '/14/8801/5373.png']);
    for (const { headers } of tiles.asked) {
      expect(headers['user-agent']).toMatch(/^Kith\/\S+ \(messenger; \+http:\/\/localhost:\d+\)$/);
      expect(Object.keys(headers).filter((name) => !['accept', 'connection', 'host', 'user-agent'].includes(name))).toEqual([]);
    }
    // He looks closer: by his own act, more is asked for.
    await place.getByRole('button', { name: /^Map: / }).press('Enter');
    const closer = bob.page.getByRole('dialog', { name: 'The café at the gate' });
    await closer.locator('.leaflet-tile-loaded').first().waitFor();
    await picture(bob.page, 'location-closer');
    await closer.getByRole('button', { name: 'Close', exact: true }).click();
    await expect(closer).toBeHidden();
    expect(tiles.asked.length).toBeGreaterThan(4);
    // Her card needs the same squares: they are here already.
    await places(alice, 'You').getByRole('button', { name: /^Show map/ }).press('Enter');
    await expect(places(alice, 'You').locator('.place-tiles img')).toHaveCount(4);
    await picture(alice.page, 'location-map');
    const paths = tiles.asked.map(({ path }) => path);
    expect(paths.length).toBe(new Set(paths).size);
  });

  await test.step('another place, chosen on the map', async () => {
    const dialog = await share(bob);
    await dialog.getByRole('button', { name: /^Show map/ }).click();
    const map = dialog.getByRole('application');
    await bob.page.locator('.leaflet-tile-loaded').first().waitFor();
    await map.focus();
    await bob.page.keyboard.press('+');
    await bob.page.keyboard.press('ArrowUp');
    await expect(dialog.getByText('The place in the middle of the map')).toBeVisible();
    await picture(bob.page, 'location-pick');
    await dialog.getByRole('button', { name: 'Send this place' }).click();
    await expect(places(alice, 'Bob Brown')).toHaveCount(1);
    await expect(bob.chatRow('Alice Adams').or(places(bob, 'You')).first()).toBeVisible();
  });

  await test.step('no map without a sign-in', async () => {
    for (const headers of [{}, { Authorization: 'Bearer made-up' }]) expect((await fetch(`${server.origin}/api/v1/maps/1/0/0`, { headers })).status).toBe(401);
  });

  await test.step('who always wants maps has them after a reload, and the server knows no place by name or number', async () => {
    await alice.open('/settings/privacy');
    await alice.page.getByRole('switch', { name: /^Always show maps/ }).check();
    await picture(alice.page, 'location-settings');
    await alice.open();
    await alice.openChat('Bob Brown');
    await expect(alice.page.locator('.place-tiles')).toHaveCount(2);
    for (const secret of ['52.516275', '13.377704', 'The café at the gate', '/8800/']) expect(server.whereIs(secret), secret).toEqual([]);
  });
  await tiles.close();
});
