/** Stories with people who use programs that share no code with Kith: profanity in a terminal, bots with slixmpp. */
import { Bot, type BotLogin } from './bot';
import { codeIn, devicesIn, openLock, ownCode } from './codes';
import type { Person } from './person';
import { Profanity, type Login } from './profanity';
import { expect, test as told } from './story';

/** The password of accounts that the server's owner has made. */
export const secret = 'battery staple';

type Way = 'starttls' | 'direct';

interface Natives {
  /** Somebody at this server with profanity and keys, until the end of the story. */
  readonly terminal: (name: string, ways?: { readonly tls?: Way; readonly password?: string }) => Promise<Profanity>;
  /** The same with a bot. */
  readonly bot: (name: string, ways?: { readonly tls?: Way; readonly password?: string } & Pick<BotLogin, 'omemo'>) => Promise<Bot>;
  /** Somebody wherever they are. */
  readonly terminalAt: (login: Login) => Promise<Profanity>;
}

export const test = told.extend<Natives>({
  terminalAt: async ({ server: _ }, use) => {
    const all: Profanity[] = [];
    await use(async (login) => {
      const one = await Profanity.start(login);
      all.push(one);
      await one.makeKeys();
      return one;
    });
    for (const one of all) await one.stop();
  },
  terminal: async ({ server, terminalAt }, use) => use((name, { tls = 'starttls', password = secret } = {}) =>
    terminalAt({ address: `${name}@localhost`, password, port: tls === 'direct' ? server.c2sTls : server.c2s, tls })),
  bot: async ({ server }, use) => {
    const all: Bot[] = [];
    await use(async (name, { tls = 'starttls', password = secret, ...ways } = {}) => {
      const one = await Bot.start({ address: `${name}@localhost`, password, port: tls === 'direct' ? server.c2sTls : server.c2s, tls, certificate: server.certificate, ...ways });
      all.push(one);
      return one;
    });
    for (const one of all) await one.stop();
  },
});

/** Both become contacts, and are in the chat with each other then. */
export async function meet(one: Person, other: Profanity): Promise<void> {
  await one.addByAddress(other.address);
  await other.shows(`authorization request from ${one.address}`);
  await other.type(`/sub allow ${one.address}`);
  await other.type(`/sub request ${one.address}`);
  await expect(one.page.getByRole('main').getByText('Online', { exact: true })).toBeVisible();
  await expect(one.lock('Encrypted')).toBeVisible();
}

/** One writes first, then they take turns, all of it encrypted. `name`: what the other one is called. */
export async function talk(one: Person, other: Profanity, name: string): Promise<void> {
  await one.write('Hello from the browser');
  await other.type(`/msg ${one.address}`);
  await other.shows('Hello from the browser');
  await expect(one.own('Hello from the browser', 'Delivered', 'Read')).toBeVisible();
  await other.type('/omemo start');
  for (let i = 1; i <= 3; i++) {
    await other.type(`line ${i} from the terminal`);
    await expect(one.from(name, `line ${i} from the terminal`)).toBeVisible();
    await one.write(`answer ${i} from the browser`);
    await other.shows(`answer ${i} from the browser`);
  }
}

/** Each sees the code that the other has. */
export async function compareCodes(one: Person, other: Profanity): Promise<void> {
  expect(await codeShown(one)).toEqual(await other.ownCode());
  await other.type(`/omemo fingerprint ${one.address}`);
  await other.shows((await ownCode(one)).replace(/(.{8})(?=.)/g, '$1-'));
}

/** The code of the one device of the other person of the open chat. */
export async function codeShown(one: Person): Promise<string> {
  const devices = await devicesIn(await openLock(one, 'Encrypted'));
  await expect(devices).toHaveCount(1);
  const code = await codeIn(devices);
  await one.page.keyboard.press('Escape');
  return code;
}

/** What was written while the other one was away is there when they come back. */
export async function writeToAbsent(one: Person, other: Profanity): Promise<void> {
  await other.disconnect();
  await expect(one.page.getByRole('main').getByText('Not online')).toBeVisible();
  await one.write('while you were away');
  await expect(one.own('while you were away', 'Sent')).toBeVisible();
  await other.connect();
  await other.type(`/msg ${one.address}`);
  await other.shows('while you were away');
  await expect(one.own('while you were away', 'Delivered', 'Read')).toBeVisible();
}

export { expect };
