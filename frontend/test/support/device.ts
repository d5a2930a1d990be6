/** A browser profile with a core in it, without a browser. */
import type { AccountInfo, Availability, Chat, Commands, Contact, Events, Message, SessionState, Snapshot } from '../../src/core/api';
import { Kith } from '../../src/core/kith';
import { METHODS } from '../../src/core/rpc';
import type { Platform } from '../../src/core/platform';
import { systemClock, type Clock } from '../../src/xmpp/clock';
import type { Socket, SocketFactory } from '../../src/xmpp/transport';
import { loadEngine } from './omemo';

type Logged = { [K in keyof Events]: { readonly event: K; readonly data: Events[K] } }[keyof Events];

/** The network between one device and the world: it can be cut, and it ends with the device. */
class Wire {
  private readonly sockets = new Set<Socket>();
  dead = false;

  constructor(private readonly inner: SocketFactory) {}

  readonly socket: SocketFactory = (url, protocol) => {
    if (this.dead) throw new Error('the device is gone');
    const socket = this.inner(url, protocol);
    this.sockets.add(socket);
    return socket;
  };

  cut(): void {
    for (const socket of this.sockets) {
      // `terminate` of the ws library: no close handshake, as when a cable is pulled.
      if ('terminate' in socket) (socket as unknown as { terminate(): void }).terminate();
      else socket.close();
    }
    this.sockets.clear();
  }

  readonly clock: Clock = {
    now: () => systemClock.now(),
    after: (ms, callback) => systemClock.after(ms, () => {
      if (!this.dead) callback();
    }),
  };
}

export interface DeviceOptions {
  readonly origin: string;
  readonly socket: SocketFactory;
  /** Name of the profile: the same name is the same browser. */
  readonly profile: string;
  /** The one that the page wants to look at. */
  readonly account?: string;
  readonly platform?: Partial<Platform>;
}

/** One page attached to one core; keeps what it was told as an app would. */
export class Device {
  readonly log: Logged[] = [];
  readonly contacts = new Map<string, Contact>();
  readonly chats = new Map<string, Chat>();
  readonly messages = new Map<string, Map<string, Message>>();
  accounts: readonly AccountInfo[] = [];
  session: SessionState = { phase: 'starting', catchingUp: false };
  private readonly waiting = new Set<() => void>();
  private readonly kith: Kith;
  readonly commands: Commands;
  lost = false;

  private readonly wire: Wire;

  private constructor(readonly options: DeviceOptions) {
    this.wire = new Wire(options.socket);
    this.kith = new Kith({
      clock: this.wire.clock, random: () => 0, storage: options.profile, origin: options.origin, fetch, socket: this.wire.socket,
      deviceName: 'Node', isOnline: () => true, onOnline: () => undefined, loadSession: () => import('../../src/core/session'), loadCrypto: loadEngine,
      put: async (url, headers, data, signal) => {
        const { status } = await fetch(url, { method: 'PUT', headers, body: data, signal });
        return status;
      },
      ...options.platform,
    });
    this.kith.onLost = () => { this.lost = true; };
    this.commands = this.as(() => this.session.address);
  }

  static async open(options: DeviceOptions): Promise<Device> {
    const device = new Device(options);
    device.looks(await device.kith.attach('page', (event, data) => device.told(event, data), options.account));
    return device;
  }

  private as(account: () => string | undefined): Commands {
    return Object.fromEntries(METHODS.map((method) => [method, (...args: unknown[]) =>
      (this.kith.commands('page', account())[method] as (...args: unknown[]) => Promise<unknown>)(...args)])) as unknown as Commands;
  }

  /** The commands for the account looked at now, whichever it is later. */
  bound(): Commands {
    const { address } = this.session;
    return this.as(() => address);
  }

  private looks({ session, accounts, contacts, chats }: Snapshot): void {
    this.session = session;
    this.accounts = accounts;
    for (const known of [this.contacts, this.chats, this.messages]) known.clear();
    for (const contact of contacts) this.contacts.set(contact.address, contact);
    for (const chat of chats) this.chats.set(chat.id, chat);
  }

  /** Another page of the same browser, which looks at the account that it wants. */
  async page(id: string, account?: string): Promise<{ readonly snapshot: Snapshot; readonly log: readonly Logged[]; readonly commands: Commands }> {
    const seen: Logged[] = [];
    const snapshot = await this.kith.attach(id, (event, data) => {
      seen.push({ event, data } as unknown as Logged);
      for (const check of [...this.waiting]) check();
    }, account);
    return { snapshot, log: seen, commands: this.kith.commands(id, snapshot.session.address) };
  }

  /** Ends politely. */
  async stop(): Promise<void> {
    await this.kith.stop();
  }

  /** The worker ends without a word, as when the browser is killed; what was being written is written or not. */
  kill(): void {
    this.wire.dead = true;
    this.wire.cut();
  }

  /** The connection breaks. */
  cut(): void {
    this.wire.cut();
  }

  private told<K extends keyof Events>(event: K, data: Events[K]): void {
    const told = { event, data } as unknown as Logged;
    this.log.push(told);
    switch (told.event) {
      case 'looking': this.looks(told.data); break;
      case 'accounts': this.accounts = told.data; break;
      case 'session': this.session = told.data; break;
      case 'contacts':
        for (const contact of told.data.changed) this.contacts.set(contact.address, contact);
        for (const address of told.data.removed) this.contacts.delete(address);
        break;
      case 'chats':
        for (const chat of told.data.changed) this.chats.set(chat.id, chat);
        for (const id of told.data.removed) this.chats.delete(id);
        break;
      case 'messages': {
        const known = this.messagesOf(told.data.chat);
        for (const message of told.data.changed) known.set(message.id, message);
        for (const id of told.data.removed) known.delete(id);
        break;
      }
      default:
    }
    for (const check of [...this.waiting]) check();
  }

  private messagesOf(chat: string): Map<string, Message> {
    let known = this.messages.get(chat);
    if (!known) this.messages.set(chat, known = new Map());
    return known;
  }

  /** The messages of a chat as they stand in the database, and in the archive before that. */
  async read(chat: string): Promise<readonly Message[]> {
    const pages: (readonly Message[])[] = [];
    let before: number | undefined;
    for (;;) {
      const page = await this.commands.page(chat, { limit: 500, ...(before !== undefined && { before }) });
      pages.unshift(page.messages);
      before = page.messages[0]?.order;
      if (!page.hasOlder || before === undefined) return pages.flat();
    }
  }

  texts(chat: string): string[] {
    return [...this.messagesOf(chat).values()].sort((a, b) => a.order - b.order).map((message) => message.text);
  }

  message(chat: string, text: string): Message | undefined {
    return [...this.messagesOf(chat).values()].find((message) => message.text === text);
  }

  /** Resolves once the condition holds; it is looked at after every event. */
  until<T>(condition: () => T | undefined | false | null, what = condition.toString()): Promise<T> {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => {
        this.waiting.delete(check);
        reject(new Error(`waited in vain for ${what}; session ${JSON.stringify(this.session)}`));
      }, 30_000);
      const check = (): void => {
        const value = condition();
        if (value === undefined || value === false || value === null) return;
        clearTimeout(limit);
        this.waiting.delete(check);
        resolve(value);
      };
      this.waiting.add(check);
      check();
    });
  }

  /** Resolves once this device knows the keys of so many devices. */
  async knowsDevicesOf(address: string, count = 1): Promise<void> {
    for (;;) {
      const before = this.log.length;
      if ((await this.commands.devices(address)).filter((device) => !device.stale).length >= count) return;
      await this.until(() => this.log.slice(before).some((entry) => entry.event === 'devices' && entry.data.address === address), `devices of ${address}`);
    }
  }

  online(): Promise<true> {
    return this.until(() => this.session.phase === 'online' && !this.session.catchingUp, 'being online');
  }

  availability(address: string): Availability | undefined {
    return this.contacts.get(address)?.availability;
  }
}
