import type { Commands, Reason } from '../core/api';
import { Cell } from './cell';
import { strengthOf } from './password';
import { reasonOf } from './reason';

export interface PasswordChangeState {
  readonly busy: boolean;
  readonly wrong?: { readonly current?: 'missing' | 'wrong'; readonly next?: 'missing' | 'short' | 'weak' };
  readonly reason?: Reason;
}

/** Changing the password: the old one is asked for once more. */
export class PasswordChange extends Cell<PasswordChangeState> {
  /** The server decides; this only spares a question. */
  readonly minimum = 8;
  readonly #core: Pick<Commands, 'changePassword'>;

  constructor(core: Pick<Commands, 'changePassword'>) {
    super({ busy: false });
    this.#core = core;
  }

  async submit(current: string, next: string, ownWords: readonly string[]): Promise<boolean> {
    if (this.get().busy) return false;
    const wrong: PasswordChangeState['wrong'] = {
      ...(current === '' ? { current: 'missing' as const } : {}),
      ...(next === '' ? { next: 'missing' as const } : strengthOf(next, this.minimum, ownWords) === 'too-short' ? { next: 'short' as const } : {}),
    };
    if (wrong.current || wrong.next) {
      this.set({ busy: false, wrong });
      return false;
    }
    this.set({ busy: true });
    try {
      await this.#core.changePassword(current, next);
      this.set({ busy: false });
      return true;
    } catch (error) {
      const reason = reasonOf(error);
      if (reason.code === 'credentials') this.set({ busy: false, wrong: { current: 'wrong' } });
      else if (reason.code === 'password-weak') this.set({ busy: false, wrong: { next: 'weak' } });
      else this.set({ busy: false, reason });
      return false;
    }
  }
}
