import type { Address, Commands, Events, SessionState, Snapshot } from '../core/api';
import { Cell, type Readable } from './cell';

/** Whose picture is which, by its hash. */
export type Faces = ReadonlyMap<Address, string>;

/** How a picture becomes something that a page can show, and how that ends. */
export interface Addresses {
  make(picture: Blob): string;
  drop(url: string): void;
}

const objectUrls: Addresses = { make: (picture) => URL.createObjectURL(picture), drop: (url) => URL.revokeObjectURL(url) };

/** The pictures of people and groups. A new snapshot comes only when somebody has another picture, not when somebody moves. */
export class Pictures extends Cell<Faces> {
  readonly #core: Pick<Commands, 'picture'>;
  readonly #addresses: Addresses;
  #own: ReadonlySet<string> = new Set();
  readonly #urls = new Map<string, Cell<string | undefined>>();

  constructor(core: Pick<Commands, 'picture'>, addresses: Addresses = objectUrls) {
    super(new Map());
    this.#core = core;
    this.#addresses = addresses;
  }

  /** The picture as an address for `<img>`: fetched when it is first asked for, `undefined` until it is here. */
  url(hash: string): Readable<string | undefined> {
    const known = this.#urls.get(hash);
    if (known) return known;
    const cell = new Cell<string | undefined>(undefined);
    this.#urls.set(hash, cell);
    void this.#fetch(hash, cell);
    return cell;
  }

  async #fetch(hash: string, cell: Cell<string | undefined>): Promise<void> {
    try {
      const picture = await this.#core.picture(hash);
      if (picture && this.#urls.get(hash) === cell) cell.set(this.#addresses.make(picture));
    } catch {
      this.#urls.delete(hash); // then initials are shown, and the next who asks tries again
    }
  }

  reset({ session, contacts, chats, accounts }: Snapshot): void {
    this.set(new Map());
    this.accounts(accounts);
    this.session(session);
    this.contacts({ changed: contacts, removed: [] });
    this.chats({ changed: chats, removed: [] });
  }

  session(state: SessionState): void {
    if (state.address !== undefined) this.#follow([[state.address, state.picture]]);
  }

  /** What the accounts of this browser show of themselves stays at hand. */
  accounts(accounts: Events['accounts']): void {
    this.#own = new Set(accounts.flatMap(({ picture }) => picture ?? []));
    this.#release();
  }

  contacts({ changed, removed }: Events['contacts']): void {
    this.#follow([...changed.map((contact) => [contact.address, contact.picture] as const), ...removed.map((address) => [address, undefined] as const)]);
  }

  chats({ changed, removed }: Events['chats']): void {
    const groups = changed.filter((chat) => chat.kind === 'group').map((chat) => [chat.id, chat.group?.picture] as const);
    this.#follow([...groups, ...removed.filter((id) => this.get().has(id)).map((id) => [id, undefined] as const)]);
  }

  #follow(changes: readonly (readonly [Address, string | undefined])[]): void {
    const news = changes.filter(([address, hash]) => this.get().get(address) !== hash);
    if (news.length === 0) return;
    const next = new Map(this.get());
    for (const [address, hash] of news) {
      if (hash === undefined) next.delete(address);
      else next.set(address, hash);
    }
    this.#replace(next);
  }

  /** What nobody shows any more is let go, after those who showed it have been told. */
  #replace(next: Faces): void {
    this.set(next);
    this.#release();
  }

  #release(): void {
    const used = new Set([...this.get().values(), ...this.#own]);
    for (const [hash, cell] of this.#urls) {
      if (used.has(hash)) continue;
      this.#urls.delete(hash);
      const url = cell.get();
      if (url !== undefined) this.#addresses.drop(url);
    }
  }
}
