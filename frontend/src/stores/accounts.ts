import type { AccountInfo, Address, Core, SessionState } from '../core/api';
import { Cell, type Readable } from './cell';
import { localPart } from './contacts';

/** Where a window remembers which account it looks at. */
export type WindowMemory = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

const key = 'kith.account';
/** Where the browser remembers that there are accounts, which only the core knows and tells later. */
const hint = 'kith.accounts';

/** The accounts of this browser, and which of them this window looks at. */
export class AccountsStore extends Cell<readonly AccountInfo[]> {
  readonly #core: Pick<Core, 'switchAccount'>;
  readonly #session: Readable<SessionState>;
  readonly #memory: WindowMemory;
  readonly #storage: Pick<Storage, 'getItem' | 'setItem'>;

  constructor(core: Pick<Core, 'switchAccount'>, session: Readable<SessionState>, memory: WindowMemory, storage: Pick<Storage, 'getItem' | 'setItem'>) {
    super([]);
    this.#core = core;
    this.#session = session;
    this.#memory = memory;
    this.#storage = storage;
  }

  /** Whether there were accounts last time: what they need can be fetched before the core says so. */
  get likely(): boolean {
    try {
      return this.#storage.getItem(hint) === '1';
    } catch {
      return false;
    }
  }

  override set(accounts: readonly AccountInfo[]): void {
    super.set(accounts);
    const some = accounts.length > 0;
    if (some === this.likely) return;
    try {
      this.#storage.setItem(hint, some ? '1' : '0');
    } catch {
      // then nothing is fetched before its time
    }
  }

  /** The account that this window looked at before it was loaded again. */
  remembered(): Address | undefined {
    try {
      return this.#memory.getItem(key) ?? undefined;
    } catch {
      return undefined;
    }
  }

  /** This window looks at it now. */
  remember(address: Address | undefined): void {
    try {
      if (address === undefined) this.#memory.removeItem(key);
      else this.#memory.setItem(key, address);
    } catch {
      // then it begins with the one that was looked at last
    }
  }

  /** Looks at another account. Resolves to whether it does, as it does if that is the one already. */
  async switch(address: Address): Promise<boolean> {
    if (this.#session.get().address === address) return true;
    if (!this.get().some((account) => account.address === address)) return false;
    await this.#core.switchAccount(address);
    return true;
  }

  /** Those that this window does not look at. */
  get others(): readonly AccountInfo[] {
    const { address } = this.#session.get();
    return this.get().filter((account) => account.address !== address);
  }
}

/** What an account is called: by the name of its owner; several of the same name by their addresses. */
export function accountName(accounts: readonly AccountInfo[], address: Address): string {
  const called = (one: AccountInfo): string => one.displayName || localPart(one.address);
  const account = accounts.find((one) => one.address === address);
  if (!account) return localPart(address);
  const name = called(account);
  return accounts.some((one) => one !== account && called(one) === name) ? address : name;
}
