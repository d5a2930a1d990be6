/** Archives on servers (XEP-0313): catching up with what was missed, and paging back into what is older. */
import { oldestArchived } from '../db/messages';
import { archiveId } from '../db/schema';
import { StanzaError } from '../xmpp/errors';
import { bareOf } from '../xmpp/jid';
import { NS } from '../xmpp/ns';
import { archiveQuery, fin, result, type ArchiveBound, type ArchiveResult } from '../xmpp/xep0313_mam';
import type { XmlElement } from '../xmpp/xml';
import type { Account } from './account';
import type { Address } from './api';
import { Shared } from './async';
import type { Envelope } from './envelope';
import type { Cursor, Receiver } from './receiver';

const PAGE = 100;
const FIRST_PAGE = 200;
/** So far apart clocks may be. */
const SKEW = 86_400_000;

/** One archive: the account's own, or that of a group. */
export interface Book {
  readonly owner: Address;
  /** The one chat that it holds; `undefined`: those with all people. */
  readonly chat: Address | undefined;
  /** Up to where everything is here. */
  cursor(): Promise<{ readonly id: string; readonly at: number } | undefined>;
  open(result: ArchiveResult): Envelope | undefined;
}

interface Query {
  readonly owner: Address;
  /** By id, in their order: a resumed stream may bring some of them twice. */
  readonly results: Map<string, ArchiveResult>;
}

interface ArchivePage {
  readonly results: readonly ArchiveResult[];
  readonly complete: boolean;
  readonly last: string | undefined;
}

export class Archive {
  private readonly queries = new Map<string, Query>();
  private readonly olderRunning = new Shared<boolean>();
  /** Chats of which the archive was seen to hold nothing older; a chat without messages is remembered only here. */
  private readonly exhausted = new Set<Address>();
  /** How far back each chat was read: what is there need not be a message that is shown. */
  private readonly reached = new Map<Address, string>();

  constructor(private readonly account: Account, private readonly receiver: Receiver) {}

  /** Takes a message that belongs to one of our queries. What looks like one and is not, is dropped. */
  take(message: XmlElement): boolean {
    const found = message.child('result', NS.mam);
    if (!found) return false;
    const value = result.read(found);
    const query = value?.queryid === undefined ? undefined : this.queries.get(value.queryid);
    const from = message.attrs['from'];
    const sender = from === undefined ? this.account.address : bareOf(from);
    if (value && query && sender === query.owner && (sender === this.account.address || from === sender)) {
      if (query.results.size === 0) this.receiver.expect(value.forwarded.message);
      query.results.set(value.id, value);
    }
    return true;
  }

  /** Reads everything after what is here. `initial`: nothing was. */
  async catchUp(book: Book): Promise<{ readonly initial: boolean }> {
    // As long as this did not succeed, what comes says nothing about what was before it: that is read the next time.
    this.receiver.behind.add(book.owner);
    const initial = await this.catchUpFrom(book);
    this.receiver.behind.delete(book.owner);
    return { initial };
  }

  private async catchUpFrom(book: Book): Promise<boolean> {
    const cursor = await book.cursor();
    if (!cursor) {
      await this.first(book);
      return true;
    }
    if (cursor.id === '') {
      // Nothing had been said when it was read first.
      await this.forward(book, { start: cursor.at, max: PAGE }, cursor.at);
      return false;
    }
    try {
      await this.forward(book, { after: cursor.id, max: PAGE }, cursor.at);
    } catch (error) {
      if (!(error instanceof StanzaError) || error.condition !== 'item-not-found') throw error;
      // The server has thrown away what we knew last; what it still has begins somewhere after that time.
      await this.forward(book, { start: cursor.at, max: PAGE }, cursor.at);
    }
    return false;
  }

  /** A device that was never here: the newest page, the rest when somebody looks for it. */
  private async first(book: Book): Promise<void> {
    const page = await this.ask(book, { before: '', max: FIRST_PAGE });
    const envelopes = opened(book, page.results);
    const last = page.results[page.results.length - 1];
    const chats = book.chat === undefined ? [...new Set(envelopes.map((envelope) => envelope.chat))] : [book.chat];
    await this.receiver.put(envelopes, 'initial', {
      cursors: [last ? cursorAt(book, last) : { archive: book.owner, id: '', at: this.account.platform.clock.now() - SKEW }],
      ...(page.complete && { startOf: chats }),
    });
  }

  private async forward(book: Book, from: ArchiveBound, since: number): Promise<void> {
    let next: Promise<ArchivePage> | undefined = this.ask(book, from);
    let before: string | undefined;
    while (next) {
      const page: ArchivePage = await next;
      const last = page.results[page.results.length - 1];
      // The next page is on its way while this one is being decrypted. One that ends where the one before did leads nowhere.
      next = page.complete || page.last === undefined || page.last === before || page.results.length === 0 ? undefined : this.ask(book, { after: page.last, max: PAGE });
      before = page.last;
      next?.catch(() => undefined);
      if (last) await this.receiver.put(opened(book, page.results), 'catchup', { cursors: [cursorAt(book, last, since)] });
    }
  }

  isExhausted(chat: Address): boolean {
    return this.exhausted.has(chat);
  }

  /** Brings one older page of a chat in; false when there is nothing older. */
  older(book: Book, chat: Address, max: number): Promise<boolean> {
    return this.olderRunning.run(chat, async () => {
      const oldest = await this.account.db.read(['messages'], (tx) => oldestArchived(tx, chat));
      const before = this.reached.get(chat) ?? (oldest?.stanzaId === undefined ? '' : archiveId(oldest.stanzaId));
      let page: ArchivePage;
      try {
        page = await this.ask(book, { ...(book.chat === undefined && { with: chat }), before, max });
      } catch (error) {
        if (!(error instanceof StanzaError) || error.condition !== 'item-not-found') throw error;
        // What we know as the oldest was deleted there, and everything before it.
        page = { results: [], complete: true, last: undefined };
      }
      const complete = page.complete || page.results.length === 0;
      if (complete) this.exhausted.add(chat);
      await this.receiver.put(opened(book, page.results), 'history', complete ? { startOf: [chat] } : {});
      const [first] = page.results;
      if (first) this.reached.set(chat, first.id);
      return !complete;
    });
  }

  private async ask(book: Book, bound: ArchiveBound): Promise<ArchivePage> {
    const id = crypto.randomUUID();
    const query: Query = { owner: book.owner, results: new Map() };
    this.queries.set(id, query);
    try {
      const to = book.owner === this.account.address ? undefined : book.owner;
      const answer = fin.in(await this.account.stream().iq('set', archiveQuery(id, bound), to, 60_000));
      return { results: [...query.results.values()], complete: answer?.complete === true, last: answer?.set?.last };
    } finally {
      this.queries.delete(id);
    }
  }
}

function opened(book: Book, results: readonly ArchiveResult[]): Envelope[] {
  return results.map((one) => book.open(one)).filter((envelope) => envelope !== undefined);
}

function cursorAt(book: Book, last: ArchiveResult, atLeast = 0): Cursor {
  return { archive: book.owner, id: last.id, at: last.forwarded.delay?.stamp ?? atLeast };
}
