/** Looking for what was said, in what is here. Nothing of it leaves the device. */
import { chatRange } from '../db/messages';
import type { MessageRecord, Tx } from '../db/schema';
import { marksIn, queryWords, searchText } from '../db/words';
import type { Account } from './account';
import type { Address, FoundMessage, FoundMessages, Place } from './api';
import type { History } from './history';
import { kindOf } from './files';
import { locationView } from './view';

const MAX_LIMIT = 500;
/** A word that more messages have is looked for from the newest on, one after the other. */
const RARE = 2_000;
const MAX_WALK = 20_000;
const SNIPPET = 160;
const BEFORE = 40;
const MAX_ROUNDS = 40;
const ROUND = 100;

export class Finder {
  constructor(private readonly account: Account, private readonly history: History, private readonly isHidden: (chat: Address) => boolean) {}

  /** The messages that have all words of the query, newest first; `chat`: only there. */
  async find(query: string, { chat, limit }: { chat?: Address; limit: number }): Promise<FoundMessages> {
    const words = queryWords(query);
    if (words.length === 0) return { messages: [], more: false };
    const most = Math.max(1, Math.min(MAX_LIMIT, Math.floor(limit)));
    const records = await this.account.db.read(['messages'], (tx) => this.look(tx, words, chat, most + 1));
    return { messages: records.slice(0, most).map((record) => found(record, words)), more: records.length > most };
  }

  private async look(tx: Tx<'readonly'>, words: readonly string[], chat: Address | undefined, limit: number): Promise<MessageRecord[]> {
    const index = tx.objectStore('messages').index('words');
    const counts = await Promise.all(words.map((word) => index.count(beginning(word))));
    const rarest = words[counts.indexOf(Math.min(...counts))];
    if (rarest === undefined || counts.includes(0)) return [];
    const fits = (record: MessageRecord): boolean => (chat === undefined ? !this.isHidden(record.chat) : record.chat === chat)
      && words.every((word) => record.words?.some((one) => one.startsWith(word)));
    if (Math.min(...counts) <= RARE) {
      // Several words of one message may begin so.
      const all = new Map((await index.getAll(beginning(rarest))).map((record) => [record.id, record]));
      return [...all.values()].filter(fits).sort((a, b) => b.at - a.at || b.order - a.order).slice(0, limit);
    }
    const out: MessageRecord[] = [];
    let cursor = chat === undefined
      ? await tx.objectStore('messages').index('at').openCursor(null, 'prev')
      : await tx.objectStore('messages').index('order').openCursor(chatRange(chat), 'prev');
    for (let walked = 0; cursor && out.length < limit && walked < MAX_WALK; walked++) {
      if (fits(cursor.value)) out.push(cursor.value);
      cursor = await cursor.continue();
    }
    return out;
  }

  /** The first message of a chat at or after a time; older ones are fetched from the server until that time is reached. */
  async placeAt(chat: Address, at: number): Promise<Place | undefined> {
    let page = await this.history.page(chat, { before: await this.bottom(chat), limit: ROUND });
    for (let round = 0; round < MAX_ROUNDS && this.account.online; round++) {
      const oldest = await this.first(chat);
      if (!oldest || oldest.at < at || !page.hasOlder) break;
      page = await this.history.page(chat, { before: oldest.order, limit: ROUND });
      if (page.messages.length === 0) break;
    }
    const record = await this.account.db.read(['messages'], (tx) => firstFrom(tx, chat, at));
    return record && { id: record.id, order: record.order };
  }

  private first(chat: Address): Promise<MessageRecord | undefined> {
    return this.account.db.read(['messages'], (tx) => tx.objectStore('messages').index('order').get(chatRange(chat)));
  }

  private async bottom(chat: Address): Promise<number> {
    return (await this.first(chat))?.order ?? Infinity;
  }
}

/** By halves: who was sent later stands later, save for what was long on its way. */
async function firstFrom(tx: Tx<'readonly'>, chat: Address, at: number): Promise<MessageRecord | undefined> {
  const index = tx.objectStore('messages').index('order');
  const [first, last] = [await index.openCursor(chatRange(chat)), await index.openCursor(chatRange(chat), 'prev')];
  if (!first || !last) return undefined;
  let low = first.value, high = last.value;
  if (low.at >= at) return low;
  if (high.at < at) return high;
  while (high.order - low.order > 1) {
    const middle = await index.get(chatRange(chat, low.order + Math.ceil((high.order - low.order) / 2), high.order));
    if (!middle) break;
    if (middle.id === high.id) {
      // Nothing is in the upper half: on with the lower one, below what is between.
      const before = await index.openCursor(chatRange(chat, low.order, high.order, { from: true, to: true }), 'prev');
      if (!before) break;
      if (before.value.at >= at) high = before.value;
      else return high;
    } else if (middle.at >= at) high = middle;
    else low = middle;
  }
  return high;
}

function beginning(word: string): IDBKeyRange {
  return IDBKeyRange.bound(word, `${word}\uffff`);
}

function found(record: MessageRecord, words: readonly string[]): FoundMessage {
  const whole = searchText(record);
  const first = marksIn(whole, words)[0]?.[0] ?? 0;
  // A little of what stands before, from the beginning of a word on.
  const from = first <= BEFORE ? 0 : whole.indexOf(' ', first - BEFORE) + 1 || first;
  const start = from > first ? first : from;
  const text = `${start > 0 ? '…' : ''}${whole.slice(start, start + SNIPPET).replace(/\s+/g, ' ')}${start + SNIPPET < whole.length ? '…' : ''}`;
  return {
    id: record.id, chat: record.chat, from: record.from, outgoing: record.outgoing, order: record.order, at: record.at, text,
    marks: marksIn(text, words),
    ...(record.nick !== undefined && { name: record.nick }),
    ...(locationView(record) && { location: true as const }),
    ...((record.file || record.text.startsWith('aesgcm:')) && record.poll === undefined && { file: kindOf(record.file?.name ?? whole) }),
    ...(record.file?.sticker && { sticker: true as const }),
  };
}
