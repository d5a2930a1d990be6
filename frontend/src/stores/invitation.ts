import type { Address, Commands, InviteInfo, Reason } from '../core/api';
import { Cell } from './cell';
import { reasonOf } from './reason';
import { strengthOf } from './password';
import { userNameFits } from './username';

export interface InvitationState {
  readonly status: 'checking' | 'valid' | 'invalid' | 'failed';
  readonly info?: InviteInfo;
  /** Why the invitation could not be looked up. */
  readonly reason?: Reason;
  readonly busy: boolean;
  readonly wrong?: {
    readonly displayName?: 'missing';
    readonly userName?: 'missing' | 'wrong' | 'taken';
    readonly password?: 'missing' | 'short' | 'weak';
  };
  /** Why the account could not be made. */
  readonly error?: Reason;
}

type Core = Pick<Commands, 'lookupInvite' | 'acceptInvite' | 'acceptInviteAsContact' | 'signIn' | 'resetPassword'>;

/** An invitation that was opened: what it says, and making the account. */
export class Invitation extends Cell<InvitationState> {
  readonly token: string;
  readonly #core: Core;
  /** The name for which an account was asked, when the answer was lost: the account may be there. */
  #asked: string | undefined;

  constructor(core: Core, token: string) {
    super({ status: 'checking', busy: false });
    this.#core = core;
    this.token = token;
    void this.look();
  }

  async look(): Promise<void> {
    this.set({ status: 'checking', busy: false });
    try {
      this.set({ status: 'valid', info: await this.#core.lookupInvite(this.token), busy: false });
    } catch (error) {
      const reason = reasonOf(error);
      const gone = reason.code === 'invite-invalid' || reason.code === 'not-found';
      this.set({ status: gone ? 'invalid' : 'failed', reason, busy: false });
    }
  }

  /** Makes the account. Resolves to where to go: the inviter's chat, or nowhere in particular; undefined on failure. */
  async accept(displayName: string, userName: string, password: string): Promise<{ chat: Address | undefined } | undefined> {
    const { info, busy } = this.get();
    if (!info || busy) return undefined;
    const name = userName.trim().toLowerCase();
    const strength = strengthOf(password, info.minPassword, [name, displayName]);
    const wrong: InvitationState['wrong'] = {
      ...(displayName.trim() === '' ? { displayName: 'missing' as const } : {}),
      ...(name === '' ? { userName: 'missing' as const } : userNameFits(name) ? {} : { userName: 'wrong' as const }),
      ...(password === '' ? { password: 'missing' as const } : strength === 'too-short' ? { password: 'short' as const } : {}),
    };
    if (Object.keys(wrong).length > 0) {
      this.set({ status: 'valid', info, busy: false, wrong });
      return undefined;
    }
    this.set({ status: 'valid', info, busy: true });
    try {
      await this.#core.acceptInvite(this.token, name, password, displayName.trim());
      return { chat: info.inviter };
    } catch (thrown) {
      const error = reasonOf(thrown);
      const spent = error.code === 'invite-invalid' || error.code === 'conflict';
      if (spent && this.#asked === name && await this.#enter(`${name}@${info.domain}`, password)) return { chat: info.inviter };
      if (error.code === 'network' || error.code === 'server') this.#asked = name;
      switch (error.code) {
        case 'conflict': this.set({ status: 'valid', info, busy: false, wrong: { userName: 'taken' } }); break;
        case 'name-invalid': this.set({ status: 'valid', info, busy: false, wrong: { userName: 'wrong' } }); break;
        case 'password-weak': this.set({ status: 'valid', info, busy: false, wrong: { password: 'weak' } }); break;
        case 'invite-invalid': this.set({ status: 'invalid', reason: error, busy: false }); break;
        default: this.set({ status: 'valid', info, busy: false, error });
      }
      return undefined;
    }
  }

  /** Sets a new password, where the link is for that. Resolves to whether one is signed in with it. */
  async reset(password: string): Promise<boolean> {
    const { info, busy } = this.get();
    if (info?.reset === undefined || busy) return false;
    const strength = strengthOf(password, info.minPassword, [info.reset]);
    if (password === '' || strength === 'too-short') {
      this.set({ status: 'valid', info, busy: false, wrong: { password: password === '' ? 'missing' : 'short' } });
      return false;
    }
    this.set({ status: 'valid', info, busy: true });
    try {
      await this.#core.resetPassword(this.token, password);
      return true;
    } catch (thrown) {
      const error = reasonOf(thrown);
      if (error.code === 'password-weak') this.set({ status: 'valid', info, busy: false, wrong: { password: 'weak' } });
      else if (error.code === 'invite-invalid') this.set({ status: 'invalid', reason: error, busy: false });
      else this.set({ status: 'valid', info, busy: false, error });
      return false;
    }
  }

  /** Signs in to the account that an earlier attempt may have made. */
  async #enter(address: Address, password: string): Promise<boolean> {
    try {
      await this.#core.signIn(address, password);
      return true;
    } catch {
      return false; // it was not made, or with another password: the first answer is the one to tell
    }
  }

  /** Signed in already: only becomes the inviter's contact. */
  async acceptAsContact(): Promise<{ chat: Address } | undefined> {
    const { info, busy } = this.get();
    if (!info || busy) return undefined;
    this.set({ status: 'valid', info, busy: true });
    try {
      return { chat: await this.#core.acceptInviteAsContact(this.token) };
    } catch (thrown) {
      const error = reasonOf(thrown);
      if (error.code === 'invite-invalid') this.set({ status: 'invalid', reason: error, busy: false });
      else this.set({ status: 'valid', info, busy: false, error });
      return undefined;
    }
  }
}
