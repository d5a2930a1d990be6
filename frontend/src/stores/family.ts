import type { Commands, Events, Family, Reason, SessionState } from '../core/api';
import { Cell, type Readable } from './cell';
import type { NoticeStore } from './notices';
import { reasonOf } from './reason';

export interface FamilyState {
  readonly family: Family;
  /** It was read at least once since signing in. */
  readonly known: boolean;
  readonly reason?: Reason;
}

const nobody: Family = { children: [], guardians: [], waiting: [], circles: [] };

/** Children, guardians and circles, as the server last told. */
export class FamilyStore extends Cell<FamilyState> {
  readonly #core: Pick<Commands, 'family'>;
  readonly #notices: Pick<NoticeStore, 'done'>;
  #turn = 0;
  #phase: SessionState['phase'] = 'starting';

  constructor(core: Pick<Commands, 'family'>, session: Readable<SessionState>, notices: Pick<NoticeStore, 'done'>) {
    super({ family: nobody, known: false });
    this.#core = core;
    this.#notices = notices;
    session.subscribe(() => this.#follow(session.get()));
  }

  #follow({ phase, catchingUp }: SessionState): void {
    const now = phase === 'online' && catchingUp ? this.#phase : phase;
    if (now === this.#phase) return;
    this.#phase = now;
    if (now === 'online') void this.load();
  }

  /** Another account: nothing is known of its family. */
  clear(): void {
    this.#turn++;
    this.#phase = 'starting';
    this.set({ family: nobody, known: false });
  }

  async load(): Promise<void> {
    const turn = ++this.#turn;
    try {
      const family = await this.#core.family();
      if (turn === this.#turn) this.set({ family, known: true });
    } catch (error) {
      if (turn === this.#turn) this.set({ ...this.get(), reason: reasonOf(error) });
    }
  }

  apply({ decided }: Events['family']): void {
    if (decided) this.#notices.done(decided.approved ? 'approved' : 'not-approved');
    void this.load();
  }
}

/** How much waits for one's own decision. */
export function toDecide(family: Family): number {
  return family.children.filter((child) => child.mayDecide).reduce((count, child) => count + child.requests.length, 0);
}
