/** The list of chats: kept in memory for the first paint, written by whoever changes one. */
import { emptyChat } from '../db/messages';
import type { ChatRecord } from '../db/schema';
import type { Account } from './account';
import type { Address, Chat, Group, Lock } from './api';
import { chatView } from './view';

/** What the list shows of a chat but does not own. */
export interface ChatFacts {
  title(chat: Address): string;
  lock(chat: Address): Lock;
  /** What a group is; `undefined`: it is none. */
  group(chat: Address): Group | undefined;
  /** Whose devices are known: their lock can be shown before anything was written. */
  known(): readonly Address[];
}

export class Chats {
  private readonly records = new Map<Address, ChatRecord>();
  facts: ChatFacts = { title: (chat) => chat, lock: () => 'unknown', group: () => undefined, known: () => [] };
  /** False when the server has no archive: what is here is all there is. */
  archived = true;

  constructor(private readonly account: Account) {}

  /** Own bare address. */
  get self(): Address {
    return this.account.address;
  }

  async load(): Promise<void> {
    for (const record of await this.account.db.read(['chats'], (tx) => tx.objectStore('chats').getAll())) {
      this.records.set(record.id, record);
    }
  }

  get(chat: Address): ChatRecord | undefined {
    return this.records.get(chat);
  }

  /** The chat as it is, or as it would begin. */
  of(chat: Address): ChatRecord {
    return this.records.get(chat) ?? emptyChat(chat, this.facts.group(chat) ? 'group' : 'direct');
  }

  get addresses(): readonly Address[] {
    return [...this.records.keys()];
  }

  /** Those with one person. */
  get people(): readonly Address[] {
    return [...this.records.values()].filter((record) => record.kind === 'direct').map((record) => record.id);
  }

  /** Chats were written to the database. */
  put(records: readonly ChatRecord[]): void {
    for (const record of records) this.records.set(record.id, record);
    this.changed(records.map((record) => record.id));
  }

  /** What is shown of these chats changed: title, lock. */
  changed(chats: readonly Address[]): void {
    const changed = chats.filter((id) => this.records.has(id) || this.facts.lock(id) !== 'unknown' || this.facts.group(id) !== undefined).map((id) => this.view(id));
    if (changed.length > 0) this.account.hub.emit('chats', { changed, removed: [] });
  }

  list(): Chat[] {
    return [...new Set([...this.records.keys(), ...this.facts.known()])].map((id) => this.view(id));
  }

  hasOlder(chat: ChatRecord): boolean {
    return this.archived && !chat.archiveStart;
  }

  /** Changes one chat in a transaction of its own. */
  async modify(chat: Address, change: (record: ChatRecord) => ChatRecord | undefined): Promise<void> {
    const changed = await this.account.db.write(['chats'], async (tx) => {
      const record = (await tx.objectStore('chats').get(chat)) ?? emptyChat(chat, this.facts.group(chat) ? 'group' : 'direct');
      const next = change(record);
      if (next) await tx.objectStore('chats').put(next);
      return next;
    });
    if (changed) this.put([changed]);
  }

  view(chat: Address): Chat {
    return this.viewOf(this.of(chat));
  }

  private viewOf(record: ChatRecord): Chat {
    const view = chatView(record, this.facts.title(record.id), this.facts.lock(record.id), this.facts.group(record.id), this.account.platform.clock.now());
    return this.archived ? view : { ...view, hasOlder: false };
  }
}
