import { expect, type JSHandle, type Page, test as base } from '@playwright/test';
import type { App } from '../../src/stores/app';
import type { FakeCore } from '../fake/core';

export const jonas = 'jonas@linden.example';
export const lena = 'lena@linden.example';
export const sunday = 'sunday@groups.linden.example';
export const neighbours = 'neighbours@groups.linden.example';

export const sizes = {
  desktop: { width: 1280, height: 800 },
  tablet: { width: 768, height: 1024 },
  phone: { width: 390, height: 844 },
  small: { width: 320, height: 568 },
} as const;

export interface Place {
  readonly scene?: string;
  readonly route?: string;
  readonly rtl?: boolean;
  readonly missing?: string;
  readonly latency?: number;
  /** What the browser can do: see `fakeBrowser`. */
  readonly device?: string;
}

/** Opens a view and waits until it stands. */
export async function open(page: Page, place: Place = {}): Promise<void> {
  const query = new URLSearchParams({ scene: place.scene ?? 'family', route: place.route ?? '/' });
  if (place.rtl) query.set('dir', 'rtl');
  if (place.missing) query.set('missing', place.missing);
  if (place.device) query.set('device', place.device);
  if (place.latency !== undefined) query.set('latency', String(place.latency));
  await page.goto(`/gallery.html?${query}`);
  await page.locator('#main, .splash').first().waitFor({ state: 'attached' });
  if (place.route?.startsWith('/chat/') && !place.missing) await page.locator('.messages-settled').waitFor({ state: 'attached' });
}

type Kith = { readonly core: FakeCore; readonly app: App };

/** What the page's core and stores are asked to do, in the page. */
export async function inPage<T, A = undefined>(page: Page, act: (kith: Kith, given: A) => T | Promise<T>, given?: A): Promise<T> {
  const kith: JSHandle<Kith> = await page.evaluateHandle('window.kith');
  return kith.evaluate<T, unknown>(act as (kith: Kith, given: unknown) => T | Promise<T>, given);
}

/** A page that may complain: for tests of what is refused. */
export const unwatched = base;

/** A page that must stay without console errors and without requests to anybody else. */
export const test = base.extend<{ clean: void }>({
  clean: [async ({ page, baseURL }, use) => {
    const wrong: string[] = [];
    page.on('console', (message) => { if (message.type() === 'error' || message.type() === 'warning') wrong.push(message.text()); });
    page.on('pageerror', (error) => wrong.push(String(error)));
    page.on('request', (request) => { if (!request.url().startsWith(baseURL ?? '') && !/^(data|blob):/.test(request.url())) wrong.push(`asked ${request.url()}`); });
    await use();
    expect(wrong).toEqual([]);
  }, { auto: true }],
});

export { expect };

export interface View extends Place {
  readonly name: string;
  /** Opens a dialog above it. */
  readonly overlay?: string;
  /** Something to do first. */
  readonly act?: (page: Page) => Promise<void>;
}

const chat = (address: string): string => `/chat/${address}`;

/** Every view there is. */
export const views: readonly View[] = [
  { name: 'list', route: '/' },
  { name: 'chat', route: chat(jonas) },
  { name: 'unread', scene: 'unread', route: chat(lena) },
  { name: 'troubles', scene: 'troubles', route: chat(lena), act: async (page) => { await page.locator('.unreadable-line').first().click(); } },
  { name: 'unencrypted', route: chat('noor@oldserver.example') },
  { name: 'stranger', route: chat('kim@brook.example') },
  { name: 'request-chat', route: chat('paula@brook.example') },
  { name: 'blocked-chat', route: chat('prize@winner.example') },
  { name: 'crypto-broken', scene: 'crypto-broken', route: chat(jonas) },
  { name: 'message-menu', route: chat(jonas), act: async (page) => { await page.locator('.bubble').last().click({ button: 'right' }); } },
  { name: 'group', route: chat(sunday) },
  { name: 'group-mention', route: chat(sunday), act: async (page) => { await page.locator('#composer').fill('Hello @'); await page.locator('.mention').first().waitFor(); } },
  { name: 'reply', route: chat(sunday), act: async (page) => { await page.locator('.bubble').last().click({ button: 'right' }); await page.getByRole('menuitem').first().click(); await page.locator('.staged').waitFor(); } },
  { name: 'emoji', route: chat(sunday), act: async (page) => { await page.locator('.composer-emoji').click(); await page.locator('.emoji').first().waitFor(); } },
  { name: 'forward', route: chat(sunday), overlay: 'forward' },
  { name: 'delete', route: chat(sunday), act: async (page) => { await page.locator('.bubble').last().click({ button: 'right' }); await page.getByRole('menuitem').last().click(); await page.locator('dialog').waitFor(); } },
  { name: 'group-details', route: `${chat(sunday)}/details`, act: async (page) => { await page.locator('.member').first().waitFor(); } },
  { name: 'group-member', route: `${chat(sunday)}/details`, act: async (page) => { await page.locator('.member .icon-button').first().click(); } },
  { name: 'group-public', route: `${chat(neighbours)}/details`, act: async (page) => { await page.locator('.member').first().waitFor(); } },
  { name: 'group-invited', route: chat('choir@groups.brook.example') },
  { name: 'group-over', route: chat(sunday), act: async (page) => { await inPage(page, ({ core }, group) => core.endGroup(group), sunday); await page.locator('.chat-notice').waitFor(); } },
  { name: 'details', route: `${chat(lena)}/details` },
  { name: 'rename', route: `${chat(lena)}/details`, act: async (page) => { await page.locator('.details-name .icon-button').click(); } },
  { name: 'requests', route: '/requests' },
  { name: 'empty', scene: 'empty', route: '/' },
  { name: 'offline', scene: 'offline', route: '/', act: async (page) => { await page.locator('.chip').waitFor(); } },
  { name: 'sign-in', scene: 'signed-out', route: '/' },
  { name: 'sign-in-wrong', scene: 'signed-out', route: '/', act: async (page) => { await page.locator('button[type=submit]').click(); } },
  { name: 'locked', scene: 'locked', route: '/' },
  { name: 'invite', scene: 'signed-out', route: '/i/welcome' },
  { name: 'invite-native', scene: 'signed-out', route: '/i/welcome', act: async (page) => { await page.locator('summary').click(); await page.locator('.qr').waitFor(); } },
  { name: 'invite-wrong', scene: 'signed-out', route: '/i/welcome', act: async (page) => { await page.locator('button[type=submit]').click(); await page.locator('.new-password-suggest').click(); } },
  { name: 'invite-first', scene: 'signed-out', route: '/i/first' },
  { name: 'invite-plain', scene: 'signed-out', route: '/i/plain' },
  { name: 'invite-gone', scene: 'signed-out', route: '/i/nope' },
  { name: 'invite-contact', route: '/i/welcome' },
  { name: 'unsupported', missing: 'features' },
  { name: 'insecure', missing: 'insecure' },
  { name: 'settings', route: '/settings' },
  { name: 'settings-profile', route: '/settings/profile' },
  { name: 'settings-devices', route: '/settings/devices', act: async (page) => { await page.getByRole('button', { name: /Show my code|Meinen Code/ }).click(); await page.locator('.qr').waitFor(); } },
  { name: 'settings-appearance', route: '/settings/appearance' },
  { name: 'settings-language', route: '/settings/language' },
  { name: 'settings-notifications', route: '/settings/notifications' },
  { name: 'settings-app', route: '/settings/app', act: async (page) => { await page.getByText('23.5').waitFor(); } },
  { name: 'settings-app-offered', route: '/settings/app', device: 'offered' },
  { name: 'settings-app-by-hand', route: '/settings/app', device: 'by-hand' },
  { name: 'settings-app-installed', route: '/settings/app', device: 'installed' },
  { name: 'update', route: chat(jonas), device: 'update', act: async (page) => { await page.locator('.toast').waitFor(); } },
  { name: 'settings-blocked', route: '/settings/blocked' },
  { name: 'settings-password', route: '/settings/password' },
  { name: 'settings-about', route: '/settings/about' },
  { name: 'new-chat', route: chat(jonas), overlay: 'new-chat' },
  {
    name: 'new-group', route: chat(jonas), overlay: 'new-group',
    act: async (page) => { await page.locator('.people button').nth(1).click(); await page.locator('.people button').nth(2).click(); },
  },
  { name: 'add-members', route: chat(sunday), overlay: 'add-members', act: async (page) => { await page.locator('.people').waitFor(); } },
  { name: 'leave-group', route: chat(sunday), overlay: 'leave-group', act: async (page) => { await page.locator('.choice-line').first().waitFor(); } },
  { name: 'group-lock', route: chat(sunday), overlay: 'lock' },
  { name: 'group-message-info', route: chat(sunday), overlay: 'message-info' },
  { name: 'invite-somebody', route: chat(jonas), overlay: 'invite' },
  { name: 'switcher', route: chat(jonas), overlay: 'switcher' },
  { name: 'shortcuts', route: chat(jonas), overlay: 'shortcuts' },
  { name: 'sign-out', route: '/settings', overlay: 'sign-out' },
  { name: 'lock', route: chat(lena), overlay: 'lock' },
  { name: 'lock-verified', route: chat(jonas), overlay: 'lock' },
  { name: 'verify', route: chat(lena), overlay: 'verify' },
  { name: 'verify-scan', route: chat(lena), overlay: 'verify', act: async (page) => { await page.getByRole('tab').last().click(); } },
  { name: 'message-info', route: chat(jonas), overlay: 'message-info' },
  { name: 'toast', route: '/', act: async (page) => { await inPage(page, ({ app }) => { app.notices.done('saved'); app.notices.error({ code: 'network' }); }); } },
];

/** Opens a view with everything that belongs to it. */
export async function show(page: Page, view: View): Promise<void> {
  await open(page, view);
  if (view.overlay) {
    await inPage(page, ({ app, core }, name) => {
      const route = app.router.get();
      const address = route.name === 'chat' ? route.address : '';
      const message = core.world.messages.find((it) => it.outgoing && (it.chat === address || address === ''));
      app.overlays.open({ name, address, message } as never);
    }, view.overlay);
    await page.locator('dialog[open]').waitFor();
  }
  await view.act?.(page);
}
