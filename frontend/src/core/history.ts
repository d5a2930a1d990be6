/** Pages of a chat: from the database, and from the server where that ends. */
import { messagesAfter, messagesBefore } from '../db/messages';
import type { MessageRecord } from '../db/schema';
import type { Account } from './account';
import type { Address, Message, Page } from './api';
import type { Archive, Book } from './archive';
import type { Chats } from './chats';
import { messageView } from './view';

const MAX_PAGE = 500;

export interface Bound {
  readonly before?: number;
  readonly after?: number;
  readonly around?: number;
  readonly limit: number;
}

export class History {
  constructor(
    private readonly account: Account,
    private readonly chats: Chats,
    private readonly archive: Archive,
    private readonly bookOf: (chat: Address) => Book | undefined,
  ) {}

  async page(chat: Address, bound: Bound): Promise<Page> {
    const limit = Math.max(1, Math.min(MAX_PAGE, Math.floor(bound.limit)));
    if (bound.after !== undefined) return this.result(chat, await this.after(chat, bound.after, limit));
    if (bound.around !== undefined) {
      const before = await this.before(chat, bound.around, Math.floor(limit / 2));
      const after = await this.after(chat, before[before.length - 1]?.order ?? bound.around - 1, limit - before.length);
      return this.result(chat, [...before, ...after]);
    }
    const end = bound.before ?? Infinity;
    let messages = await this.before(chat, end, limit);
    // Only where nothing is here the person has to wait for the server; more is asked for when it is looked for.
    while (messages.length === 0 && this.account.online && this.hasOlder(chat)) {
      const book = this.bookOf(chat);
      if (!book) break;
      const more = await this.archive.older(book, chat, Math.max(limit, 50));
      messages = await this.before(chat, end, limit);
      if (!more) break;
    }
    return this.result(chat, messages);
  }

  /** What stands above a chat, newest first. */
  async pinned(chat: Address): Promise<readonly Message[]> {
    const all = await this.account.db.read(['messages'], (tx) => tx.objectStore('messages').index('pinned').getAll(chat));
    return all.sort((a, b) => b.order - a.order).map((message) => messageView(message, this.account.address));
  }

  private before(chat: Address, order: number, limit: number): Promise<MessageRecord[]> {
    return this.account.db.read(['messages'], (tx) => messagesBefore(tx, chat, order, limit));
  }

  private after(chat: Address, order: number, limit: number): Promise<MessageRecord[]> {
    return this.account.db.read(['messages'], (tx) => messagesAfter(tx, chat, order, limit));
  }

  private hasOlder(chat: Address): boolean {
    return this.bookOf(chat) !== undefined && this.chats.hasOlder(this.chats.of(chat)) && !this.archive.isExhausted(chat);
  }

  private result(chat: Address, messages: readonly MessageRecord[]): Page {
    const record = this.chats.of(chat);
    const first = messages[0], last = messages[messages.length - 1];
    const olderHere = first !== undefined && first.order > record.bottom;
    return {
      messages: messages.map((message) => messageView(message, this.account.address)),
      hasOlder: olderHere || this.hasOlder(chat),
      hasNewer: last !== undefined && last.order < record.top,
    };
  }
}
