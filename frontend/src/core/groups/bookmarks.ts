/** The list of groups that all devices of the account share (XEP-0402). */
import type { GroupRecord } from '../../db/schema';
import { StanzaError } from '../../xmpp/errors';
import { bareOf } from '../../xmpp/jid';
import { NS } from '../../xmpp/ns';
import type { PubsubItem } from '../../xmpp/xep0060_pubsub';
import { bookmark, BOOKMARK_OPTIONS } from '../../xmpp/xep0402_bookmarks';
import { parse } from '../../xmpp/xml';
import type { Account } from '../account';
import type { Address } from '../api';
import type { Pep } from '../pep';

export type BookmarkRecord = NonNullable<GroupRecord['bookmark']>;

/** What is on the list; `complete`: nothing else is. */
export interface Listed {
  readonly items: ReadonlyMap<Address, BookmarkRecord>;
  readonly removed: readonly Address[];
  readonly complete: boolean;
}

export class Bookmarks {
  /** Another device has changed the list. */
  onChange: (listed: Listed) => Promise<void> = () => Promise.resolve();

  /** What stands beside the bookmarks was read, or another program has changed it. */
  onExtensions: (groups: ReadonlyMap<Address, string | undefined>) => Promise<void> = () => Promise.resolve();

  constructor(private readonly account: Account, private readonly pep: Pep) {
    pep.on(NS.bookmarks, (from, items, retracted) => this.event(from, items, retracted));
  }

  private async event(from: Address, items: readonly PubsubItem[] | null, retracted: readonly string[]): Promise<void> {
    if (from !== this.account.address) return;
    if (items === null) await this.onChange({ items: new Map(), removed: [], complete: true });
    else {
      const changed = read(items);
      await this.onChange({ items: changed, removed: retracted.map((id) => bareOf(id)).filter((id) => id !== undefined), complete: false });
      await this.onExtensions(extensionsOf(changed));
    }
  }

  /** The whole list; `undefined` when the server keeps none. */
  async fetch(): Promise<Listed | undefined> {
    try {
      const items = read(await this.pep.items(this.account.address, NS.bookmarks));
      await this.onExtensions(extensionsOf(items));
      return { items, removed: [], complete: true };
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error;
      return undefined;
    }
  }

  async publish(address: Address, record: BookmarkRecord): Promise<void> {
    const { extensions, ...rest } = record;
    await this.pep.publish(NS.bookmarks, address,
      bookmark.write({ ...rest, ...(extensions !== undefined && { extensions: parse(extensions) }) }), BOOKMARK_OPTIONS);
  }

  async retract(address: Address): Promise<void> {
    try {
      await this.pep.retract(NS.bookmarks, address);
    } catch (error) {
      // It is not there: another device was quicker.
      if (!(error instanceof StanzaError)) throw error;
    }
  }
}

function extensionsOf(items: ReadonlyMap<Address, BookmarkRecord>): ReadonlyMap<Address, string | undefined> {
  return new Map([...items].filter(([, record]) => record.autojoin).map(([address, record]) => [address, record.extensions]));
}

function read(items: readonly PubsubItem[]): Map<Address, BookmarkRecord> {
  const out = new Map<Address, BookmarkRecord>();
  for (const item of items) {
    const address = bareOf(item.id);
    const value = bookmark.read(item.payload);
    if (address === undefined || !address.includes('@') || !value) continue;
    const { extensions, autojoin, ...rest } = value;
    out.set(address, { ...rest, autojoin: autojoin === true, ...(extensions && { extensions: extensions.toString() }) });
  }
  return out;
}
