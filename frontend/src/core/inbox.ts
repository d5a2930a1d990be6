/**
 * All chats with their last messages in one question (XEP-0430). A device that was never here reads only the newest part of
 * the archive; by this it knows the chats in which nothing was said lately as well.
 */
import type { ChatRecord } from '../db/schema';
import { StanzaError } from '../xmpp/errors';
import { bareOf } from '../xmpp/jid';
import { NS } from '../xmpp/ns';
import { entry, fin, inbox, type InboxEntry } from '../xmpp/xep0430_inbox';
import { result, type ArchiveResult } from '../xmpp/xep0313_mam';
import type { XmlElement } from '../xmpp/xml';
import type { Account } from './account';
import type { Chats } from './chats';
import { openArchived, type Envelope } from './envelope';
import { log } from './log';
import type { Receiver } from './receiver';

const PAGE = 100;
const MAX_PAGES = 20;
const PATIENCE = 60_000;

interface Found {
  readonly entry: InboxEntry;
  readonly last: ArchiveResult | undefined;
}

export class Inbox {
  /** While it is being asked for. */
  private found: Found[] | undefined;

  constructor(private readonly account: Account, private readonly chats: Chats, private readonly receiver: Receiver) {}

  /** Takes a message that belongs to the answer. */
  take(message: XmlElement): boolean {
    if (!message.child('entry', NS.inbox)) return false;
    const from = message.attrs['from'];
    const value = entry.in(message);
    // Only the own account speaks of its chats.
    if (value && this.found && (from === undefined || bareOf(from) === this.account.address)) this.found.push({ entry: value, last: result.in(message) });
    return true;
  }

  /** Puts the chats in that are not here yet. Servers without this have only what was read anyhow. */
  async fill(): Promise<void> {
    try {
      let after: string | undefined;
      for (let page = 0; page < MAX_PAGES; page++) {
        const found: Found[] = this.found = [];
        const answer = fin.in(await this.account.stream().iq('get', inbox.write({ set: { max: PAGE, ...(after !== undefined && { after }) } }), undefined, PATIENCE));
        this.found = undefined;
        await this.put(found);
        after = answer?.set?.last;
        if (after === undefined || found.length < PAGE) return;
      }
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error;
      log.debug('no inbox', { code: error.condition });
    } finally {
      this.found = undefined;
    }
  }

  private async put(found: readonly Found[]): Promise<void> {
    const envelopes: Envelope[] = [];
    const unread = new Map<string, number>();
    for (const { entry: { jid, unread: count }, last } of found) {
      const chat = bareOf(jid);
      // Groups tell of themselves when they are entered.
      if (chat === undefined || !last || this.chats.get(chat)?.last) continue;
      const envelope = openArchived(last, this.account.address, this.account.platform.clock.now());
      if (envelope?.chat !== chat) continue;
      envelopes.push(envelope);
      if (count > 0) unread.set(chat, count);
    }
    if (envelopes.length === 0) return;
    await this.receiver.put(envelopes, 'initial');
    // What says nothing to people makes no chat.
    for (const [chat, count] of unread) if (this.chats.get(chat)?.last) await this.chats.modify(chat, (record) => unreadSince(record, count));
  }
}

/** What is unread is more than what is here; the last message is among it. */
function unreadSince(record: ChatRecord, count: number): ChatRecord | undefined {
  return record.last && !record.last.outgoing ? { ...record, readUpTo: record.bottom - 1, unread: count } : undefined;
}
