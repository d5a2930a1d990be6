import type { Commands, Reason } from '../core/api';
import { Cell } from './cell';
import { reasonOf } from './reason';

export interface LeavingState {
  readonly busy: boolean;
  readonly wrong?: 'missing' | 'wrong';
  readonly reason?: Reason;
}

/** Deleting the account: the password is asked for once more. */
export class Leaving extends Cell<LeavingState> {
  readonly #core: Pick<Commands, 'deleteAccount'>;

  constructor(core: Pick<Commands, 'deleteAccount'>) {
    super({ busy: false });
    this.#core = core;
  }

  /** Resolves to whether the account is gone. */
  async submit(password: string): Promise<boolean> {
    if (this.get().busy) return false;
    if (password === '') {
      this.set({ busy: false, wrong: 'missing' });
      return false;
    }
    this.set({ busy: true });
    try {
      await this.#core.deleteAccount(password);
      this.set({ busy: false });
      return true;
    } catch (error) {
      const reason = reasonOf(error);
      this.set(reason.code === 'credentials' ? { busy: false, wrong: 'wrong' } : { busy: false, reason });
      return false;
    }
  }
}
