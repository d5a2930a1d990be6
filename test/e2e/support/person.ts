/** Somebody who uses the web app, in a browser profile of their own, by what can be seen and heard there. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, expect, type Locator, type Page } from '@playwright/test';
import { launchOptions } from './chromium';
import { Guard } from './guard';
import type { Server } from './server';

export type State = 'Waiting to be sent' | 'Sent' | 'Delivered' | 'Read' | 'Not sent';

export interface Line {
  /** `You`, or the name of the other one. */
  readonly who: string;
  readonly text: string;
  /** Of own messages. */
  readonly state?: State;
}

export interface Ways extends BrowserContextOptions {
  /** Browsers without SharedWorker, such as Chrome on Android. */
  readonly withoutSharedWorker?: boolean;
  /** The profile is kept on disk: `closeBrowser` and `openBrowser` work. */
  readonly lasting?: boolean;
}

const password = 'correct horse battery staple';

export class Person {
  readonly password = password;
  readonly guard: Guard;
  context!: BrowserContext;
  page!: Page;
  private profile: string | undefined;

  private constructor(readonly name: string, readonly server: Server, private readonly ways: Ways) {
    this.guard = new Guard(name, server);
  }

  /** With an open browser, at no page yet. */
  static async arrive(browser: Browser, server: Server, name: string, ways: Ways = {}): Promise<Person> {
    const person = new Person(name, server, ways);
    if (ways.lasting) {
      person.profile = mkdtempSync(join(tmpdir(), 'kith-profile-'));
      await person.openBrowser();
    } else {
      await person.settle(await browser.newContext(person.options));
    }
    return person;
  }

  get address(): string {
    return `${this.name.split(' ')[0]?.toLowerCase() ?? ''}@localhost`;
  }

  private get options(): BrowserContextOptions {
    const { withoutSharedWorker: _, lasting: __, ...options } = this.ways;
    return { locale: 'en-GB', timezoneId: 'Europe/Berlin', reducedMotion: 'reduce', viewport: { width: 1280, height: 800 }, ...options };
  }

  // ── the browser ──

  async openBrowser(): Promise<void> {
    if (this.profile === undefined) throw new Error('this profile does not last');
    await this.settle(await chromium.launchPersistentContext(this.profile, { ...launchOptions, ...this.options }));
  }

  async closeBrowser(): Promise<void> {
    await this.context.close();
  }

  async leave(): Promise<void> {
    await this.context.close();
    if (this.profile !== undefined) rmSync(this.profile, { recursive: true, force: true });
  }

  private async settle(context: BrowserContext): Promise<void> {
    this.context = context;
    await this.guard.watch(context);
    if (this.ways.withoutSharedWorker) await context.addInitScript(() => { Reflect.deleteProperty(globalThis, 'SharedWorker'); });
    this.page = context.pages()[0] ?? await context.newPage();
  }

  /** Another tab of the same profile, which becomes the one that is used. */
  async newTab(): Promise<Page> {
    this.page = await this.context.newPage();
    await this.open();
    return this.page;
  }

  async open(path = '/'): Promise<void> {
    await this.page.goto(`${this.server.origin}${path}`);
  }

  // ── coming in ──

  /** Opens an invitation and makes an account with it. */
  async join(link: string): Promise<void> {
    await this.page.goto(link);
    await this.page.getByLabel('Your name').fill(this.name);
    await this.page.getByLabel('User name').fill(this.name.split(' ')[0]?.toLowerCase() ?? '');
    await this.page.getByLabel('Password', { exact: true }).fill(this.password);
    await this.page.getByRole('button', { name: 'Create account' }).click();
    await this.isIn();
  }

  async signIn(secret = this.password): Promise<void> {
    await this.open();
    await this.fillSignIn(this.address.split('@')[0] ?? '', secret);
    await this.isIn();
  }

  async fillSignIn(name: string, secret: string): Promise<void> {
    await this.page.getByRole('textbox', { name: 'Name', exact: true }).fill(name);
    await this.page.getByLabel('Password', { exact: true }).fill(secret);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
  }

  /** The app is there: the list of chats, or what stands in its place. */
  async isIn(): Promise<void> {
    await expect(this.page.getByRole('heading', { name: 'Chats' }).or(this.page.getByLabel(/^Message to /)).first()).toBeVisible();
  }

  /** Gives the link that invites somebody. */
  async invite(): Promise<string> {
    const { page } = this;
    await page.keyboard.press('Alt+n');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: /Invite somebody/ }).click();
    const link = await dialog.getByRole('textbox', { name: 'Invitation link' }).inputValue();
    await page.keyboard.press('Escape');
    await expect(dialog).toBeHidden();
    return link;
  }

  /** Sends a contact request, and is in the chat then. */
  async addByAddress(address: string): Promise<void> {
    await this.page.keyboard.press('Alt+n');
    await this.page.getByLabel('Name or address').fill(address);
    await this.page.getByRole('button', { name: `Add ${address}` }).click();
    await expect(this.page.getByRole('dialog')).toBeHidden();
  }

  // ── chats ──

  chatRow(name: string): Locator {
    return this.page.getByRole('navigation', { name: 'Chats' }).getByRole('link', { name: new RegExp(`^(\\W|[A-Z]{1,2}\\b)*${escape(name)}`) });
  }

  async openChat(name: string): Promise<void> {
    await this.chatRow(name).click();
    await this.isInChat(name);
  }

  async isInChat(name: string): Promise<void> {
    await expect(this.page.getByLabel(`Message to ${name}`)).toBeVisible();
    await this.page.locator('.messages-settled').waitFor({ state: 'attached' });
  }

  get composer(): Locator {
    return this.page.getByLabel(/^Message to /);
  }

  /** Types a message and sends it. */
  async write(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.page.keyboard.press('Enter');
    await expect(this.composer).toHaveValue('');
  }

  /** A message that was written here, in a state or in any. */
  own(text: string, ...states: readonly State[]): Locator {
    const state = states.length > 0 ? `(${states.join('|')})` : '[^,]+';
    return this.page.getByRole('group', { name: new RegExp(`^You, at [\\d:]+: ${escape(text)}, ${state}$`) });
  }

  /** A message from somebody else. */
  from(name: string, text: string): Locator {
    return this.page.getByRole('group', { name: new RegExp(`^${escape(name)}, at [\\d:]+: ${escape(text)}$`) });
  }

  /** Writes it and waits until it has arrived there. */
  async tell(other: Person, text: string): Promise<void> {
    await this.write(text);
    await expect(other.from(this.name, text)).toBeVisible();
  }

  lock(name: 'Encrypted' | 'Encrypted and verified' | 'Not encrypted' | 'Checking encryption…'): Locator {
    return this.page.getByRole('main').getByRole('button', { name, exact: true });
  }

  /** The chip that tells of a lost connection. */
  get chip(): Locator {
    return this.page.locator('.chip');
  }

  async isOnline(): Promise<void> {
    await expect(this.page.locator('.connection [role=status]')).toHaveText('');
    await expect(this.chip).toHaveCount(0);
  }

  /** The page has fetched also the views that nobody has opened yet, as it does shortly after it has started. */
  async isWhole(): Promise<void> {
    await this.page.waitForFunction(() => {
      const files = performance.getEntriesByType('resource').filter((entry) => (entry as PerformanceResourceTiming).responseEnd > 0).map((entry) => entry.name);
      return ['LockDialog', 'Switcher', 'Details', 'SettingsPane'].every((part) => files.some((file) => file.includes(`/${part}-`)));
    });
  }

  /** The open chat from its beginning (or from what is here, without a connection) to its end, as it is seen while scrolling through it. */
  async transcript(from: 'beginning' | 'here' = 'beginning'): Promise<Line[]> {
    const labels = await this.page.locator('.messages').evaluate(async (scroller, whole) => {
      const frame = (): Promise<void> => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())));
      while (whole && !scroller.querySelector('.chat-start')) {
        scroller.scrollTop = 0;
        await frame();
      }
      const seen = new Map<string, string>();
      let at = scroller.scrollTop = 0;
      let strayed = 0;
      for (;;) {
        await frame();
        // While rows are measured the list may still be on its way to the end. What is skipped would look like what was lost.
        if (scroller.scrollTop - at > (at === 0 ? 1 : scroller.clientHeight / 2)) {
          if (++strayed > 50) throw new Error(`the list does not stay where it is put, at ${at}`);
          scroller.scrollTop = at;
          continue;
        }
        const view = scroller.getBoundingClientRect();
        for (const row of scroller.querySelectorAll<HTMLElement>('[data-key]')) {
          const box = row.getBoundingClientRect();
          if (box.bottom > view.top && box.top < view.bottom) seen.set(row.dataset['key'] ?? '', row.getAttribute('aria-label') ?? `? ${row.innerText}`);
        }
        if (scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 1) break;
        scroller.scrollTop += scroller.clientHeight / 2;
        at = scroller.scrollTop;
      }
      return [...seen.values()];
    }, from === 'beginning');
    return labels.map(lineOf);
  }

  // ── what the browser keeps ──

  /** Everything in the databases and storages of this origin, as text. */
  async stored(): Promise<string> {
    return this.page.evaluate(async () => {
      const text = (value: unknown): string => JSON.stringify(value, (_, it: unknown) => (it instanceof Uint8Array ? new TextDecoder('latin1').decode(it) : it instanceof CryptoKey ? `key, extractable: ${it.extractable}` : it)) ?? '';
      const whole: string[] = [text({ ...localStorage }), text({ ...sessionStorage }), document.cookie];
      for (const { name } of await indexedDB.databases()) {
        if (name === undefined) continue;
        const database = await new Promise<IDBDatabase>((resolve, reject) => {
          const opening = indexedDB.open(name);
          opening.onsuccess = () => resolve(opening.result);
          opening.onerror = () => reject(new Error(opening.error?.message));
        });
        for (const store of database.objectStoreNames) {
          const values = await new Promise<unknown[]>((resolve, reject) => {
            const getting = database.transaction(store).objectStore(store).getAll();
            getting.onsuccess = () => resolve(getting.result as unknown[]);
            getting.onerror = () => reject(new Error(getting.error?.message));
          });
          whole.push(`${name}/${store}`, ...values.map(text));
        }
        database.close();
      }
      return whole.join('\n');
    });
  }
}

function lineOf(label: string): Line {
  const parts = /^(.+?), at [\d:]+: (.*)$/s.exec(label);
  if (!parts) return { who: '?', text: label };
  const [, who = '', rest = ''] = parts;
  const state = /^(.*), (Waiting to be sent|Sent|Delivered|Read|Not sent)$/s.exec(rest);
  return who === 'You' && state ? { who, text: state[1] ?? '', state: state[2] as State } : { who, text: rest };
}

export function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
