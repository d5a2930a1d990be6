import type { SessionState } from '../core/api';
import { Cell, type Readable } from './cell';
import type { Clock } from './clock';
import type { InstallState } from './install';

export interface StorageHost {
  /** Whether the browser has promised to keep what is stored; `undefined` if it makes no such promises. */
  persisted(): Promise<boolean | undefined>;
  /** Asks for that promise. Some browsers ask the person. */
  persist(): Promise<boolean>;
  /** Bytes that are stored. */
  usage(): Promise<number | undefined>;
}

export interface Persistence {
  readonly persisted?: boolean | undefined;
  readonly usage?: number | undefined;
}

const key = 'kith.asked-to-persist';
const month = 30 * 24 * 60 * 60_000;

/**
 * Whether the browser keeps messages and keys even when it runs out of room. It is asked for that once somebody is
 * signed in, for then there is something to lose, and not more than once a month, for some browsers ask the person.
 */
export class PersistenceStore extends Cell<Persistence> {
  readonly #host: StorageHost;
  readonly #clock: Clock;
  readonly #memory: Pick<Storage, 'getItem' | 'setItem'>;

  constructor(host: StorageHost, clock: Clock, memory: Pick<Storage, 'getItem' | 'setItem'>, session: Readable<SessionState>, install: Readable<InstallState>) {
    super({});
    this.#host = host;
    this.#clock = clock;
    this.#memory = memory;
    let online = false;
    session.subscribe(() => {
      const before = online;
      online = session.get().phase === 'online';
      if (online && !before) void this.#askInTime();
    });
    // What is installed is granted it.
    install.subscribe(() => {
      if (install.get() === 'installed') void this.protect();
    });
  }

  async refresh(): Promise<void> {
    const [persisted, usage] = await Promise.all([this.#host.persisted(), this.#host.usage()]);
    this.set({ persisted, usage });
  }

  /** Asks the browser to keep everything. Resolves to whether it will. */
  async protect(): Promise<boolean> {
    const persisted = await this.#host.persist();
    this.set({ ...this.get(), persisted });
    return persisted;
  }

  async #askInTime(): Promise<void> {
    if (await this.#host.persisted() !== false || this.#clock.now() - this.#asked() < month) return;
    try {
      this.#memory.setItem(key, String(this.#clock.now()));
    } catch {
      return; // what cannot remember that it asked does not ask
    }
    await this.protect();
  }

  #asked(): number {
    try {
      return Number(this.#memory.getItem(key) ?? 0);
    } catch {
      return 0;
    }
  }
}
