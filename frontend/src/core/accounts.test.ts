import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Device } from '../../test/support/device';
import { loadEngine } from '../../test/support/omemo';
import { ScriptServer, type Connected } from '../../test/support/script';
import { listAccounts } from '../db/accounts';
import { systemClock, type Clock } from '../xmpp/clock';
import type { SocketFactory } from '../xmpp/transport';
import { CoreError } from './api';
import { Kith } from './kith';
import type { Platform } from './platform';

const ALICE = 'alice@example.org', ALMA = 'alma@example.org', BOB = 'bob@example.org';
const body = (text: string): string => `<body>${text}</body>`;

let alices: ScriptServer;
let almas: ScriptServer;
let device: Device;
let profile = 0;
/** The account whose server takes the next connection; a connection does not say itself for whom it is before it is open. */
let turn: (() => ScriptServer)[] = [];

const name = (): string => `accounts-${profile}`;
const socket: SocketFactory = (url, protocol) => (turn.shift() ?? (() => alices))().listener.factory(url, protocol);

async function open(account?: string): Promise<Device> {
  return Device.open({
    origin: 'https://example.org', socket, profile: name(), ...(account !== undefined && { account }),
    platform: { fetch: () => Promise.reject(new Error('no network')) },
  });
}

async function signIn(server: ScriptServer): Promise<Connected> {
  turn.push(() => server);
  const [connected] = await Promise.all([server.accept(), device.commands.signIn(server.address, 'pencil')]);
  await device.until(() => device.session.address === server.address, `looking at ${server.address}`);
  await device.online();
  return connected;
}

/** Both accounts, and the page looks at the second. */
async function both(): Promise<{ readonly alice: Connected; readonly alma: Connected }> {
  return { alice: await signIn(alices), alma: await signIn(almas) };
}

/** Signs out of the account looked at, whose server takes the token back. */
async function signOut(server: ScriptServer): Promise<void> {
  turn.push(() => server);
  await Promise.all([server.accept(), device.commands.signOut()]);
}

const infoOf = (address: string) => device.accounts.find((account) => account.address === address);

beforeEach(async () => {
  profile++;
  turn = [];
  alices = new ScriptServer(ALICE);
  almas = new ScriptServer(ALMA);
  device = await open();
});

afterEach(async () => {
  await device.stop();
});

describe('two accounts in one browser', () => {
  it('are online at once, each with a database of its own', async () => {
    const { alice, alma } = await both();
    expect(device.session.address).toBe(ALMA);
    expect(device.accounts.map((account) => account.address)).toEqual([ALICE, ALMA]);
    alice.message(`${BOB}/phone`, body('for Alice'), { id: 'm1', stanzaId: 'a1' });
    alma.message(`${BOB}/phone`, body('for Alma'), { id: 'm2', stanzaId: 'b1' });
    await device.until(() => device.message(BOB, 'for Alma'));
    await device.until(() => infoOf(ALICE)?.unread === 1 && infoOf(ALMA)?.unread === 1, 'both counted');
    expect(device.texts(BOB)).toEqual(['for Alma']);
    expect((await device.read(BOB)).map((message) => message.text)).toEqual(['for Alma']);

    const from = device.log.length;
    await device.commands.switchAccount(ALICE);
    expect(device.session).toMatchObject({ address: ALICE, phase: 'online' });
    expect(device.chats.get(BOB)).toMatchObject({ unread: 1, last: { text: 'for Alice' } });
    expect((await device.read(BOB)).map((message) => message.text)).toEqual(['for Alice']);
    // Nothing of the other one comes any more.
    alma.message(`${BOB}/phone`, body('more for Alma'), { id: 'm3', stanzaId: 'b2' });
    await device.until(() => infoOf(ALMA)?.unread === 2, 'the other one counted');
    expect(JSON.stringify(device.log.slice(from).filter(({ event }) => event !== 'notify'))).not.toContain('more for Alma');
  });

  it('tell of messages of the one that nobody looks at, and that they were read', async () => {
    const { alice } = await both();
    alice.message(`${BOB}/phone`, body('psst'), { id: 'm1', stanzaId: 'a1' });
    const told = await device.until(() => device.log.find((entry) => entry.event === 'notify'));
    expect(told.data).toEqual({ account: ALICE, chat: BOB, title: 'Bob', text: 'psst' });
    // Read on another device of Alice's.
    alice.send(`<message xmlns='jabber:client' from='${ALICE}'><sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>
      <message xmlns='jabber:client' from='${ALICE}/phone' to='${BOB}' type='chat' id='c1'>${body('I saw it')}</message></forwarded></sent></message>`);
    const read = await device.until(() => device.log.find((entry) => entry.event === 'read'));
    expect(read.data).toEqual({ account: ALICE, chat: BOB });
    await device.until(() => infoOf(ALICE)?.unread === 0, 'nothing unread');
  });

  it('a chat that is looked at in one is not looked at in the other', async () => {
    const { alice, alma } = await both();
    await device.commands.setActive(true);
    await device.commands.focus(BOB);
    alma.message(`${BOB}/phone`, body('seen'), { id: 'm1', stanzaId: 'b1' });
    await device.until(() => device.message(BOB, 'seen'));
    expect(device.log.some((entry) => entry.event === 'notify')).toBe(false);
    alice.message(`${BOB}/phone`, body('unseen'), { id: 'm2', stanzaId: 'a1' });
    await device.until(() => device.log.some((entry) => entry.event === 'notify' && entry.data.account === ALICE), 'a notification');
    await device.commands.switchAccount(ALICE);
    await device.commands.focus(BOB);
    alma.message(`${BOB}/phone`, body('unseen as well'), { id: 'm3', stanzaId: 'b2' });
    await device.until(() => device.log.some((entry) => entry.event === 'notify' && entry.data.account === ALMA), 'another notification');
  });

  it('what was begun in one ends there', async () => {
    await both();
    const alma = device.bound();
    await device.commands.switchAccount(ALICE);
    await alma.setDraft(BOB, 'Alma was writing');
    expect(device.chats.get(BOB)?.draft ?? '').toBe('');
    await device.commands.switchAccount(ALMA);
    expect(device.chats.get(BOB)?.draft).toBe('Alma was writing');
  });

  it('are both there after a restart, and the page looks at the one of last time or the one it wants', async () => {
    await both();
    await device.commands.switchAccount(ALICE);
    await device.stop();
    alices.csi = almas.csi = true;
    turn.push(() => alices, () => almas);
    device = await open();
    expect(device.session.address).toBe(ALICE);
    const [alice, alma] = await Promise.all([alices.accept(), almas.accept()]);
    await device.until(() => infoOf(ALICE)?.phase === 'online' && infoOf(ALMA)?.phase === 'online', 'both online');
    // Nobody looks at Alma's: the server may hold back what can wait.
    expect(alma.request.child('bind', 'urn:xmpp:bind:0')?.child('inactive', 'urn:xmpp:csi:0')).toBeDefined();
    expect(alice.request.child('bind', 'urn:xmpp:bind:0')?.child('inactive', 'urn:xmpp:csi:0')).toBeUndefined();
    const { snapshot } = await device.page('other', ALMA);
    expect(snapshot.session.address).toBe(ALMA);
  });

  it('two pages look at different ones, and each gets what is its own', async () => {
    const { alice, alma } = await both();
    const other = await device.page('other', ALICE);
    expect(other.snapshot.session.address).toBe(ALICE);
    await Promise.all([device.commands.setActive(true), other.commands.setActive(true)]);
    alice.message(`${BOB}/phone`, body('for Alice'), { id: 'm1', stanzaId: 'a1' });
    alma.message(`${BOB}/phone`, body('for Alma'), { id: 'm2', stanzaId: 'b1' });
    await device.until(() => device.message(BOB, 'for Alma'));
    await device.until(() => other.log.some((entry) => entry.event === 'messages'), 'messages on the other page');
    expect(other.log.flatMap((entry) => (entry.event === 'messages' ? entry.data.changed.map((message) => message.text) : []))).toEqual(['for Alice']);
    expect((await other.commands.page(BOB, { limit: 5 })).messages.map((message) => message.text)).toEqual(['for Alice']);
  });
});

describe('signing out of one', () => {
  it('leaves the other as it is, and every page that looked at it looks at the other', async () => {
    const { alice } = await both();
    const other = await device.page('other', ALMA);
    await signOut(almas);
    expect(device.session).toMatchObject({ address: ALICE, phase: 'online' });
    expect(device.accounts.map((account) => account.address)).toEqual([ALICE]);
    expect(other.log.findLast((entry) => entry.event === 'looking')?.data).toMatchObject({ session: { address: ALICE } });
    expect((await indexedDB.databases()).map((info) => info.name)).not.toContain(`${name()}:${ALMA}`);
    expect((await listAccounts(name())).map((account) => account.address)).toEqual([ALICE]);
    alice.message(`${BOB}/phone`, body('still here'), { id: 'm1', stanzaId: 'a1' });
    await device.until(() => device.message(BOB, 'still here'));
    await expect(other.commands.page(BOB, { limit: 1 })).rejects.toMatchObject({ reason: { code: 'credentials' } });
    await signOut(alices);
    expect(device.session).toEqual({ phase: 'none', catchingUp: false });
    expect(device.accounts).toEqual([]);
  });

  it('takes its notifications away', async () => {
    const { alma } = await both();
    alma.message(`${BOB}/phone`, body('soon gone'), { id: 'm1', stanzaId: 'b1' });
    await device.until(() => device.chats.get(BOB)?.unread === 1);
    await signOut(almas);
    expect(device.log.some((entry) => entry.event === 'read' && entry.data.account === ALMA && entry.data.chat === BOB)).toBe(true);
  });
});

describe('adding one', () => {
  it('with a wrong password leaves everything as it was', async () => {
    await signIn(alices);
    almas.password = 'another';
    turn.push(() => almas);
    const refused = almas.listener.next().then(async (peer) => {
      await peer.until('open');
      peer.send(`<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' from='example.org' id='s1' version='1.0'/>`);
      peer.send(`<stream:features xmlns:stream='http://etherx.jabber.org/streams'><authentication xmlns='urn:xmpp:sasl:2'><mechanism>SCRAM-SHA-256</mechanism><inline/></authentication></stream:features>`);
      await peer.next();
      peer.send(`<failure xmlns='urn:xmpp:sasl:2'><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></failure>`);
    });
    await expect(device.commands.signIn(ALMA, 'pencil')).rejects.toMatchObject({ reason: { code: 'credentials' } });
    await refused;
    expect(device.session).toMatchObject({ address: ALICE, phase: 'online' });
    expect(device.accounts.map((account) => account.address)).toEqual([ALICE]);
    expect((await indexedDB.databases()).map((info) => info.name)).not.toContain(`${name()}:${ALMA}`);
  });

  it('that is here already only looks at it', async () => {
    await both();
    await device.commands.signIn(ALICE, 'whatever');
    expect(device.session.address).toBe(ALICE);
    expect(device.accounts.length).toBe(2);
    await expect(device.commands.switchAccount('nobody@example.org')).rejects.toMatchObject({ reason: { code: 'not-found' } });
  });

  it('gives it to the pages that had none, and leaves the others where they are', async () => {
    const other = await device.page('other');
    expect(other.snapshot.session.phase).toBe('none');
    await signIn(alices);
    expect(other.log.findLast((entry) => entry.event === 'looking')?.data).toMatchObject({ session: { address: ALICE } });
    const before = other.log.length;
    await signIn(almas);
    expect(other.log.slice(before).some((entry) => entry.event === 'looking')).toBe(false);
  });
});

describe('being woken', () => {
  it('is said by every account, and taken back by the one that leaves', async () => {
    const said: string[] = [];
    for (const [who, server] of [['alice', alices], ['alma', almas]] as const) {
      server.on('kith:webpush:0', 'subscribe', (payload) => {
        said.push(`${who} ${payload.attrs['endpoint'] ?? ''}`);
        return `<subscribed xmlns='kith:webpush:0' node='node-${who}'/>`;
      });
      server.on('urn:xmpp:push:0', 'enable', () => undefined);
      server.on('urn:xmpp:push:0', 'disable', (payload) => { said.push(`${who} without ${payload.attrs['node'] ?? ''}`); return undefined; });
      server.on('kith:webpush:0', 'unsubscribe', () => undefined);
    }
    await signIn(alices);
    await device.commands.enablePush({ endpoint: 'https://push.example/1', key: 'k', auth: 'a' });
    expect(said).toEqual(['alice https://push.example/1']);
    const alma = await signIn(almas);
    await alma.until((stanza) => stanza.child('enable', 'urn:xmpp:push:0') !== undefined);
    expect(said).toEqual(['alice https://push.example/1', 'alma https://push.example/1']);
    await device.commands.page(BOB, { limit: 1 });
    await signOut(almas);
    expect(said.slice(2)).toEqual(['alma without node-alma']);
  });
});

it('what is kept here is shown before the network is asked for more', async () => {
  const alice = await signIn(alices);
  alice.message(`${BOB}/phone`, body('kept'), { id: 'm1', stanzaId: 'a1' });
  await device.until(() => device.message(BOB, 'kept'));
  await device.stop();
  let asked = 0;
  const clock: Clock = { ...systemClock, after: (ms, callback) => (ms === 120 ? () => undefined : systemClock.after(ms, callback)) }; // nobody's patience ends
  device = await Device.open({
    origin: 'https://example.org', profile: name(), platform: { fetch: () => Promise.reject(new Error('no network')), clock },
    socket: (url, protocol) => {
      asked++;
      return alices.listener.factory(url, protocol);
    },
  });
  expect(device.chats.get(BOB)?.last?.text).toBe('kept');
  await device.commands.devices(ALICE);
  expect(asked).toBe(0);
  expect((await device.commands.page(BOB, { limit: 1 })).messages.map((message) => message.text)).toEqual(['kept']);
  await alices.accept();
  await device.online();
  expect(asked).toBe(1);
});

it('the account that a page wants does not wait for another', async () => {
  await both();
  await device.stop();
  // Alma's was looked at last; its connection does not come, as nobody's patience ends.
  const clock: Clock = { ...systemClock, after: (ms, callback) => (ms === 120 ? () => undefined : systemClock.after(ms, callback)) };
  device = await Device.open({ origin: 'https://example.org', socket, profile: name(), account: ALICE, platform: { fetch: () => Promise.reject(new Error('no network')), clock } });
  expect(device.session.address).toBe(ALICE);
  expect(infoOf(ALICE)?.phase).toBe('connecting');
});

describe('what runs an account', () => {
  /** How often it was fetched, and whether it can be. */
  let fetched: number;
  let lost: boolean;
  const loadSession: Platform['loadSession'] = () => {
    fetched++;
    return lost ? Promise.reject(new CoreError({ code: 'network' })) : import('./session');
  };
  const platform: Partial<Platform> = { fetch: () => Promise.reject(new Error('no network')), loadSession };
  const opened = (account?: string): Promise<Device> => Device.open({ origin: 'https://example.org', socket, profile: name(), platform, ...(account !== undefined && { account }) });

  beforeEach(async () => {
    fetched = 0;
    lost = false;
    await device.stop();
    device = await opened();
  });

  it('is not fetched before somebody comes in, or may', async () => {
    expect(device.session.phase).toBe('none');
    expect(fetched).toBe(0);
    await device.commands.warmUp();
    await device.commands.warmUp();
    await signIn(alices);
    await signIn(almas);
    expect(fetched).toBe(1);
  });

  it('that cannot be fetched when somebody signs in can be a moment later', async () => {
    lost = true;
    await expect(device.commands.warmUp()).rejects.toMatchObject({ reason: { code: 'network' } });
    await expect(device.commands.signIn(ALICE, 'pencil')).rejects.toMatchObject({ reason: { code: 'network' } });
    expect(device.accounts).toEqual([]);
    lost = false;
    await signIn(alices);
    expect(fetched).toBe(3);
  });

  it('is there before an invitation, a link of another device or one for a new password is used up', async () => {
    lost = true;
    const asked: string[] = [];
    await device.stop();
    const ask: typeof fetch = (input) => {
      asked.push(input as string);
      return Promise.reject(new Error('no network'));
    };
    device = await Device.open({ origin: 'https://example.org', socket, profile: name(), platform: { ...platform, fetch: ask } });
    asked.length = 0;
    for (const using of [() => device.commands.acceptInvite('token', 'alice', 'correct horse', ''), () => device.commands.resetPassword('token', 'correct horse'), () => device.commands.openDeviceLink('token')]) {
      await expect(using()).rejects.toMatchObject({ reason: { code: 'network' } });
    }
    expect(asked).toEqual([]);
  });

  it('that cannot be fetched at the start keeps nobody out: the accounts are opened once it is there, each once', async () => {
    await both();
    await device.stop();
    lost = true;
    await expect(opened()).rejects.toMatchObject({ reason: { code: 'network' } });
    expect((await listAccounts(name())).map((account) => account.address)).toEqual([ALICE, ALMA]);

    // The same core is asked again, by two windows at once.
    const core = new Kith({
      clock: systemClock, random: () => 0, storage: name(), origin: 'https://example.org', fetch: () => Promise.reject(new Error('no network')), socket, deviceName: 'Node',
      isOnline: () => true, onOnline: () => undefined, put: () => Promise.reject(new Error('no files')), loadCrypto: loadEngine, loadSession,
    });
    const attach = (page: string) => core.attach(page, () => undefined);
    for (let i = 0; i < 2; i++) await expect(attach('one')).rejects.toMatchObject({ reason: { code: 'network' } });
    lost = false;
    alices.csi = almas.csi = true;
    turn = [() => almas, () => alices];
    const [one, other] = await Promise.all([attach('one'), attach('other')]);
    expect(one.session.address).toBe(ALMA);
    expect(other.session.address).toBe(ALMA);
    await Promise.all([almas.accept(), alices.accept()]);
    await core.stop();
  });
});
