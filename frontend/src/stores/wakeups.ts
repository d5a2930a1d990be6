import type { AccountInfo, BrowserSubscription, Core, SessionState } from '../core/api';
import { Cell, type Readable } from './cell';
import type { Preferences } from './preferences';

/** Where a browser says how it can be woken while no page is open. */
export interface WakeupHost {
  /** Subscribes with the server's key, or finds the subscription that there is. `undefined`: it cannot be done here. */
  subscribe(key: string): Promise<BrowserSubscription | undefined>;
  unsubscribe(): Promise<void>;
}

/** `on`: new messages are told also while Kith is closed. */
export type WakeupState = 'unknown' | 'on' | 'off';

/**
 * Sees to it that the server can wake this browser for as long as the person wants to be notified. Said again with
 * every start, for browsers replace their subscriptions as they like.
 */
export class Wakeups extends Cell<WakeupState> {
  readonly #host: WakeupHost;
  readonly #core: Pick<Core, 'pushKey' | 'enablePush' | 'disablePush'>;
  readonly #session: Readable<SessionState>;
  readonly #accounts: Readable<readonly AccountInfo[]>;
  readonly #preferences: Readable<Preferences>;
  #wanted: boolean | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(host: WakeupHost, core: Pick<Core, 'pushKey' | 'enablePush' | 'disablePush'>, session: Readable<SessionState>, accounts: Readable<readonly AccountInfo[]>, preferences: Readable<Preferences>) {
    super('unknown');
    this.#host = host;
    this.#core = core;
    this.#session = session;
    this.#accounts = accounts;
    this.#preferences = preferences;
    session.subscribe(() => this.#follow());
    accounts.subscribe(() => this.#follow());
    preferences.subscribe(() => this.#follow());
  }

  #follow(): void {
    const { phase } = this.#session.get();
    const wanted = this.#preferences.get().notifications;
    if (phase === 'starting') return;
    if (this.#accounts.get().every((account) => account.phase === 'locked')) {
      // Nobody is here whom it could be told. The server has forgotten it, or will when it finds nobody.
      if (this.#wanted !== undefined || this.get() === 'on') this.#do(() => this.#host.unsubscribe(), 'unknown');
      this.#wanted = undefined;
    } else if (phase === 'online' && wanted !== this.#wanted) {
      const before = this.#wanted;
      this.#wanted = wanted;
      if (wanted) this.#do(() => this.#subscribe(), undefined);
      // Who never wanted it has nothing to take back.
      else if (before === true) this.#do(() => this.#unsubscribe(), 'off');
    }
  }

  /** One after another, and the last word counts. */
  #do(act: () => Promise<void>, then: WakeupState | undefined): void {
    this.#last = this.#last.then(act).then(() => { if (then) this.set(then); }, () => {
      // The connection broke, most of the time: it is said again when there is one.
      this.#wanted = undefined;
    });
  }

  async #subscribe(): Promise<void> {
    const key = await this.#core.pushKey();
    const subscription = key === undefined ? undefined : await this.#host.subscribe(key);
    if (subscription) await this.#core.enablePush(subscription);
    this.set(subscription ? 'on' : 'off');
  }

  async #unsubscribe(): Promise<void> {
    await this.#core.disablePush();
    await this.#host.unsubscribe();
  }
}
