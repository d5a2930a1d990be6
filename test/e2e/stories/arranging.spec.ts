import { look, lookNarrow } from '../support/look';
import { befriend, expect, test } from '../support/story';

test('chats where one wants them, on all devices', async ({ server, person }) => {
  test.setTimeout(240_000);
  const alice = await person('Alice Adams', { bypassCSP: true });
  const [bob, carol] = [await person('Bob Brown'), await person('Carol Clark')];
  await befriend(server, alice, bob);
  await carol.join(await alice.invite());
  await carol.isInChat(alice.name);
  const { page } = alice;
  await bob.write('first, by Bob');
  await carol.write('then, by Carol');
  await expect(alice.chatRow('Carol Clark').getByText('1 unread message')).toBeAttached();
  const rows = page.locator('.list-pane .chat-row-name');
  await expect(rows).toHaveText(['Carol Clark', 'Bob Brown']);

  const other = await person('Alice Adams');
  await other.signIn();
  const otherRows = other.page.locator('.list-pane .chat-row-name');
  await expect(otherRows).toHaveText(['Carol Clark', 'Bob Brown']);

  const menu = async (name: string, action: string): Promise<void> => {
    await alice.chatRow(name).click({ button: 'right' });
    await page.getByRole('menuitem', { name: action }).click();
  };

  await test.step('pinned, it is before all others', async () => {
    await alice.chatRow('Bob Brown').click({ button: 'right' });
    await expect(page.getByRole('menuitem', { name: 'Pin to the top' })).toBeFocused();
    await look(page, 'list-menu', 'light');
    await page.keyboard.press('Enter');
    await expect(rows).toHaveText(['Bob Brown', 'Carol Clark']);
    await expect(otherRows).toHaveText(['Bob Brown', 'Carol Clark']);
    await expect(alice.chatRow('Bob Brown').getByText('pinned')).toBeAttached();
  });

  await test.step('read and unread', async () => {
    await menu('Carol Clark', 'Mark as read');
    await expect(alice.chatRow('Carol Clark').getByText('1 unread message')).toHaveCount(0);
    await expect(other.chatRow('Carol Clark').getByText('1 unread message')).toHaveCount(0);
    await alice.chatRow('Carol Clark').focus();
    await page.keyboard.press('u');
    await expect(alice.chatRow('Carol Clark').getByText('marked as unread')).toBeAttached();
    await expect(other.chatRow('Carol Clark').getByText('marked as unread')).toBeAttached();
    await other.openChat('Carol Clark');
    await expect(alice.chatRow('Carol Clark').getByText('marked as unread')).toHaveCount(0);
  });

  await test.step('muted, it does not count', async () => {
    await alice.chatRow('Carol Clark').focus();
    await page.keyboard.press('m');
    const dialog = page.getByRole('dialog', { name: 'Mute Carol Clark?' });
    await dialog.getByRole('radio', { name: 'Until I turn it back on' }).click();
    await look(page, 'mute', 'dark');
    await lookNarrow(page, 'mute', 320);
    await dialog.getByRole('button', { name: 'Mute' }).click();
    await expect(alice.chatRow('Carol Clark').getByText('muted')).toBeAttached();
    await expect(other.chatRow('Carol Clark').getByText('muted')).toBeAttached();
    await carol.write('into the silence');
    await expect(alice.chatRow('Carol Clark').getByText('1 unread message')).toBeAttached();
    await expect(page).not.toHaveTitle(/\(1\)/);
  });

  await test.step('archived, it is out of the way until something is new', async () => {
    await menu('Bob Brown', 'Archive');
    await expect(rows).toHaveText(['Carol Clark']);
    await expect(otherRows).toHaveText(['Carol Clark']);
    await page.getByRole('link', { name: '1 archived chat' }).click();
    await expect(page.getByRole('heading', { name: 'Archived chats' })).toBeVisible();
    await expect(rows).toHaveText(['Bob Brown']);
    await look(page, 'archive', 'light');
    await page.getByRole('button', { name: 'Back' }).first().click();
    await bob.write('here I am again');
    await expect(rows).toHaveText(['Bob Brown', 'Carol Clark']);
    await expect(otherRows).toHaveText(['Bob Brown', 'Carol Clark']);
    await menu('Carol Clark', 'Archive');
    await carol.write('still in silence');
    await expect(page.getByRole('link', { name: '1 archived chat' })).toBeVisible();
    await expect(rows).toHaveText(['Bob Brown']);
  });

  await test.step('and it stays so after a reload', async () => {
    await page.reload();
    await expect(rows).toHaveText(['Bob Brown']);
    await page.getByRole('link', { name: '1 archived chat' }).click();
    await expect(alice.chatRow('Carol Clark').getByText('muted')).toBeAttached();
    await alice.chatRow('Carol Clark').click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Unmute' }).click();
    await page.getByRole('button', { name: 'Back' }).first().click();
    await expect(rows).toHaveText(['Carol Clark', 'Bob Brown']);
    await look(page, 'list-arranged', 'dark');
  });
});

test('on a phone, drawn aside', async ({ server, person }) => {
  const alice = await person('Alice Adams', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const bob = await person('Bob Brown');
  await alice.join(server.firstLink);
  await bob.join(await alice.invite());
  await bob.isInChat(alice.name);
  await bob.write('draw me aside');
  const { page } = alice;
  await page.goto(`${server.origin}/`);
  const row = alice.chatRow('Bob Brown');
  await expect(row.getByText('1 unread message')).toBeAttached();
  const swipe = async (by: number): Promise<void> => {
    const box = await row.boundingBox();
    if (!box) throw new Error('no row');
    const session = await page.context().newCDPSession(page);
    const x = box.x + box.width / 2, y = box.y + box.height / 2;
    await session.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [{ x, y }] });
    for (let i = 1; i <= 10; i++) await session.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: [{ x: x + (by * i) / 10, y }] });
    await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  };
  await swipe(120);
  await expect(row.getByText('1 unread message')).toHaveCount(0);
  await swipe(-40); // too short
  await expect(row).toBeVisible();
  await swipe(-120);
  await expect(page.getByRole('link', { name: '1 archived chat' })).toBeVisible();
  await expect(row).toHaveCount(0);
});

test('somebody unknown asks first, and learns nothing', async ({ server, person }) => {
  test.setTimeout(180_000);
  const alice = await person('Alice Adams', { bypassCSP: true });
  const [bob, eve] = [await person('Bob Brown'), await person('Eve Evans')];
  await befriend(server, alice, bob);
  await eve.join(await bob.invite());
  await eve.isInChat(bob.name);
  await eve.open('/chat/alice@localhost');
  await eve.isInChat('alice');
  await eve.write('Do you know me?');
  const { page } = alice;

  await test.step('it is among the requests and not among the chats', async () => {
    await page.getByRole('link', { name: /^1 (contact )?request/ }).click();
    await expect(page.getByText('Do you know me?')).toBeVisible();
    await expect(alice.chatRow('eve')).toHaveCount(0);
    await look(page, 'stranger', 'light');
    await lookNarrow(page, 'stranger', 320);
  });

  await test.step('it is read without a word about that', async () => {
    await page.getByRole('link', { name: 'Read' }).click();
    await expect(page.getByText('Accept to answer')).toBeVisible();
    await expect(page.getByRole('textbox', { name: /^Message to/ })).toHaveCount(0);
    await look(page, 'stranger-chat', 'dark');
    await expect(eve.own('Do you know me?', 'Sent')).toBeVisible();
    expect(alice.guard.frames.filter((frame) => /to="eve@localhost/.test(frame) || /to='eve@localhost/.test(frame))).toEqual([]);
  });

  await test.step('accepted, one answers', async () => {
    await page.getByRole('main').getByRole('button', { name: 'Accept' }).click();
    await alice.composer.waitFor();
    await expect(alice.lock('Encrypted')).toBeVisible();
    await alice.write('Not yet');
    await expect(eve.page.locator('.messages').getByText('Not yet')).toBeVisible();
  });

  await test.step('somebody else is reported', async () => {
    const mallory = await person('Mallory Moss');
    await mallory.join(await bob.invite());
    await mallory.isInChat(bob.name);
    await mallory.open('/chat/alice@localhost');
    await mallory.isInChat('alice');
    await mallory.write('Buy my things');
    await page.getByRole('link', { name: /request/ }).click();
    await page.getByRole('button', { name: 'Report…' }).click();
    const dialog = page.getByRole('dialog', { name: /^Report/ });
    await look(page, 'report', 'light');
    await dialog.getByRole('button', { name: 'Block and report' }).click();
    await expect(page.getByText('Blocked and reported')).toBeVisible();
    await expect(page.getByText('Buy my things')).toHaveCount(0);
  });
});
