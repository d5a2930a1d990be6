/** The archive on the server (XEP-0313): catching up with what was missed, and paging back into what is older. */
import { oldestArchived } from '../db/messages';
import { readMeta, type Meta } from '../db/meta';
import { StanzaError } from '../xmpp/errors';
import { bareOf } from '../xmpp/jid';
import { NS } from '../xmpp/ns';
import { archiveQuery, fin, result, type ArchiveBound, type ArchiveResult } from '../xmpp/xep0313_mam';
import type { XmlElement } from '../xmpp/xml';
import type { Account } from './account';
import type { Address } from './api';
import { Shared } from './async';
import { openArchived, type Envelope } from './envelope';
import type { Receiver } from './receiver';

const PAGE = 100;
const FIRST_PAGE = 200;

interface Query {
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
    const from = message.attrs['from'];
    if (from !== undefined && bareOf(from) !== this.account.address) return true;
    const value = result.read(found);
    const query = value?.queryid === undefined ? undefined : this.queries.get(value.queryid);
    if (value) query?.results.set(value.id, value);
    return true;
  }

  /** Reads everything after what is here. `initial`: nothing was. */
  async catchUp(): Promise<{ readonly initial: boolean }> {
    const cursor = await readMeta(this.account.db, 'cursor');
    if (!cursor) {
      await this.first();
      return { initial: true };
    }
    try {
      await this.forward({ after: cursor.id, max: PAGE }, cursor.at);
    } catch (error) {
      if (!(error instanceof StanzaError) || error.condition !== 'item-not-found') throw error;
      // The server has thrown away what we knew last; what it still has begins somewhere after that time.
      await this.forward({ start: cursor.at, max: PAGE }, cursor.at);
    }
    return { initial: false };
  }

  /** A device that was never here: the newest page, the rest when somebody looks for it. */
  private async first(): Promise<void> {
    const page = await this.ask({ before: '', max: FIRST_PAGE });
    const envelopes = this.envelopes(page.results);
    const last = page.results[page.results.length - 1];
    await this.receiver.put(envelopes, 'initial', {
      ...(last && { cursor: this.cursor(last) }),
      ...(page.complete && { startOf: [...new Set(envelopes.map((envelope) => envelope.chat))] }),
    });
  }

  private async forward(from: ArchiveBound, since: number): Promise<void> {
    let next: Promise<ArchivePage> | undefined = this.ask(from);
    while (next) {
      const page: ArchivePage = await next;
      const last = page.results[page.results.length - 1];
      // The next page is on its way while this one is being decrypted.
      next = page.complete || page.last === undefined || page.results.length === 0 ? undefined : this.ask({ after: page.last, max: PAGE });
      next?.catch(() => undefined);
      if (last) await this.receiver.put(this.envelopes(page.results), 'catchup', { cursor: this.cursor(last, since) });
    }
  }

  isExhausted(chat: Address): boolean {
    return this.exhausted.has(chat);
  }

  /** Brings one older page of a chat in; false when there is nothing older. */
  older(chat: Address, max: number): Promise<boolean> {
    return this.olderRunning.run(chat, async () => {
      const before = this.reached.get(chat) ?? (await this.account.db.read(['messages'], (tx) => oldestArchived(tx, chat)))?.stanzaId;
      let page: ArchivePage;
      try {
        page = await this.ask({ with: chat, before: before ?? '', max });
      } catch (error) {
        if (!(error instanceof StanzaError) || error.condition !== 'item-not-found') throw error;
        // What we know as the oldest was deleted there, and everything before it.
        page = { results: [], complete: true, last: undefined };
      }
      const complete = page.complete || page.results.length === 0;
      if (complete) this.exhausted.add(chat);
      await this.receiver.put(this.envelopes(page.results), 'history', complete ? { startOf: [chat] } : {});
      const [first] = page.results;
      if (first) this.reached.set(chat, first.id);
      return !complete;
    });
  }

  private envelopes(results: readonly ArchiveResult[]): Envelope[] {
    const now = this.account.platform.clock.now();
    return results.map((one) => openArchived(one, this.account.address, now)).filter((envelope) => envelope !== undefined);
  }

  private cursor(last: ArchiveResult, atLeast = 0): Meta['cursor'] {
    return { id: last.id, at: last.forwarded.delay?.stamp ?? atLeast };
  }

  private async ask(bound: ArchiveBound): Promise<ArchivePage> {
    const id = crypto.randomUUID();
    const query: Query = { results: new Map() };
    this.queries.set(id, query);
    try {
      const answer = fin.in(await this.account.stream().iq('set', archiveQuery(id, bound), undefined, 60_000));
      return { results: [...query.results.values()], complete: answer?.complete === true, last: answer?.set?.last };
    } finally {
      this.queries.delete(id);
    }
  }
}
