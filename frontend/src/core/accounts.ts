/** The accounts of this browser, each with a session of its own and all of them online at once; every page looks at one. */
import { addAccount, listAccounts, removeAccount, useAccount } from '../db/accounts';
import { Database, deleteOrphans, SupersededError } from '../db/database';
import { domainOf } from '../xmpp/jid';
import type { FastToken } from '../xmpp/login';
import { CoreError, type AccountInfo, type Address, type Events, type Reason, type SessionState, type Snapshot } from './api';
import { again } from './async';
import { Hub, type Emit } from './hub';
import { log } from './log';
import type { Platform } from './platform';
import { coreError, fail, reasonOf } from './reasons';
import type { Session } from './session';
import { Tally } from './tally';

/** A page that starts has what is kept here before the network is asked for more; so long it has for that. */
const FIRST_LOOK = 120;
/** Several changes in a row are told once. */
const GATHER = 50;

/** One account: its session, once that is open, and what is told around it. */
interface Seat {
  readonly address: Address;
  readonly hub: Hub;
  readonly tally: Tally;
  session: Session | undefined;
  /** The session is open, or could not be opened. */
  opened: Promise<void>;
  /** A page wants it: it need not wait for others. */
  hasten: () => void;
  /** It is on its way to a connection. */
  resumed: Promise<void>;
  /** A page has the messages that it shows first. */
  looked: () => void;
  used: number;
  /** What its pages were told last. */
  state: SessionState;
}

/** A window or tab. */
interface Page {
  listener: Emit | undefined;
  account: Address | undefined;
  active: boolean;
  focus: { readonly account: Address; readonly chat: Address } | undefined;
}

export class Accounts {
  private readonly seats = new Map<Address, Seat>();
  private readonly pages = new Map<string, Page>();
  /** Sessions of accounts that are on their way in. */
  private readonly entering = new Set<Session>();
  private readonly platform: Platform;
  private told = '';
  private gathering = false;
  /** Why an account could not be opened. */
  private failure: Reason | undefined;
  /** Why what runs the accounts could not be fetched: they are here, and wait for it. */
  private lack: Reason | undefined;
  /** Which accounts there are is known; their sessions may not be open yet. */
  private readonly listed: Promise<void>;
  /** Another instance has taken over: this one must end. */
  onLost: () => void = () => undefined;
  /** A session has a connection. */
  onOnline: (session: Session) => void = () => undefined;

  constructor(platform: Platform, private readonly serverDomain: () => Promise<string>) {
    // Nothing of an account is kept in the cryptographic core: one does for all of them.
    this.platform = { ...platform, loadSession: again(() => platform.loadSession()), loadCrypto: again(() => platform.loadCrypto()) };
    this.listed = this.start();
  }

  private async start(): Promise<void> {
    try {
      const accounts = await listAccounts(this.platform.storage);
      if (accounts.length > 0) void this.warmUp().catch(() => undefined); // `begin` tells
      await deleteOrphans(this.platform.storage, accounts.map((account) => account.address)).catch((error: unknown) => log.warn('old data not deleted', { code: reasonOf(error).code }));
      for (const { address, used } of accounts) this.seats.set(address, this.seat(address, used));
      // The one that is most likely looked at does not wait for the others.
      const first = this.choose(undefined);
      if (first) this.beginAll(first);
    } catch (error) {
      this.failure = reasonOf(error);
      log.warn('accounts not read', { code: this.failure.code });
    }
  }

  /** Fetches what runs an account, if it is not here yet. Rejects with CoreError. */
  async warmUp(): Promise<void> {
    await this.platform.loadSession();
  }

  private beginAll(first: Seat): void {
    this.lack = undefined;
    if (!first.session) first.opened = this.begin(first, true);
    for (const seat of this.seats.values()) if (seat !== first && !seat.session) seat.opened = this.beginAfter(first, seat);
  }

  /** The account is open, or could not be opened. Rejects while what runs it cannot be fetched; asking again fetches it again. */
  private async ready(seat: Seat): Promise<void> {
    if (this.lack) this.beginAll(seat);
    seat.hasten();
    await seat.opened;
    if (this.lack) throw new CoreError(this.lack);
  }

  /** Begins when the first is on its way, or a page wants this one. */
  private async beginAfter(first: Seat, seat: Seat): Promise<void> {
    const hastened = new Promise<boolean>((resolve) => { seat.hasten = () => resolve(true); });
    const wanted = await Promise.race([hastened, first.opened.then(() => first.resumed).then(() => false)]);
    if (!this.lack) await this.begin(seat, wanted);
  }

  private seat(address: Address, used: number): Seat {
    const seat: Seat = {
      address, used, tally: new Tally(), session: undefined, opened: Promise.resolve(), resumed: Promise.resolve(), looked: () => undefined, hasten: () => undefined, state: { phase: 'starting', address, catchingUp: false },
      hub: new Hub((event, data) => this.overheard(seat, event, data)),
    };
    return seat;
  }

  /** Opens what is here of an account, and goes online with it. `wanted`: a page will look at it. */
  private async begin(seat: Seat, wanted: boolean): Promise<void> {
    const database = this.openDatabase(seat);
    try {
      await this.warmUp();
    } catch (error) {
      this.lack = coreError(error).reason;
      log.warn('accounts not opened yet', { code: this.lack.code });
      await database.then((db) => db.close(), () => undefined);
      return;
    }
    try {
      const session = await this.openSession(seat, database);
      if (!wanted) seat.hub.onActivity(false);
      this.stateChanged(seat);
      seat.resumed = this.resume(seat, session, wanted).catch((error: unknown) => this.broken(seat, error));
    } catch (error) {
      await this.broken(seat, error);
    }
  }

  private async resume(seat: Seat, session: Session, wanted: boolean): Promise<void> {
    if (wanted) {
      await new Promise<void>((resolve) => {
        seat.looked = resolve;
        this.platform.clock.after(FIRST_LOOK, resolve);
      });
    }
    if (this.seats.get(seat.address) === seat) await session.resume();
  }

  /** A page has messages of the account. */
  looked(address: Address | undefined): void {
    if (address !== undefined) this.seats.get(address)?.looked();
  }

  private openDatabase(seat: Seat): Promise<Database> {
    const opening = Database.open(this.platform.storage, seat.address, () => this.onLost());
    opening.catch(() => undefined); // whoever waits for it is told
    return opening;
  }

  private async openSession(seat: Seat, database: Promise<Database>, vouched?: { readonly agentId: string; readonly token: FastToken }): Promise<Session> {
    const { Session } = await this.platform.loadSession();
    const session = await Session.open(seat.address, await database, this.platform, seat.hub, vouched);
    session.onState = () => this.stateChanged(seat);
    seat.tally.contactsChanged({ changed: session.contacts.list(session.chats.people), removed: [] });
    seat.tally.chatsChanged({ changed: session.chats.list(), removed: [] });
    seat.session = session;
    return session;
  }

  private async broken(seat: Seat, error: unknown): Promise<void> {
    if (error instanceof SupersededError) return this.onLost();
    this.failure = reasonOf(error);
    log.warn('account not opened', { code: this.failure.code });
    if (this.seats.get(seat.address) !== seat) return;
    this.seats.delete(seat.address);
    await seat.session?.close().catch(() => undefined);
    this.leave(seat);
  }

  // ── what happens in an account ──

  private stateChanged(seat: Seat): void {
    const { session } = seat;
    if (!session) return;
    const { state, state: { phase } } = session;
    if (JSON.stringify(state) === JSON.stringify(seat.state)) return;
    const before = seat.state.phase;
    seat.state = state;
    seat.hub.emit('session', state);
    this.changed();
    if (phase === 'online' && before !== 'online') this.onOnline(session);
  }

  /** What one account tells its pages concerns the others in part. */
  private overheard<K extends keyof Events>(seat: Seat, event: K, data: Events[K]): void {
    switch (event) {
      case 'chats': {
        const read = seat.tally.chatsChanged(data as Events['chats']);
        for (const chat of read) this.tell('read', { account: seat.address, chat });
        return this.changed();
      }
      case 'contacts':
        seat.tally.contactsChanged(data as Events['contacts']);
        return this.changed();
      case 'notify':
        for (const page of this.pages.values()) if (page.account !== seat.address) page.listener?.(event, data);
        return;
      default:
    }
  }

  private changed(): void {
    if (this.gathering) return;
    this.gathering = true;
    this.platform.clock.after(GATHER, () => {
      this.gathering = false;
      this.tellAccounts();
    });
  }

  private tellAccounts(): void {
    const accounts = this.list();
    const told = JSON.stringify(accounts);
    if (told === this.told) return;
    this.told = told;
    this.tell('accounts', accounts);
  }

  private readonly tell: Emit = (event, data) => {
    for (const page of this.pages.values()) page.listener?.(event, data);
  };

  private list(): AccountInfo[] {
    return [...this.seats.values()].map(({ address, state, tally }) => ({
      address, phase: state.phase, ...tally.counts,
      ...(state.displayName !== undefined && { displayName: state.displayName }), ...(state.picture !== undefined && { picture: state.picture }),
    }));
  }

  // ── pages ──

  /** From now on the page gets events; what was before is in the snapshot. Rejects while what runs the accounts cannot be fetched; asking again fetches it again. */
  async attach(id: string, listener: Emit, wanted: Address | undefined): Promise<Snapshot> {
    await this.listed;
    let seat = this.choose(wanted);
    // One that cannot be opened is none.
    for (; seat; seat = this.choose(wanted)) {
      await this.ready(seat);
      if (this.seats.get(seat.address) === seat) break;
    }
    const domain = seat ? domainOf(seat.address) : await this.serverDomain();
    this.page(id).listener = listener;
    this.move(id, seat);
    return this.snapshot(seat, domain);
  }

  detach(id: string): void {
    const page = this.pages.get(id);
    this.pages.delete(id);
    if (page?.account !== undefined) this.seats.get(page.account)?.hub.detach(id);
  }

  setActive(id: string, active: boolean): void {
    const page = this.page(id);
    page.active = active;
    if (page.account !== undefined) this.seats.get(page.account)?.hub.setActive(id, active);
  }

  setFocus(id: string, account: Address | undefined, chat: Address | null): void {
    const page = this.page(id);
    if (account === undefined || (chat === null && page.focus?.account !== account)) return;
    page.focus = chat === null ? undefined : { account, chat };
    if (page.account === account) this.seats.get(account)?.hub.setFocus(id, chat);
  }

  /** The page looks at this account from now on. */
  async look(id: string, address: Address): Promise<void> {
    await this.listed;
    const seat = this.seats.get(address);
    if (seat) await this.ready(seat);
    if (!seat || this.seats.get(address) !== seat) throw fail('not-found', 'no such account here');
    seat.used = this.platform.clock.now();
    await useAccount(this.platform.storage, address, seat.used);
    this.show(id, seat);
  }

  private show(id: string, seat: Seat | undefined): void {
    const page = this.page(id);
    if (page.account === seat?.address) return;
    const domain = domainOf(seat?.address ?? page.account ?? '');
    this.move(id, seat);
    page.listener?.('looking', this.snapshot(seat, domain));
  }

  private move(id: string, seat: Seat | undefined): void {
    const page = this.page(id);
    if (page.account !== undefined && page.account !== seat?.address) this.seats.get(page.account)?.hub.detach(id);
    page.account = seat?.address;
    if (!seat || !page.listener) return;
    seat.hub.attach(id, page.listener);
    seat.hub.setFocus(id, page.focus?.account === seat.address ? page.focus.chat : null);
    seat.hub.setActive(id, page.active);
  }

  private snapshot(seat: Seat | undefined, domain: string): Snapshot {
    const session = seat?.session;
    return {
      domain,
      accounts: this.list(),
      session: session?.state ?? { phase: 'none', catchingUp: false, ...(this.failure && { reason: this.failure }) },
      contacts: session?.contacts.list(session.chats.people) ?? [],
      chats: session?.chats.list() ?? [],
    };
  }

  private page(id: string): Page {
    let page = this.pages.get(id);
    if (!page) this.pages.set(id, page = { listener: undefined, account: undefined, active: false, focus: undefined });
    return page;
  }

  /** The account that was asked for; else the one that was looked at last. */
  private choose(wanted: Address | undefined): Seat | undefined {
    const seat = wanted === undefined ? undefined : this.seats.get(wanted);
    return seat ?? [...this.seats.values()].reduce<Seat | undefined>((best, one) => (best && best.used >= one.used ? best : one), undefined);
  }

  // ── coming and going ──

  /** The session of an account; `undefined`: this browser has none. */
  async session(address: Address | undefined): Promise<Session | undefined> {
    await this.listed;
    const seat = address === undefined ? undefined : this.seats.get(address);
    await seat?.opened;
    return seat?.session;
  }

  /** Those that are open. */
  get sessions(): readonly Session[] {
    return [...this.seats.values()].flatMap(({ session }) => session ?? []);
  }

  /** Another account, of which this browser has it once `enter` has gone well: the page looks at it then. */
  async add(id: string, address: Address, enter: (session: Session) => Promise<void>, vouched?: { readonly agentId: string; readonly token: FastToken }): Promise<Session> {
    await this.listed;
    const now = this.platform.clock.now();
    const seat = this.seat(address, now);
    await this.warmUp();
    const session = await this.openSession(seat, this.openDatabase(seat), vouched);
    this.entering.add(session);
    try {
      await enter(session);
      await addAccount(this.platform.storage, address, now);
    } catch (error) {
      seat.session = undefined;
      await session.erase();
      throw error;
    } finally {
      this.entering.delete(session);
    }
    this.seats.set(address, seat);
    this.failure = undefined;
    if (this.lack) this.beginAll(seat);
    this.show(id, seat);
    // Pages without an account have one now.
    for (const [other, { account, listener }] of this.pages) if (account === undefined && listener) this.show(other, seat);
    this.tellAccounts();
    return session;
  }

  /** The account is not here any more; pages that looked at it look at another one. */
  async remove(session: Session, close: () => Promise<void>): Promise<void> {
    const seat = this.seats.get(session.address);
    if (seat?.session !== session) return;
    this.seats.delete(seat.address);
    try {
      await removeAccount(this.platform.storage, seat.address);
      await close();
    } finally {
      this.leave(seat);
    }
  }

  private leave(seat: Seat): void {
    for (const chat of seat.tally.unread) this.tell('read', { account: seat.address, chat });
    for (const [id, page] of this.pages) {
      if (page.account === seat.address) this.show(id, this.choose(undefined));
    }
    this.tellAccounts();
  }

  /** Ends everything, so that another instance can go on. */
  async stop(): Promise<void> {
    await this.listed;
    const seats = [...this.seats.values()];
    await Promise.all(seats.map((seat) => seat.opened));
    this.seats.clear();
    await Promise.all([...seats.flatMap(({ session }) => session ?? []), ...this.entering].map((session) => session.close()));
  }
}
