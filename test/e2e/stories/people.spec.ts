/** Pictures of people and groups, public groups, and the way into them. */
import type { Page } from '@playwright/test';
import { look, lookNarrow } from '../support/look';
import type { Person } from '../support/person';
import { befriend, expect, test } from '../support/story';

/** A photo, drawn in the page: sky, sun and sea, wider than high. */
async function photo(page: Page): Promise<{ name: string; mimeType: string; buffer: Buffer }> {
  const url = await page.evaluate(() => {
    const canvas = document.createElement('canvas');
    canvas.width = 900;
    canvas.height = 600;
    const pen = canvas.getContext('2d');
    if (!pen) throw new Error('no canvas');
    const sky = pen.createLinearGradient(0, 0, 0, 600);
    for (const [at, colour] of [[0, '#27496d'], [0.55, '#f2a65a'], [0.56, '#2f5d62'], [1, '#10282b']] as const) sky.addColorStop(at, colour);
    pen.fillStyle = sky;
    pen.fillRect(0, 0, 900, 600);
    pen.fillStyle = '#ffe8b5';
    pen.beginPath();
    pen.arc(450, 300, 90, 0, 7);
    pen.fill();
    return canvas.toDataURL('image/jpeg', 0.9);
  });
  return { name: 'IMG_0001.jpg', mimeType: 'image/jpeg', buffer: Buffer.from(url.split(',')[1] ?? '', 'base64') };
}

/** The picture that stands for somebody is really there, not only an element for it. */
async function shown(page: Page, where: string): Promise<void> {
  await expect.poll(() => page.locator(`${where} img.avatar-picture`).first().evaluate((image: HTMLImageElement) => image.naturalWidth).catch(() => 0)).toBeGreaterThan(100);
}

async function setPicture(person: Person, where: Page): Promise<void> {
  const [chooser] = await Promise.all([where.waitForEvent('filechooser'), where.getByRole('button', { name: 'Choose a picture' }).click()]);
  await chooser.setFiles(await photo(person.page));
}

test('faces instead of letters', async ({ server, person }) => {
  test.setTimeout(240_000);
  const alice = await person('Alice Adams', { bypassCSP: true });
  const [bob, mallory] = [await person('Bob Brown'), await person('Mallory Moss')];
  await befriend(server, alice, bob);

  await test.step('a photo is cut by keys, and what the others get is small and new', async () => {
    await alice.open('/settings/profile');
    await look(alice.page, 'profile', 'light');
    await setPicture(alice, alice.page);
    const dialog = alice.page.getByRole('dialog', { name: 'Which part shall be seen?' });
    await dialog.getByRole('img').focus();
    for (const key of ['+', '+', '+', 'ArrowRight', 'ArrowDown']) await alice.page.keyboard.press(key);
    await expect(dialog.getByLabel('Size')).not.toHaveValue('0');
    await look(alice.page, 'picture-crop', 'light');
    await lookNarrow(alice.page, 'picture-crop', 320);
    await dialog.getByRole('button', { name: 'Use this' }).click();
    await expect(dialog).toBeHidden();
    await shown(alice.page, '.profile-picture');
    await look(alice.page, 'profile-picture', 'light');
  });

  await test.step('the contact sees it everywhere, at once and without a connection', async () => {
    await shown(bob.page, '.list-pane');
    await shown(bob.page, '.chat-head');
    await bob.isWhole();
    await bob.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    await bob.context.setOffline(true);
    await bob.page.reload();
    await shown(bob.page, '.list-pane');
    await bob.context.setOffline(false);
    await bob.isOnline();
  });

  await test.step('a stranger who asks sees nothing, and nothing of theirs is fetched', async () => {
    await mallory.join(await server.invite());
    await mallory.open('/settings/profile');
    await setPicture(mallory, mallory.page);
    await mallory.page.getByRole('button', { name: 'Use this' }).click();
    await shown(mallory.page, '.profile-picture');
    await mallory.open();
    await mallory.isIn();
    await mallory.addByAddress(alice.address);
    await alice.open('/requests');
    await expect(alice.page.getByRole('heading', { name: 'Mallory Moss' })).toBeVisible();
    await expect(alice.page.locator('.request img')).toHaveCount(0);
    await expect(mallory.page.locator('.main-pane img')).toHaveCount(0);
    expect(alice.guard.frames.some((frame) => frame.includes('avatar:data') && frame.includes('mallory'))).toBe(false);
    await alice.page.getByRole('button', { name: 'Accept' }).click();
    await shown(mallory.page, '.chat-head');
  });

  await test.step('it is taken away again', async () => {
    await alice.open('/settings/profile');
    await alice.page.getByRole('button', { name: 'Remove it' }).click();
    await expect(alice.page.locator('.profile-picture img')).toHaveCount(0);
    await expect(bob.page.locator('.chat-head img')).toHaveCount(0);
  });
});

test('a public group is found, joined by a link, and says that it is not encrypted', async ({ server, person }) => {
  test.setTimeout(240_000);
  const alice = await person('Alice Adams', { bypassCSP: true });
  const [bob, carol] = [await person('Bob Brown'), await person('Carol Clark')];
  await befriend(server, alice, bob);
  await carol.join(await server.invite());

  await test.step('there is none yet', async () => {
    await alice.page.keyboard.press('Alt+n');
    await alice.page.getByRole('button', { name: /^Public groups/ }).click();
    await expect(alice.page.getByText('There are no public groups yet')).toBeVisible();
    await look(alice.page, 'public-groups-none', 'light');
  });

  await test.step('one is made, in plain words', async () => {
    await alice.page.getByRole('main').getByRole('button', { name: 'New public group' }).last().click();
    const dialog = alice.page.getByRole('dialog', { name: 'New group' });
    await expect(dialog.getByRole('radio', { name: /^Everybody/ })).toBeChecked();
    await dialog.getByLabel('Name of the group').fill('Neighbours of Mill Lane');
    await dialog.getByLabel('What is it about?').fill('Lost cats, spare ladders, street parties.');
    await look(alice.page, 'new-public-group', 'light');
    await lookNarrow(alice.page, 'new-public-group', 320);
    await dialog.getByRole('button', { name: 'Create group' }).click();
    await alice.isInChat('Neighbours of Mill Lane');
    await expect(alice.lock('Not encrypted')).toBeVisible();
    await alice.lock('Not encrypted').click();
    await expect(alice.page.getByRole('dialog').getByText('everybody may come in and read, so nothing is encrypted')).toBeVisible();
    await alice.page.keyboard.press('Escape');
  });

  let link = '';
  await test.step('it gets a picture', async () => {
    await alice.page.getByRole('main').getByRole('button', { name: 'Group details' }).last().click();
    await setPicture(alice, alice.page);
    await alice.page.getByRole('button', { name: 'Use this' }).click();
    await shown(alice.page, '.details');
    await shown(alice.page, '.list-pane');
    await look(alice.page, 'public-group-details', 'light');
    await alice.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await alice.page.getByRole('button', { name: 'Copy link to the group' }).click();
    link = await alice.page.evaluate(() => navigator.clipboard.readText());
    expect(link).toMatch(/^http:\/\/localhost:\d+\/g\/neighbours-of-mill-lane-[0-9a-f]{4}@groups\.localhost$/);
  });

  await test.step('somebody finds it by a word of what it is about, and goes in', async () => {
    await bob.open('/groups');
    await bob.page.getByLabel('Name or address of a group').fill('ladders');
    await bob.page.getByRole('button', { name: /Neighbours of Mill Lane/ }).click();
    await expect(bob.page.getByText('it is not encrypted')).toBeVisible();
    await bob.page.getByRole('button', { name: 'Join the group' }).click();
    await bob.isInChat('Neighbours of Mill Lane');
    await shown(bob.page, '.chat-head');
    await alice.page.keyboard.press('Alt+n');
    await alice.page.getByRole('button', { name: /^Public groups/ }).click();
    await expect(alice.page.getByText('2 people here now · You are in it')).toBeVisible();
    await look(alice.page, 'public-groups', 'light');
    await lookNarrow(alice.page, 'public-groups', 320);
  });

  await test.step('somebody else by the link, also after signing in', async () => {
    await carol.page.goto(link);
    await expect(carol.page.getByRole('heading', { name: 'Neighbours of Mill Lane' })).toBeVisible();
    await carol.page.getByRole('button', { name: 'Join the group' }).click();
    await carol.isInChat('Neighbours of Mill Lane');
    await carol.composer.fill('a grey cat sits on our roof');
    await carol.page.keyboard.press('Enter');
    await carol.page.getByRole('button', { name: 'Send unencrypted' }).click();
    await expect(bob.page.getByRole('group', { name: /^Carol Clark, at [\d:]+: a grey cat sits on our roof/ })).toBeVisible();
  });

  await test.step('a link that the system hands over leads there, too', async () => {
    await alice.open(`/open/${encodeURIComponent(`xmpp:${link.split('/g/')[1] ?? ''}?join`)}`);
    await alice.isInChat('Neighbours of Mill Lane');
    await alice.open('/g/nothing@groups.localhost');
    await expect(alice.page.getByText('There is no group here')).toBeVisible();
    await look(alice.page, 'group-link-gone', 'light');
  });

  await test.step('and out again', async () => {
    await bob.page.getByRole('main').getByRole('button', { name: 'Group details' }).last().click();
    await bob.page.getByRole('button', { name: 'Leave group' }).click();
    await bob.page.getByRole('alertdialog').getByRole('button', { name: 'Leave group' }).click();
    await bob.chatRow('Neighbours of Mill Lane').click();
    await expect(bob.page.getByText('You have left this group.')).toBeVisible();
  });
});
