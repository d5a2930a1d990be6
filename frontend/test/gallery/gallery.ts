import { expect, type JSHandle, type Locator, type Page, test as base } from '@playwright/test';
import { ar } from '../../src/i18n/ar';
import { de } from '../../src/i18n/de';
import { en, type Catalogue } from '../../src/i18n/en';
import { es } from '../../src/i18n/es';
import { fr } from '../../src/i18n/fr';
import { uk } from '../../src/i18n/uk';
import type { App } from '../../src/stores/app';
import type { FakeCore } from '../fake/core';

export const jonas = 'jonas@linden.example';
export const lena = 'lena@linden.example';
export const sunday = 'sunday@groups.linden.example';
const harvest = 'harvest@groups.linden.example';
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
  readonly missing?: string;
  readonly latency?: number;
  /** What the browser can do: see `fakeBrowser`. */
  readonly device?: string;
}

/** Opens a view and waits until it stands. */
export async function open(page: Page, place: Place = {}): Promise<void> {
  const query = new URLSearchParams({ scene: place.scene ?? 'family', route: place.route ?? '/' });
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

const onePixel = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

async function showMaps(page: Page): Promise<void> {
  for (const at of [1, 0]) {
    // A list that is still being measured moves under a pointer.
    await page.locator('.place').nth(at).locator('.place-ask').dispatchEvent('click');
    await page.locator('.place').nth(at).locator('.place-tiles img').nth(3).waitFor();
  }
}

async function openStickers(page: Page): Promise<void> {
  await page.locator('.composer-emoji').click();
  await page.locator('.emoji-popup [role=tab]').nth(1).click();
  await page.locator('.sticker-panel').waitFor();
}

/** A picture out of the clipboard; runs in the page. */
async function pasteFile(field: Element, name: string): Promise<void> {
  const canvas = new OffscreenCanvas(1600, 1000);
  canvas.getContext('2d')!.fillRect(0, 0, 800, 1000);
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File([await canvas.convertToBlob({ type: 'image/png' })], name, { type: 'image/png' }));
  field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
}

/** The third voice message is playing. On a busy machine rows may still be measured while one presses, and such a press is none. */
export async function hear(page: Page): Promise<void> {
  await expect(async () => {
    if (await page.locator('.voice-on').count() === 0) await page.locator('.voice-play').nth(2).click();
    await expect(page.locator('.voice-on .voice-speed')).toBeVisible({ timeout: 2000 });
  }).toPass();
}

/** There is a microphone, which hears a tone; or asking for it fails so. */
export async function speak(page: Page, refuse?: string): Promise<void> {
  await page.evaluate((name) => {
    navigator.mediaDevices.getUserMedia = () => {
      if (name !== undefined) return Promise.reject(new DOMException('no', name));
      const context = new AudioContext();
      const tone = context.createOscillator();
      const destination = context.createMediaStreamDestination();
      tone.connect(destination);
      tone.start();
      return Promise.resolve(destination.stream);
    };
  }, refuse);
}

/** Something was recorded, and waits. */
export async function recorded(page: Page): Promise<void> {
  await inPage(page, ({ app }, address) => app.conversations.of(address).stageVoice({
    data: new Blob([new Uint8Array(64)], { type: 'audio/wav' }), length: 7300, levels: Uint8Array.from({ length: 64 }, (_, i) => Math.round(Math.abs(Math.sin(i / 5)) * 255)),
  }), jonas);
  await page.locator('.voice-bar .wave').waitFor();
}

/** The button that says this, in whatever language. */
function button(page: Page, says: (words: Catalogue) => string): Locator {
  const names = [ar, de, en, es, fr, uk].map((words) => says(words).replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return page.getByRole('button', { name: new RegExp(`^(${names.join('|')})$`) });
}

async function startPairing(page: Page): Promise<void> {
  await button(page, (words) => words.pairing.start).click();
  await page.locator('dialog .qr').waitFor();
}

/** VIEWS=^group-link looks only at the views of such names. */
function chosen(all: Readonly<Record<string, readonly View[]>>): Readonly<Record<string, readonly View[]>> {
  const only = new RegExp(process.env['VIEWS'] ?? '');
  return Object.fromEntries(Object.entries(all).map(([area, views]) => [area, views.filter((view) => only.test(view.name))] as const).filter(([, views]) => views.length > 0));
}

/** Every view there is, by what it belongs to. */
export const areas: Readonly<Record<string, readonly View[]>> = chosen({
  chats: [
    { name: 'list', route: '/' },
    { name: 'list-arranged', scene: 'arranged', route: '/' },
    { name: 'list-menu', scene: 'arranged', route: '/', act: async (page) => { await page.locator('.chat-row').first().click({ button: 'right' }); await page.locator('.menu').waitFor(); } },
    { name: 'list-family', scene: 'guardian', route: '/', act: async (page) => { await page.locator('.requests-line').nth(1).waitFor(); } },
    { name: 'list-accounts', scene: 'accounts', route: '/', act: async (page) => { await page.locator('.account-dot').waitFor(); } },
    { name: 'accounts', scene: 'accounts', route: '/', act: async (page) => { await page.locator('.list-pane .account-button').click(); await page.locator('.menu').waitFor(); } },
    { name: 'list-wordy', scene: 'wordy', route: '/' },
    { name: 'archived', scene: 'arranged', route: '/archived', act: async (page) => { await page.locator('.archive-hint').waitFor(); } },
    { name: 'archived-none', route: '/archived', act: async (page) => { await page.locator('.archive-hint').waitFor(); } },
    { name: 'empty', scene: 'empty', route: '/' },
    { name: 'offline', scene: 'offline', route: '/', act: async (page) => { await page.locator('.chip').waitFor(); } },
    { name: 'starting', scene: 'starting', route: '/' },
    { name: 'toast', route: '/', act: async (page) => { await inPage(page, ({ app }) => { app.notices.done('saved'); app.notices.error({ code: 'network' }); }); } },
    { name: 'toast-above-dialog', route: chat(jonas), overlay: 'invite', act: async (page) => { await inPage(page, ({ app }) => { app.notices.done('saved'); app.notices.error({ code: 'network' }); }); await page.locator('dialog .toast').nth(1).waitFor(); } },
    { name: 'update', route: chat(jonas), device: 'update', act: async (page) => { await page.locator('.toast').waitFor(); } },
    { name: 'requests', route: '/requests' },
    { name: 'requests-strangers', scene: 'arranged', route: '/requests', act: async (page) => { await page.locator('.request').nth(3).waitFor(); } },
    { name: 'requests-wordy', scene: 'wordy', route: '/requests' },
    { name: 'switcher', route: chat(jonas), overlay: 'switcher' },
    { name: 'switcher-found', route: chat(jonas), overlay: 'switcher', act: async (page) => { await page.locator('dialog input').fill('the'); await page.locator('.switcher-message').first().waitFor(); } },
    { name: 'switcher-none', route: chat(jonas), overlay: 'switcher', act: async (page) => { await page.locator('dialog input').fill('xyzzy'); await page.locator('.switcher-none').waitFor(); } },
    { name: 'shortcuts', route: chat(jonas), overlay: 'shortcuts' },
    { name: 'new-chat', route: chat(jonas), overlay: 'new-chat' },
    { name: 'invite-somebody', route: chat(jonas), overlay: 'invite' },
    { name: 'invite-contact', route: '/i/welcome' },
  ],
  'one chat': [
    { name: 'chat', route: chat(jonas) },
    { name: 'chat-wordy', scene: 'wordy', route: chat(jonas) },
    { name: 'chat-menu', route: chat(jonas), act: async (page) => { await page.locator('.chat-head [aria-haspopup=menu]').click(); await page.locator('.menu').waitFor(); } },
    { name: 'chat-search', route: chat(jonas), act: async (page) => { await page.keyboard.press('Control+f'); await page.locator('.chat-search input').first().fill('the'); await page.locator('.chat-search-place').getByText(/\d/).waitFor(); } },
    { name: 'unread', scene: 'unread', route: chat(lena) },
    { name: 'troubles', scene: 'troubles', route: chat(lena), act: async (page) => { await page.locator('.unreadable-line').first().click(); } },
    { name: 'unencrypted', route: chat('noor@oldserver.example') },
    { name: 'stranger', route: chat('kim@brook.example') },
    { name: 'stranger-wrote', scene: 'arranged', route: chat('kim@brook.example'), act: async (page) => { await page.locator('.chat-notice').waitFor(); } },
    { name: 'request-chat', route: chat('paula@brook.example') },
    { name: 'blocked-chat', route: chat('prize@winner.example') },
    { name: 'own-device', scene: 'own-device', route: chat(sunday) },
    { name: 'crypto-broken', scene: 'crypto-broken', route: chat(jonas) },
    { name: 'opt-out', scene: 'opt-out', route: chat(jonas), act: async (page) => { await page.locator('.chat-notice').waitFor(); } },
    { name: 'opt-out-agreed', scene: 'opt-out', route: chat(jonas), act: async (page) => { await inPage(page, ({ core }) => core.answerOptOut('jonas@linden.example', true)); await page.locator('#composer').waitFor(); } },
    { name: 'message-menu', route: chat(jonas), act: async (page) => { await page.locator('.bubble').last().click({ button: 'right' }); } },
    { name: 'pictures', scene: 'pictures', route: chat(jonas), act: async (page) => { await page.locator('.file-picture img').first().waitFor(); } },
    { name: 'files-staged', route: chat(jonas), act: async (page) => { await page.locator('.composer input[type=file]').setInputFiles([{ name: 'a-picture-with-a-name-that-nobody-would-type.png', mimeType: 'image/png', buffer: Buffer.from('x') }, { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('x'.repeat(5000)) }]); await page.locator('.file-tray').waitFor(); } },
    { name: 'files-untrusted', route: chat(lena), act: async (page) => { await page.locator('.composer input[type=file]').setInputFiles({ name: 'dot.png', mimeType: 'image/png', buffer: onePixel }); await page.locator('.file-tray-one').waitFor(); await page.locator('dialog .chat-notice').waitFor(); } },
    { name: 'findings', scene: 'findings', route: chat(lena), act: async (page) => { await page.locator('.message-alarm').first().waitFor(); } },
    { name: 'details', route: `${chat(lena)}/details` },
    { name: 'details-wordy', scene: 'wordy', route: `${chat(lena)}/details` },
    { name: 'rename', route: `${chat(lena)}/details`, act: async (page) => { await page.locator('.details-name .icon-button').click(); } },
  ],
  voice: [
    { name: 'voice', scene: 'voice', route: chat(jonas), act: async (page) => { await page.locator('.voice').nth(5).waitFor(); } },
    { name: 'voice-playing', scene: 'voice', route: chat(jonas), act: async (page) => { await hear(page); await page.locator('.voice-play').nth(2).click(); } },
    { name: 'voice-elsewhere', scene: 'voice', route: chat(jonas), act: async (page) => { await hear(page); await inPage(page, ({ app }, address) => app.router.go({ name: 'chat', address, details: false }), lena); await page.locator('.player-bar').waitFor(); await page.locator('.player-bar .icon-button').first().click(); } },
    { name: 'voice-recording', route: chat(jonas), act: async (page) => { await speak(page); await page.locator('.composer-mic').press('Enter'); await page.locator('.voice-live').waitFor(); await page.locator('.voice-bar .icon-button').nth(1).click(); await page.locator('.voice-dot-still').waitFor(); } },
    { name: 'voice-recorded', route: chat(jonas), act: async (page) => { await recorded(page); } },
    { name: 'voice-denied', route: chat(jonas), act: async (page) => { await speak(page, 'NotAllowedError'); await page.locator('.composer-mic').click(); await page.locator('.voice-bar-sign').waitFor(); await page.locator('.voice-bar .button').waitFor(); } },
  ],
  stickers: [
    { name: 'stickers', scene: 'stickers', route: chat(jonas), act: async (page) => { await page.locator('.sticker img').nth(2).waitFor(); } },
    { name: 'stickers-stranger', scene: 'stickers', route: chat('kim@brook.example'), act: async (page) => { await page.locator('.sticker-place').waitFor(); } },
    { name: 'sticker-panel', scene: 'stickers', route: chat(jonas), act: async (page) => { await openStickers(page); await page.locator('.sticker-cell img').nth(6).waitFor(); } },
    { name: 'sticker-panel-none', route: chat(jonas), act: async (page) => { await openStickers(page); await page.locator('.sticker-none').waitFor(); } },
    { name: 'sticker-panel-removing', scene: 'stickers', route: chat(jonas), act: async (page) => { await openStickers(page); await page.locator('.sticker-cell img').nth(6).waitFor(); await page.locator('.sticker-actions .button').last().click(); await page.locator('.sticker-removing').first().waitFor(); } },
    { name: 'sticker-remove', scene: 'stickers', route: chat(jonas), act: async (page) => { await openStickers(page); await page.locator('.sticker-actions .button').last().click(); await page.locator('.sticker-removing').first().click(); await page.locator('dialog .sticker-thumb img').waitFor(); } },
    { name: 'sticker-make', scene: 'stickers', route: chat(jonas), act: async (page) => { await openStickers(page); await page.locator('.sticker-actions input').setInputFiles({ name: 'bear.png', mimeType: 'image/png', buffer: onePixel }); await page.locator('.sticker-preview img').waitFor(); } },
    { name: 'sticker-cut', scene: 'stickers', route: chat(jonas), act: async (page) => { await openStickers(page); await page.locator('.sticker-actions input').setInputFiles({ name: 'bear.png', mimeType: 'image/png', buffer: onePixel }); await page.locator('.sticker-preview img').waitFor(); await page.locator('dialog [role=switch]').click(); await page.locator('.crop-view').waitFor(); } },
    { name: 'sticker-pack', scene: 'stickers', route: chat(jonas), act: async (page) => { await page.locator('button.sticker:has(img)').first().click(); await page.locator('.sticker-missing').waitFor(); await page.locator('dialog .sticker-thumb img').nth(5).waitFor(); } },
  ],
  groups: [
    { name: 'group', route: chat(sunday) },
    { name: 'group-wordy', scene: 'wordy', route: chat(sunday) },
    { name: 'places', scene: 'places', route: chat(jonas), act: showMaps },
    { name: 'places-group', scene: 'places', route: chat(sunday), act: async (page) => { await page.locator('.place-ask').first().waitFor(); } },
    { name: 'places-stranger', scene: 'places', route: chat('kim@brook.example'), act: async (page) => { await page.locator('.place-ask').waitFor(); } },
    { name: 'group-polls', scene: 'polls', route: chat(sunday), act: async (page) => { await page.locator('.pin-banner').waitFor(); } },
    { name: 'group-pictures', scene: 'pictures', route: chat(sunday), act: async (page) => { await page.locator('.file-picture img').first().waitFor(); } },
    { name: 'group-mention', route: chat(sunday), act: async (page) => { await page.locator('#composer').fill('Hello @'); await page.locator('.mention').first().waitFor(); } },
    { name: 'reply', route: chat(sunday), act: async (page) => { await page.locator('.bubble').last().click({ button: 'right' }); await page.getByRole('menuitem').first().click(); await page.locator('.staged').waitFor(); } },
    { name: 'emoji', route: chat(sunday), act: async (page) => { await page.locator('.composer-emoji').click(); await page.locator('.emoji').first().waitFor(); } },
    { name: 'delete', route: chat(sunday), act: async (page) => { await page.locator('.bubble').last().click({ button: 'right' }); await page.getByRole('menuitem').last().click(); await page.locator('dialog').waitFor(); } },
    { name: 'group-details', route: `${chat(sunday)}/details`, act: async (page) => { await page.locator('.member').first().waitFor(); } },
    { name: 'group-details-wordy', scene: 'wordy', route: `${chat(sunday)}/details`, act: async (page) => { await page.locator('.member').first().waitFor(); } },
    { name: 'group-member', route: `${chat(sunday)}/details`, act: async (page) => { await page.locator('.member .icon-button').first().click(); } },
    { name: 'group-public', route: `${chat(neighbours)}/details`, act: async (page) => { await page.locator('.member').first().waitFor(); } },
    { name: 'group-invited', route: chat('choir@groups.brook.example') },
    { name: 'group-over', route: chat(sunday), act: async (page) => { await inPage(page, ({ core }, group) => core.endGroup(group), sunday); await page.locator('.chat-notice').waitFor(); } },
    { name: 'public-groups', route: '/groups', act: async (page) => { await page.locator('.room-list li').nth(19).waitFor(); } },
    { name: 'public-groups-address', route: '/groups', act: async (page) => { await page.getByRole('textbox').fill('a.group.with.a.long.name@groups.brook.example'); await page.locator('.page .nav-line').first().waitFor(); } },
    { name: 'public-groups-none', route: '/groups', act: async (page) => { await page.getByRole('textbox').fill('nothing like this'); await page.locator('.room-list').waitFor({ state: 'detached' }); } },
    { name: 'group-link', route: '/g/choir@groups.linden.example', act: async (page) => { await page.locator('.room-card').waitFor(); } },
    { name: 'group-link-closed', route: '/g/closed@groups.linden.example', act: async (page) => { await page.locator('.room-card').waitFor(); } },
    { name: 'group-link-private', route: `/g/${harvest}#3q2-7wAAAAAAAAAAAAAAAA`, act: async (page) => { await page.locator('.room-card .button-primary').waitFor(); } },
    { name: 'group-link-over', route: `/g/${harvest}#AAAAAAAAAAAAAAAAAAAAAA`, act: async (page) => { await page.locator('.page .empty').waitFor(); } },
    { name: 'group-link-child', scene: 'child', route: `/g/${harvest}#3q2-7wAAAAAAAAAAAAAAAA`, act: async (page) => { await page.locator('.page .empty .button-primary').waitFor(); } },
    { name: 'group-link-gone', route: '/g/gone@groups.linden.example', act: async (page) => { await page.locator('.page .empty').waitFor(); } },
  ],
  'ways in': [
    { name: 'sign-in', scene: 'signed-out', route: '/' },
    { name: 'sign-in-wrong', scene: 'signed-out', route: '/', act: async (page) => { await page.locator('button[type=submit]').click(); } },
    { name: 'sign-in-group', scene: 'signed-out', route: `/g/${harvest}#3q2-7wAAAAAAAAAAAAAAAA` },
    { name: 'locked', scene: 'locked', route: '/' },
    { name: 'locked-accounts', scene: 'accounts-locked', route: '/', act: async (page) => { await page.locator('.account-line').first().waitFor(); } },
    { name: 'add-account', route: '/add-account' },
    { name: 'invite-another', scene: 'family', route: '/i/plain', act: async (page) => { await button(page, (words) => words.accounts.create).click(); await page.locator('form').waitFor(); } },
    { name: 'link-another', scene: 'family', route: '/l/undecided' },
    { name: 'invite', scene: 'signed-out', route: '/i/welcome' },
    { name: 'invite-native', scene: 'signed-out', route: '/i/welcome', act: async (page) => { await page.locator('summary').click(); await page.locator('.qr').waitFor(); } },
    { name: 'invite-wrong', scene: 'signed-out', route: '/i/welcome', act: async (page) => { await page.locator('button[type=submit]').click(); await page.locator('.new-password-suggest').click(); } },
    { name: 'invite-first', scene: 'signed-out', route: '/i/first' },
    { name: 'invite-plain', scene: 'signed-out', route: '/i/plain' },
    { name: 'invite-reset', scene: 'signed-out', route: '/i/reset' },
    { name: 'invite-gone', scene: 'signed-out', route: '/i/nope' },
    { name: 'link', scene: 'signed-out', route: '/l/undecided', act: async (page) => { await page.locator('.pairing-number').waitFor(); } },
    { name: 'link-gone', scene: 'signed-out', route: '/l/gone', act: async (page) => { await page.locator('.entry h1').waitFor(); } },
    { name: 'link-occupied', route: '/l/undecided', act: async (page) => { await page.locator('.entry h1').waitFor(); } },
    { name: 'unsupported', missing: 'features' },
    { name: 'insecure', missing: 'insecure' },
  ],
  settings: [
    { name: 'settings', route: '/settings' },
    { name: 'settings-accounts', scene: 'accounts', route: '/settings', act: async (page) => { await page.locator('.settings-accounts').click(); await page.locator('.menu').waitFor(); } },
    { name: 'settings-profile', route: '/settings/profile' },
    { name: 'settings-profile-wordy', scene: 'wordy', route: '/settings/profile' },
    { name: 'settings-profile-picture', scene: 'pictures', route: '/settings/profile', act: async (page) => { await page.locator('.profile-picture img').waitFor(); } },
    { name: 'settings-devices', route: '/settings/devices', act: async (page) => { await button(page, (words) => words.settings.devices.showCode).click(); await page.locator('.qr').waitFor(); } },
    { name: 'settings-device-name', route: '/settings/devices', act: async (page) => { await button(page, (words) => words.settings.devices.giveName).click(); await page.locator('.form input').waitFor(); } },
    { name: 'settings-devices-wordy', scene: 'wordy', route: '/settings/devices', act: async (page) => { await page.locator('.device-list').waitFor(); } },
    { name: 'settings-appearance', route: '/settings/appearance' },
    { name: 'settings-language', route: '/settings/language' },
    { name: 'settings-notifications', route: '/settings/notifications' },
    { name: 'settings-privacy', route: '/settings/privacy' },
    { name: 'settings-privacy-maps', scene: 'places', route: '/settings/privacy' },
    { name: 'settings-app', route: '/settings/app', act: async (page) => { await page.getByText(/23[.,]5|٢٣٫٥/).waitFor(); } },
    { name: 'settings-app-offered', route: '/settings/app', device: 'offered' },
    { name: 'settings-app-by-hand', route: '/settings/app', device: 'by-hand' },
    { name: 'settings-app-installed', route: '/settings/app', device: 'installed' },
    { name: 'settings-blocked', route: '/settings/blocked' },
    { name: 'settings-password', route: '/settings/password' },
    { name: 'settings-family', scene: 'guardian', route: '/settings/family', act: async (page) => { await page.locator('.family-approved summary').click(); } },
    { name: 'settings-family-admin', route: '/settings/family', act: async (page) => { await page.locator('.local-people').waitFor(); } },
    { name: 'settings-family-child', scene: 'child', route: '/settings/family', act: async (page) => { await page.locator('.circle').waitFor(); } },
    { name: 'settings-circle-name', scene: 'guardian', route: '/settings/family', act: async (page) => { await page.locator('.circle-head .icon-button').last().click(); await page.locator('.circle-name').waitFor(); } },
    { name: 'settings-data', route: '/settings/data' },
    { name: 'settings-data-made', route: '/settings/data', act: async (page) => { await page.locator('.section .button').first().click(); await page.locator('a[download]').waitFor(); } },
    { name: 'settings-about', route: '/settings/about' },
  ],
  'dialogs of chats': [
    {
      name: 'new-group', route: chat(jonas), overlay: 'new-group',
      act: async (page) => { await page.locator('.people button').nth(1).click(); await page.locator('.people button').nth(2).click(); },
    },
    { name: 'new-group-public', route: chat(jonas), overlay: 'new-group', act: async (page) => { await page.locator('dialog input[type=radio]').last().check(); } },
    { name: 'add-members', route: chat(sunday), overlay: 'add-members', act: async (page) => { await page.locator('.people').waitFor(); } },
    { name: 'invite-by-link', route: chat(sunday), overlay: 'group-link', act: async (page) => { await page.locator('.group-link .choice-line').first().waitFor(); } },
    { name: 'invite-by-link-made', route: chat(sunday), overlay: 'group-link', act: async (page) => { await page.locator('.group-link .button-primary').click(); await page.locator('.group-link .qr').waitFor(); await page.locator('.group-link-apps summary').click(); } },
    { name: 'invite-by-link-off', route: chat(sunday), overlay: 'group-link', act: async (page) => { await page.locator('.group-link-line .button').first().click(); await page.locator('dialog[role=alertdialog]').waitFor(); } },
    { name: 'leave-group', route: chat(sunday), overlay: 'leave-group', act: async (page) => { await page.locator('.choice-line').first().waitFor(); } },
    { name: 'forward', route: chat(sunday), overlay: 'forward' },
    { name: 'mute', route: chat(sunday), overlay: 'mute' },
    { name: 'timer', scene: 'polls', route: chat(sunday), overlay: 'timer' },
    { name: 'picture', route: chat(jonas), act: async (page) => { await page.locator('#composer').evaluate(pasteFile, 'a lake with a very long name that somebody gave it 2026-11-23.png'); await page.locator('dialog .button-primary').click(); await page.locator('.row-out').last().locator('.file-picture').click(); await page.locator('.picture-view img').waitFor(); } },
    { name: 'pins', scene: 'polls', route: chat(sunday), overlay: 'pins', act: async (page) => { await page.locator('.pins li').nth(1).waitFor(); } },
    { name: 'pins-none', route: chat(sunday), overlay: 'pins' },
    { name: 'location', scene: 'places', route: chat(jonas), overlay: 'location', act: async (page) => { await page.locator('.location-map').click(); await page.locator('.leaflet-tile-loaded').first().waitFor(); } },
    { name: 'place', scene: 'places', route: chat(jonas), act: async (page) => { await inPage(page, ({ app }) => { app.overlays.open({ name: 'place', location: { latitude: 52.516275, longitude: 13.377704, accuracy: 300, name: 'The gate' } }); }); await page.locator('.leaflet-tile-loaded').first().waitFor(); } },
    { name: 'location-denied', scene: 'places', route: chat(jonas), overlay: 'location', act: async (page) => { await page.locator('.location-status button').waitFor(); } },
    { name: 'location-no-maps', route: chat(jonas), overlay: 'location', act: async (page) => { await page.locator('.location-status button').waitFor(); } },
    { name: 'poll', route: chat(sunday), overlay: 'poll', act: async (page) => { await page.locator('.poll-form .button-quiet').click(); await page.locator('.poll-option').nth(2).waitFor(); } },
    { name: 'poll-missing', route: chat(sunday), overlay: 'poll', act: async (page) => { await page.locator('dialog [type=submit]').click(); await page.locator('.poll-missing').getByText(/./).waitFor(); } },
    { name: 'report', scene: 'arranged', route: chat('kim@brook.example'), overlay: 'report' },
    { name: 'group-lock', route: chat(sunday), overlay: 'lock' },
    { name: 'lock', route: chat(lena), overlay: 'lock' },
    { name: 'lock-verified', route: chat(jonas), overlay: 'lock' },
    { name: 'lock-older', scene: 'devices', route: chat(lena), overlay: 'lock', act: async (page) => { await page.locator('.device-actions').first().waitFor(); } },
    { name: 'lock-wordy', scene: 'wordy', route: chat(lena), overlay: 'lock', act: async (page) => { await page.locator('.device').first().waitFor(); } },
    { name: 'verify', route: chat(lena), overlay: 'verify' },
    { name: 'verify-scan', route: chat(lena), overlay: 'verify', act: async (page) => { await page.getByRole('tab').last().click(); } },
    { name: 'message-info', route: chat(jonas), overlay: 'message-info' },
    { name: 'group-message-info', route: chat(sunday), overlay: 'message-info' },
    { name: 'findings-info', scene: 'findings', route: chat(lena), act: async (page) => { await page.locator('.message-alarm').first().click(); await page.locator('.findings').waitFor(); } },
  ],
  'dialogs of settings': [
    { name: 'picture-cut', route: '/settings/profile', act: async (page) => { await page.locator('.picture-edit input').setInputFiles({ name: 'me.png', mimeType: 'image/png', buffer: onePixel }); await page.locator('.crop').waitFor(); } },
    { name: 'guardians', scene: 'guardian', route: '/settings/family', act: async (page) => { await page.locator('.family-guards .text-button').first().click(); await page.locator('dialog[open]').waitFor(); } },
    { name: 'guardian-revokes', scene: 'guardian', route: '/settings/family', act: async (page) => { await page.locator('.family-approved summary').click(); await page.locator('.family-approved .text-button').first().click(); await page.locator('dialog[open]').waitFor(); } },
    { name: 'circle-deleted', scene: 'guardian', route: '/settings/family', act: async (page) => { await page.locator('.circle > .line .button').last().click(); await page.locator('dialog[open]').waitFor(); } },
    { name: 'pairing', route: '/settings/devices', act: async (page) => { await startPairing(page); } },
    { name: 'pairing-opened', route: '/settings/devices', act: async (page) => { await startPairing(page); await inPage(page, ({ core }) => core.tell('pairing', { token: 'link', number: '0417', device: 'Firefox on the old laptop' })); await page.locator('.pairing-number').waitFor(); } },
    { name: 'pairing-done', route: '/settings/devices', act: async (page) => { await startPairing(page); await inPage(page, ({ core }) => core.tell('pairing', { token: 'link', number: '0417', device: '' })); await page.locator('dialog .button-primary').click(); await page.locator('.pairing-state').waitFor(); } },
    { name: 'sign-out', route: '/settings', overlay: 'sign-out' },
    { name: 'sign-out-accounts', scene: 'accounts', route: '/settings', overlay: 'sign-out' },
    { name: 'delete-account', route: '/settings/data', overlay: 'delete-account' },
    { name: 'delete-account-wrong', route: '/settings/data', overlay: 'delete-account', act: async (page) => { await page.locator('dialog [type=submit]').click(); await page.locator('dialog [aria-invalid=true]').waitFor(); } },
  ],
});

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
