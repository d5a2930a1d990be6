/** The household of `kith dev`, as Robin sees it. With SCREENSHOTS=docs/screenshots it makes the pictures of the README. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, type Locator, type Page, test } from '@playwright/test';
import { WorkerWatch } from '../support/workers';

const program = process.env['KITH_BIN'] ?? new URL('../../../bin/kith', import.meta.url).pathname;
const root = new URL('../../..', import.meta.url).pathname;

/** A zone in which it is evening: people chat then, and what was said an hour ago was said today. */
function eveningZone(): string {
  const ahead = (18 - new Date().getUTCHours() + 36) % 24 - 12;
  // Etc/GMT-5 is five hours ahead of Greenwich.
  return ahead === 0 ? 'Etc/GMT' : `Etc/GMT${ahead > 0 ? '-' : '+'}${Math.abs(ahead)}`;
}

/** The program, from its first words to its end. */
class Household {
  private said = '';
  private readonly child: ChildProcess;

  constructor(zone: string) {
    this.child = spawn(program, ['dev', '--seed', '1', '--still', '--http', 'localhost:0', '--https', 'off', '--c2s', 'off', '--c2s-tls', 'off', '--turn', 'off'], {
      env: { ...process.env, TZ: zone },
    });
    for (const stream of [this.child.stdout, this.child.stderr]) stream?.on('data', (data: Buffer) => { this.said += data.toString(); });
  }

  async hears(pattern: RegExp): Promise<string> {
    await expect.poll(() => this.said, { timeout: 60_000 }).toMatch(pattern);
    return pattern.exec(this.said)?.[1] ?? '';
  }

  async end(): Promise<void> {
    const gone = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const [code] = await gone as [number | null];
    expect(code, this.said).toBe(0);
  }
}

const row = (page: Page, name: string): Locator => page.getByRole('navigation', { name: 'Chats' }).getByRole('link', { name: new RegExp(`^(\\W|[A-Z]{1,2}\\b)*${name}`) });

const leftovers = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('kith-dev-'));

test('the household', async ({ browser }, info) => {
  const zone = eveningZone();
  const before = leftovers();
  const household = new Household(zone);
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', timezoneId: zone, reducedMotion: 'reduce', colorScheme: 'light' });
  const wrong: string[] = [];
  const frames: string[] = [];
  context.on('weberror', (error) => wrong.push(String(error.error())));
  context.on('console', (message) => { if (['error', 'warning'].includes(message.type())) wrong.push(message.text()); });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  const { targetInfo } = await session.send('Target.getTargetInfo');
  (await WorkerWatch.of(browser)).listen(targetInfo.browserContextId ?? '', ({ kind, text }) => {
    if (kind === 'frame') frames.push(text);
    else if (kind !== 'request') wrong.push(text);
  });
  const folder = process.env['SCREENSHOTS'] === undefined ? info.outputPath() : resolve(root, process.env['SCREENSHOTS']);
  mkdirSync(folder, { recursive: true });
  const picture = async (name: string): Promise<void> => {
    await page.evaluate(() => { if (document.activeElement instanceof HTMLElement) document.activeElement.blur(); });
    await page.screenshot({ path: join(folder, `${name}.png`), animations: 'disabled' });
  };
  try {
    await test.step('whoever signs in as it says gets what was said so far', async () => {
      await page.goto(await household.hears(/Kith is at (\S+)/));
      await page.getByRole('textbox', { name: 'Name', exact: true }).fill(await household.hears(/name +(.+)/));
      await page.getByLabel('Password', { exact: true }).fill(await household.hears(/password +(.+)/));
      await page.getByRole('button', { name: 'Sign in' }).click();
      await household.hears(/(Everybody has told)/);
      await expect(row(page, 'Mara Lindqvist')).toContainText('See you there');
      await expect(row(page, 'Jonas Weber').locator('.badge')).toContainText('2');
      await expect(row(page, 'Oma Gerda').locator('.badge')).toContainText('1');
      await expect(page.getByText('1 contact request')).toBeVisible();
      await expect(page.getByText('cannot be read')).toHaveCount(0);
    });
    await test.step('a chat, encrypted', async () => {
      await row(page, 'Mara Lindqvist').click();
      await expect(page.getByRole('main').getByRole('button', { name: 'Encrypted', exact: true })).toBeVisible();
      await expect(page.getByRole('group', { name: /^You, at [\d:]+: See you there ❤️, Read$/ })).toBeVisible();
      await page.locator('.messages-settled').waitFor({ state: 'attached' });
      await picture('chat');
      await page.emulateMedia({ colorScheme: 'dark' });
      await picture('dark');
      await page.emulateMedia({ colorScheme: 'light' });
      await page.setViewportSize({ width: 390, height: 844 });
      await page.locator('.messages-settled').waitFor({ state: 'attached' });
      await picture('phone');
      await page.setViewportSize({ width: 1280, height: 800 });
    });
    await test.step('somebody answers', async () => {
      const composer = page.getByLabel('Message to Mara Lindqvist');
      await composer.fill('Shall I bring the sledge?');
      await page.keyboard.press('Enter');
      await expect(page.getByRole('group', { name: /^You, at [\d:]+: Shall I bring the sledge\?, Read$/ })).toBeVisible();
      await expect(page.getByRole('group', { name: /^Mara Lindqvist, at / }).last()).not.toContainText('Then bring earplugs');
    });
  } catch (error) {
    writeFileSync(info.outputPath('wire'), frames.join('\n'));
    throw error;
  } finally {
    await context.close();
    await household.end();
  }
  expect(leftovers().filter((name) => !before.includes(name))).toEqual([]);
  expect(wrong).toEqual([]);
});
