/** The list of chats: kept in memory for the first paint, written by whoever changes one. */
import { emptyChat } from '../db/messages';
import type { ChatRecord } from '../db/schema';
import type { Account } from './account';
import type { Address, Chat, Lock } from './api';
import { chatView } from './view';

/** What the list shows of a chat but does not own. */
export interface ChatFacts {
  title(chat: Address): string;
  lock(chat: Address): Lock;
  /** Whose devices are known: their lock can be shown before anything was written. */
  known(): readonly Address[];
}

export class Chats {
  private readonly records = new Map<Address, ChatRecord>();
  facts: ChatFacts = { title: (chat) => chat, lock: () => 'unknown', known: () => [] };
  /** False when the server has no archive: what is here is all there is. */
  archived = true;

  constructor(private readonly account: Account) {}

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
    return this.records.get(chat) ?? emptyChat(chat);
  }

  get addresses(): readonly Address[] {
    return [...this.records.keys()];
  }

  /** Chats were written to the database. */
  put(records: readonly ChatRecord[]): void {
    for (const record of records) this.records.set(record.id, record);
    this.changed(records.map((record) => record.id));
  }

  /** What is shown of these chats changed: title, lock. */
  changed(chats: readonly Address[]): void {
    const changed = chats.filter((id) => this.records.has(id) || this.facts.lock(id) !== 'unknown').map((id) => this.view(this.of(id)));
    if (changed.length > 0) this.account.hub.emit('chats', { changed, removed: [] });
  }

  list(): Chat[] {
    return [...new Set([...this.records.keys(), ...this.facts.known()])].map((id) => this.view(this.of(id)));
  }

  hasOlder(chat: ChatRecord): boolean {
    return this.archived && !chat.archiveStart;
  }

  /** Changes one chat in a transaction of its own. */
  async modify(chat: Address, change: (record: ChatRecord) => ChatRecord | undefined): Promise<void> {
    const changed = await this.account.db.write(['chats'], async (tx) => {
      const record = (await tx.objectStore('chats').get(chat)) ?? emptyChat(chat);
      const next = change(record);
      if (next) await tx.objectStore('chats').put(next);
      return next;
    });
    if (changed) this.put([changed]);
  }

  private view(record: ChatRecord): Chat {
    const view = chatView(record, this.facts.title(record.id), this.facts.lock(record.id));
    return this.archived ? view : { ...view, hasOlder: false };
  }
}
