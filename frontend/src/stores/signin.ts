import type { Commands, Reason } from '../core/api';
import { Cell } from './cell';
import { completeAddress } from './contacts';
import { reasonOf } from './reason';

export type SignInState = {
  readonly busy: boolean;
  /** What is wrong with the form, before anybody was asked. */
  readonly wrong?: { readonly address?: 'missing' | 'wrong'; readonly password?: 'missing' };
  readonly reason?: Reason;
};

/** Signing in with name and password. */
export class SignIn extends Cell<SignInState> {
  readonly #core: Pick<Commands, 'signIn' | 'signOut'>;
  readonly #domain: () => string;

  constructor(core: Pick<Commands, 'signIn' | 'signOut'>, domain: () => string) {
    super({ busy: false });
    this.#core = core;
    this.#domain = domain;
  }

  async submit(typed: string, password: string): Promise<boolean> {
    if (this.get().busy) return false;
    const address = completeAddress(typed, this.#domain());
    const wrong: SignInState['wrong'] = {
      ...(typed.trim() === '' ? { address: 'missing' as const } : address ? {} : { address: 'wrong' as const }),
      ...(password === '' ? { password: 'missing' as const } : {}),
    };
    if (!address || wrong.address || wrong.password) {
      this.set({ busy: false, wrong });
      return false;
    }
    this.set({ busy: true });
    try {
      await this.#core.signIn(address, password);
      this.set({ busy: false });
      return true;
    } catch (error) {
      this.set({ busy: false, reason: reasonOf(error) });
      return false;
    }
  }

  /** Begins anew. */
  reset(): void {
    this.set({ busy: false });
  }

  /** Forgets the account whose password was refused, to make room for another. */
  async forget(): Promise<void> {
    this.set({ busy: true });
    try {
      await this.#core.signOut();
      this.set({ busy: false });
    } catch (error) {
      this.set({ busy: false, reason: reasonOf(error) });
    }
  }
}
