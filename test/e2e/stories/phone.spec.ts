import { devices } from '@playwright/test';
import { picture } from '../support/pictures';
import { befriend, expect, test } from '../support/story';

const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, userAgent: devices['Pixel 7'].userAgent } as const;

for (const [name, ways] of [['390 wide, dark', { ...phone, colorScheme: 'dark' }], ['320 wide, light', { ...phone, viewport: { width: 320, height: 568 } }]] as const) {
  test(`on a phone, ${name}: one thing at a time, by touch`, async ({ server, person }) => {
    const alice = await person('Alice Adams');
    const bob = await person('Bob Brown', ways);
    const { page } = bob;
    await befriend(server, alice, bob);

    await test.step('a chat', async () => {
      await expect(page.getByRole('navigation', { name: 'Chats' })).toBeHidden();
      await alice.tell(bob, 'Where are you?');
      await bob.composer.tap();
      await page.keyboard.type('On the ferry,');
      await page.keyboard.press('Enter');
      await page.keyboard.type('nearly there');
      await expect(bob.composer).toHaveValue('On the ferry,\nnearly there');
      await page.getByRole('button', { name: 'Send' }).tap();
      await expect(alice.page.getByRole('group', { name: /^Bob Brown, .*On the ferry, nearly there$/ })).toBeVisible();
      await expect(bob.composer).toBeFocused();
      await expect(page.getByRole('group', { name: /nearly there, Read$/ })).toBeInViewport();
      await picture(page, 'phone-writing');
    });

    await test.step('back to the list, by the button and by the system', async () => {
      await page.getByRole('button', { name: 'Back' }).tap();
      await expect(page.getByRole('navigation', { name: 'Chats' })).toBeVisible();
      await expect(bob.composer).toBeHidden();
      await alice.write('Good!');
      await expect(bob.chatRow('Alice Adams').getByText('1 unread message')).toBeAttached();
      await picture(page, 'phone-list');
      await bob.chatRow('Alice Adams').tap();
      await bob.isInChat('Alice Adams');
      await expect(bob.from('Alice Adams', 'Good!')).toBeInViewport();
      await page.goBack();
      await expect(page.getByRole('navigation', { name: 'Chats' })).toBeVisible();
      await page.goForward();
      await bob.isInChat('Alice Adams');
    });

    await test.step('details, and back', async () => {
      await page.locator('.chat-head-who').tap();
      await expect(page.getByRole('heading', { name: 'Details' })).toBeVisible();
      await expect(bob.composer).toBeHidden();
      await page.goBack();
      await expect(bob.composer).toBeVisible();
    });

    await test.step('settings, turned around', async () => {
      await bob.open('/settings');
      await page.getByRole('link', { name: 'Devices' }).tap();
      await expect(page.getByRole('heading', { name: 'Devices', level: 1 })).toBeVisible();
      const { width, height } = ways.viewport;
      await page.setViewportSize({ width: height, height: width });
      await expect(page.getByText('This browser')).toBeVisible();
      await picture(page, 'phone-turned');
      await page.setViewportSize({ width, height });
      await page.getByRole('button', { name: 'Back' }).first().tap();
      await expect(page.getByRole('heading', { name: 'Settings' })).toBeVisible();
    });
  });
}
