import { type Browser, type BrowserContext, expect, type Page, test } from '@playwright/test';
import { Bot } from '../../e2e/support/bot';
import { Person } from '../../e2e/support/person';
import { Server } from '../../e2e/support/server';
import { converse } from './converse';
import { Tap } from './files';
import { median, nodes, painted, type Tasks, tasks, watchTasks } from './measure';
import { Table } from './table';

const count = Number(process.env['MESSAGES'] ?? 10_000);
const missed = Number(process.env['MISSED'] ?? 500);
const secret = 'battery staple';
const text = (i: number): string => `message ${String(i).padStart(6, '0')} of many, neither short nor long`;
const mark = (i: number): string => `message ${String(i).padStart(6, '0')}`;

/** How one of the apps is used. */
interface App {
  readonly address: string;
  /** The page with the form to sign in. */
  readonly form: string;
  /** The page with the chat with the bot, for somebody who is signed in. */
  readonly chat: string;
  /** Opens the app, signed in. */
  open(page: Page): Promise<void>;
  /** In the page: opens the chat with the bot. */
  readonly openChat: string;
  /** In the page: the element that scrolls, in which messages are. */
  readonly scroller: string;
  /** In the page: whether the app has a message with this text. */
  has(text: string): string;
}

/** What could not be measured, because the app did not get there, is undefined. */
interface Figures extends FirstView {
  readonly chat: number | undefined;
  readonly nodes: number | undefined;
  readonly back: number | undefined;
  readonly backTasks: Tasks | undefined;
  readonly missed: number | undefined;
  readonly missedTasks: Tasks | undefined;
}

/** In the page: some of the long chat is painted, at rest. */
const opened = (scroller: string): string => `/message \\d{6}/.test(document.querySelector(${JSON.stringify(scroller)})?.textContent ?? '')`;

/** In the page: the number of the oldest message that is there. */
const oldest = (scroller: string): string => `Number(/message (\\d{6})/.exec(document.querySelector(${JSON.stringify(scroller)})?.textContent ?? '')?.[1] ?? NaN)`;

/** Nothing leaves the machine, whatever an app would like to fetch. */
const stay = async (context: BrowserContext): Promise<void> => { await context.route(/^https?:\/\/(?!localhost)/, (route) => route.abort()); };

interface FirstView {
  /** Bytes of all scripts that were asked for before the form could be used. */
  readonly js: number;
  /** Bytes of those that were asked for after it, to sign in without waiting; not those that are kept to open without a network. */
  readonly later: number;
  /** Until the form was painted, ms. */
  readonly form: number;
}

/** So long a page that has its form may go on fetching. */
const idle = 2_500;

/** From nothing to the form, three times. */
async function firstView(browser: Browser, url: string): Promise<FirstView> {
  const [js, later, form]: [number[], number[], number[]] = [[], [], []];
  for (let i = 0; i < 3; i++) {
    const context = await browser.newContext({ locale: 'en-GB' });
    await stay(context);
    const page = await context.newPage();
    const tap = new Tap(url);
    await page.goto(await tap.listen(), { waitUntil: 'commit' });
    form.push(await page.evaluate(async () => {
      const shown = (): boolean => (document.querySelector('input[type=password]')?.getBoundingClientRect().height ?? 0) > 0;
      while (!shown()) await new Promise(requestAnimationFrame);
      return performance.now();
    }));
    const first = tap.scripts.length;
    js.push(await tap.weight(tap.scripts.slice(0, first)));
    await page.waitForTimeout(idle);
    const kept = tap.scripts.findIndex(({ path }) => path === '/sw.js');
    later.push(await tap.weight(tap.scripts.slice(first, kept < 0 ? undefined : kept)));
    await context.close();
    tap.close();
  }
  return { js: median(js), later: median(later), form: median(form) };
}

/** Keeps a chat at its end until the app has a message. */
async function has(page: Page, app: App, what: string, timeout: number): Promise<void> {
  await page.evaluate(`globalThis.benchEnd = setInterval(() => { const e = document.querySelector(${JSON.stringify(app.scroller)}); e?.scrollTo(0, e.scrollHeight); }, 50)`);
  await expect.poll(async () => page.evaluate(app.has(what)), { timeout, intervals: [50] }).toBe(true);
  await page.evaluate('clearInterval(globalThis.benchEnd)');
}

async function heard(bot: Bot, said: string): Promise<void> {
  await expect(async () => { await bot.hears((it) => it.is === 'said' && it.text === said); }).toPass({ timeout: 60_000 + 300 * missed });
}

/** A part of what is measured; undefined, with a word about it, where the app does not get there. */
async function part<T>(name: string, f: () => Promise<T>): Promise<T | undefined> {
  return test.step(name, async () => {
    try {
      return await f();
    } catch (error) {
      process.stdout.write(`  not done: ${name}: ${String(error).split('\n')[0] ?? ''}\n`);
      return undefined;
    }
  });
}

/** The same for both apps. */
async function measure(browser: Browser, context: BrowserContext, page: Page, app: App, bot: Bot): Promise<Figures> {
  const first = await firstView(browser, app.form);
  await part('the long chat is filled', async () => {
    await page.evaluate(app.openChat);
    for (let i = 0; i < count; i++) bot.say(app.address, text(i), 'clear');
    await has(page, app, mark(count - 1), 30_000 + 60 * count);
  });
  // The app is started again: what it shows is what it kept.
  const chat = await part('it is opened', async () => {
    const times: number[] = [];
    for (let i = 0; i < 3; i++) {
      await page.goto(app.chat, { waitUntil: 'commit' });
      await painted(page, '', opened(app.scroller));
      times.push(await page.evaluate(() => performance.now()));
    }
    return { time: median(times), nodes: await nodes(page) };
  });
  const back = await part('it is scrolled back', async () => {
    await has(page, app, mark(count - 1), 60_000);
    await tasks(page);
    const from = await page.evaluate(oldest(app.scroller)) as number;
    const time = await painted(
      page, `globalThis.benchScroll = setInterval(() => { document.querySelector(${JSON.stringify(app.scroller)}).scrollTop = 0; }, 16)`,
      `${oldest(app.scroller)} <= ${String(Math.max(0, from - 100))}`,
    );
    await page.evaluate('clearInterval(globalThis.benchScroll)');
    return time === undefined ? undefined : { time, tasks: await tasks(page) };
  });
  const away = await part('encrypted messages come while nobody is there', async () => {
    const said = (i: number): string => `for ${app.address}, secret ${String(i).padStart(4, '0')}`;
    const [begun, last] = [said(missed), said(missed - 1)];
    await app.open(page);
    bot.say(app.address, begun);
    await heard(bot, begun);
    await page.evaluate(app.openChat);
    await has(page, app, begun, 60_000);
    await page.goto('about:blank');
    for (let i = 0; i < missed; i++) bot.say(app.address, said(i));
    await heard(bot, last);
    const begin = Date.now();
    await app.open(page);
    await page.evaluate(app.openChat);
    await has(page, app, last, 180_000);
    return { time: Date.now() - begin, tasks: await tasks(page) };
  });
  await context.close();
  return { ...first, chat: chat?.time, nodes: chat?.nodes, back: back?.time, backTasks: back?.tasks, missed: away?.time, missedTasks: away?.tasks };
}

let server: Server;
let bot: Bot;

test.beforeAll(async () => {
  server = await Server.create();
  await server.start();
});

test.afterAll(async () => {
  await bot?.stop();
  await server.stop();
  server.remove();
});

test('the web app beside converse.js', async ({ browser }) => {
  const alice = await Person.arrive(browser, server, 'Alice Adams');
  await alice.join(server.firstLink);
  await server.addUser('bob', secret);
  await server.addUser('carla', secret);
  bot = await Bot.start({ address: 'bob@localhost', password: secret, port: server.c2sTls, tls: 'direct', certificate: server.certificate });

  const kith = await test.step('Kith', async () => {
    await alice.context.addInitScript(watchTasks);
    await alice.addByAddress('bob@localhost');
    await alice.isInChat('bob');
    await bot.hears((it) => it.is === 'contact');
    return measure(browser, alice.context, alice.page, {
      address: alice.address,
      form: server.origin,
      chat: `${server.origin}/chat/bob@localhost`,
      open: async (page) => {
        await page.goto(`${server.origin}/`);
        await alice.chatRow('bob').waitFor();
      },
      openChat: `document.querySelector('nav[aria-label="Chats"] a[href*="bob"]').click()`,
      scroller: '.messages',
      has: (what) => `(document.querySelector('.messages')?.textContent ?? '').includes(${JSON.stringify(what)})`,
    }, bot);
  });

  const other = await converse(server.http);
  let theirs: Figures | undefined;
  try {
    theirs = await test.step('converse.js', async () => {
      const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 800 } });
      await stay(context);
      await context.addInitScript(watchTasks);
      const page = await context.newPage();
      const open = async (p: Page): Promise<void> => {
        await p.goto(`${other.origin}/?carla:${encodeURIComponent(secret)}`);
        await p.waitForFunction('window.bench?.api?.connection?.connected()', undefined, { timeout: 120_000 });
        await p.waitForFunction('document.querySelector("converse-chats, converse-chat, converse-controlbox")');
      };
      await open(page);
      return measure(browser, context, page, {
        address: 'carla@localhost', form: `${other.origin}/`, open,
        chat: `${other.origin}/?carla:${encodeURIComponent(secret)}`, // it comes back to the chat that was open
        openChat: `void bench.api.chats.open('bob@localhost', {}, true)`,
        scroller: 'converse-chat-content, .chat-content__messages, .chat-content',
        // It does not keep the order of messages that come within a second, so the end of the page tells nothing.
        has: (what) => `bench.chatboxes.get('bob@localhost')?.messages.models.some(({ attributes: m }) => (m.plaintext || m.body || '').includes(${JSON.stringify(what)}))`,
      }, bot);
    });
  } finally {
    other.server.close();
  }

  const table = new Table(`Web apps in Chromium, against the same server; a chat of ${String(count)} messages`, true);
  table.row('JavaScript to the form to sign in, bytes on the wire', kith.js, Math.floor(theirs.js / 3), theirs.js);
  table.row('  and after it, at rest, bytes on the wire', kith.later, undefined, theirs.later);
  table.row('form to sign in painted, ms', kith.form, 800, theirs.form);
  table.row('from the start of the app to a kept chat, ms', kith.chat, 400, theirs.chat);
  table.row('elements of the page then', kith.nodes, 2500, theirs.nodes);
  table.row('100 messages back, ms', kith.back, undefined, theirs.back);
  table.row('  longest task of the main thread, ms (under 50: 0)', kith.backTasks?.longest, 50, theirs.backTasks?.longest);
  table.row(`from the start of the app to ${String(missed)} missed encrypted messages, ms`, kith.missed, 1500, theirs.missed);
  table.row('  main thread busy in tasks over 50 ms, ms', kith.missedTasks?.sum, undefined, theirs.missedTasks?.sum);
  table.print();
});
