import type { SessionState } from '../core/api';
import { Cell, type Readable } from './cell';
import type { Clock } from './clock';

/** Where new versions of the app come from. */
export interface UpdateHost {
  /** Calls back when a new version is here, whole, and waits for its turn. */
  onReady(listener: () => void): void;
  /** Looks whether there is one. */
  check(): void;
  /** Begins with it: the window is loaded again. */
  apply(): void;
}

/** `ready`: a new version waits. `later`: the person does not want to hear of it now. `applying`: the window is about to be loaded again. */
export type UpdateState = 'none' | 'ready' | 'later' | 'applying';

const often = 5 * 60_000;
const rarely = 60 * 60_000;

/**
 * New versions of the app. Looked for now and then, and whenever the connection has come back: a server that was
 * replaced was away.
 */
export class Updates extends Cell<UpdateState> {
  readonly #host: UpdateHost;
  readonly #clock: Clock;
  #checked: number;

  constructor(host: UpdateHost, clock: Clock, session: Readable<SessionState>) {
    super('none');
    this.#host = host;
    this.#clock = clock;
    this.#checked = clock.now();
    host.onReady(() => this.set('ready'));
    let online = false;
    session.subscribe(() => {
      const before = online;
      online = session.get().phase === 'online';
      if (online && !before) this.#check(often);
    });
    const again = (): void => {
      this.#check(often);
      clock.after(rarely, again);
    };
    clock.after(rarely, again);
  }

  apply(): void {
    this.set('applying');
    this.#host.apply();
  }

  later(): void {
    this.set('later');
  }

  #check(pause: number): void {
    if (this.#clock.now() - this.#checked < pause) return;
    this.#checked = this.#clock.now();
    this.#host.check();
  }
}
