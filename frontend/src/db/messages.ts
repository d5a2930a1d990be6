/** Messages: their order, finding copies, pages. */
import type { ChatRecord, MessageRecord, Preview, Tx } from './schema';
import { fileText, indexed } from './words';

/** Distance between neighbours, so that something can still be put between. */
export const STEP = 1024;

type Mode = 'readonly' | 'readwrite';

export function chatRange(chat: string, from = -Infinity, to = Infinity, open: { from?: boolean; to?: boolean } = {}): IDBKeyRange {
  return IDBKeyRange.bound([chat, from], [chat, to], open.from === true, open.to === true);
}

export async function getMessage(tx: Tx<Mode>, id: string): Promise<MessageRecord | undefined> {
  return tx.objectStore('messages').get(id);
}

export async function findByStanzaId(tx: Tx<Mode>, stanzaId: string): Promise<MessageRecord | undefined> {
  return tx.objectStore('messages').index('stanza').get(stanzaId);
}

/**
 * Which of these ids in archives are here, in two questions at most where the archive gives ids in their order, as ours does: then
 * nothing else lies between the first and the last. `undefined`: too much does, and each must be looked for.
 */
export async function archivedAmong(tx: Tx<Mode>, stanzaIds: readonly string[]): Promise<ReadonlySet<string> | undefined> {
  const [first, ...more] = stanzaIds.toSorted();
  if (first === undefined) return new Set();
  const limit = 2 * stanzaIds.length + 10;
  const index = tx.objectStore('messages').index('stanza');
  const range = IDBKeyRange.bound(first, more[more.length - 1] ?? first);
  if (await index.count(range) > limit) return undefined;
  return new Set((await index.getAll(range)).map((message) => message.stanzaId ?? ''));
}

export async function findByOrigin(tx: Tx<Mode>, origin: string): Promise<MessageRecord | undefined> {
  return tx.objectStore('messages').index('origin').get(origin);
}

/** The newest `limit` messages below `before`, ascending. */
export async function messagesBefore(tx: Tx<Mode>, chat: string, before: number, limit: number): Promise<MessageRecord[]> {
  const out: MessageRecord[] = [];
  const range = chatRange(chat, -Infinity, before, { to: before !== Infinity });
  let cursor = await tx.objectStore('messages').index('order').openCursor(range, 'prev');
  while (cursor && out.length < limit) {
    out.push(cursor.value);
    cursor = await cursor.continue();
  }
  return out.reverse();
}

/** The oldest `limit` messages above `after`, ascending. */
export async function messagesAfter(tx: Tx<Mode>, chat: string, after: number, limit: number): Promise<MessageRecord[]> {
  return tx.objectStore('messages').index('order').getAll(chatRange(chat, after, Infinity, { from: after !== -Infinity }), limit);
}

export async function countUnread(tx: Tx<Mode>, chat: string, readUpTo: number): Promise<number> {
  return tx.objectStore('messages').index('incoming').count(chatRange(chat, readUpTo, Infinity, { from: true }));
}

export async function countMentions(tx: Tx<Mode>, chat: string, readUpTo: number): Promise<number> {
  return tx.objectStore('messages').index('mention').count(chatRange(chat, readUpTo, Infinity, { from: true }));
}

/** What is unread above this position. */
export async function unreadAbove(tx: Tx<Mode>, chat: string, readUpTo: number): Promise<Pick<ChatRecord, 'unread' | 'mentions'>> {
  return { unread: await countUnread(tx, chat, readUpTo), mentions: await countMentions(tx, chat, readUpTo) };
}

/** The newest incoming message at or below `order`. */
export async function lastIncoming(tx: Tx<Mode>, chat: string, order: number): Promise<MessageRecord | undefined> {
  const cursor = await tx.objectStore('messages').index('incoming').openCursor(chatRange(chat, -Infinity, order), 'prev');
  return cursor?.value;
}

/** The oldest message here that the archive knows by an id. */
export async function oldestArchived(tx: Tx<Mode>, chat: string): Promise<MessageRecord | undefined> {
  let cursor = await tx.objectStore('messages').index('order').openCursor(chatRange(chat), 'next');
  while (cursor) {
    if (cursor.value.stanzaId !== undefined) return cursor.value;
    cursor = await cursor.continue();
  }
  return undefined;
}

export function previewOf(message: MessageRecord): Preview {
  return {
    id: message.id, text: (message.file ? fileText(message.file) : message.text).slice(0, 200), ...(message.file && { file: true as const }), ...(message.file?.caption !== undefined && { caption: message.file.caption.slice(0, 200) }), ...(message.file?.sticker && { sticker: true as const }), ...(message.file?.voice && { voice: true as const }), outgoing: message.outgoing, state: message.state, at: message.at,
    order: message.order, from: message.from, ...(message.nick !== undefined && { nick: message.nick }),
    ...(message.problem !== undefined && { problem: message.problem }), ...(message.retracted && { retracted: true as const }),
    ...(message.timerSet !== undefined && { timerSet: message.timerSet }), ...(message.optOut && { optOut: true as const }), ...(message.poll && { poll: true as const }),
  };
}

export function emptyChat(id: string, kind: ChatRecord['kind'] = 'direct'): ChatRecord {
  return {
    id, kind, unread: 0, readUpTo: 0, top: 0, bottom: 0, peerRead: -Infinity, draft: '', activeAt: 0,
    archiveStart: false,
  };
}

export type NewMessage = Omit<MessageRecord, 'order'>;

/** Puts a message at the end of its chat. Gives it and the chat as they are now. */
export async function append(tx: Tx, chat: ChatRecord, message: NewMessage): Promise<[MessageRecord, ChatRecord]> {
  const order = (Math.floor(chat.top / STEP) + 1) * STEP;
  const stored: MessageRecord = { ...message, order, words: indexed(message) };
  await tx.objectStore('messages').put(stored);
  const first = chat.last === undefined && chat.top === 0 && chat.bottom === 0;
  const next: ChatRecord = {
    ...chat, top: order, bottom: first ? order : chat.bottom, last: previewOf(stored),
    activeAt: Math.max(chat.activeAt, stored.at), unread: chat.unread + (stored.incomingIn === undefined ? 0 : 1),
    mentions: (chat.mentions ?? 0) + (stored.mentionIn === undefined ? 0 : 1), ...(stored.outgoing && { answered: true }), ...timerAfter(chat, stored),
  };
  await tx.objectStore('chats').put(next);
  return [stored, next];
}

/** The last word about how long messages are kept (XEP-0466). */
function timerAfter(chat: ChatRecord, { timerSet, timer, at, from, outgoing }: MessageRecord): Pick<ChatRecord, 'timer'> {
  const seconds = timerSet ?? timer;
  // A message that says nothing of it comes from a program that knows nothing of it.
  if (seconds === undefined || (chat.timer && chat.timer.at > at) || (outgoing && timerSet === undefined)) return {};
  return { timer: { seconds, at, by: from } };
}

/** Puts a message before all others of its chat. Old messages are read messages. */
export async function prepend(tx: Tx, chat: ChatRecord, message: NewMessage): Promise<[MessageRecord, ChatRecord]> {
  const order = chat.bottom - STEP;
  const stored: MessageRecord = { ...message, order, words: indexed(message) };
  await tx.objectStore('messages').put(stored);
  const next: ChatRecord = {
    ...chat, bottom: order, ...(stored.outgoing && { answered: true }), ...(chat.last === undefined && { last: previewOf(stored), top: order, readUpTo: order }),
    activeAt: Math.max(chat.activeAt, stored.at),
  };
  await tx.objectStore('chats').put(next);
  return [stored, next];
}

/** Changes a message; the chat's preview follows. Gives the message and, if it changed, the chat. */
export async function update(
  tx: Tx, message: MessageRecord, changes: Partial<MessageRecord>,
): Promise<[MessageRecord, ChatRecord | undefined]> {
  const next: MessageRecord = { ...message, ...changes, ...(('text' in changes || 'retracted' in changes) && { words: indexed({ ...message, ...changes }) }) };
  await tx.objectStore('messages').put(next);
  const chat = await tx.objectStore('chats').get(message.chat);
  if (!chat || (chat.last?.id !== message.id && next.order <= chat.top)) return [next, undefined];
  const changed: ChatRecord = { ...chat, top: Math.max(chat.top, next.order), last: previewOf(next) };
  await tx.objectStore('chats').put(changed);
  return [next, changed];
}

/** Moves a message that was not sent yet to the end of its chat. */
export async function moveToEnd(tx: Tx, message: MessageRecord): Promise<[MessageRecord, ChatRecord | undefined]> {
  const chat = await tx.objectStore('chats').get(message.chat);
  if (!chat || chat.top === message.order) return [message, undefined];
  return update(tx, message, { order: (Math.floor(chat.top / STEP) + 1) * STEP });
}

/** Deletes a message; the chat falls back to the one before. */
export async function remove(tx: Tx, message: MessageRecord): Promise<ChatRecord | undefined> {
  await tx.objectStore('messages').delete(message.id);
  const chat = await tx.objectStore('chats').get(message.chat);
  if (!chat) return undefined;
  const [last] = await messagesBefore(tx, message.chat, Infinity, 1);
  const { last: _, ...rest } = chat;
  const next: ChatRecord = {
    ...rest, ...(last && { last: previewOf(last) }), ...(await unreadAbove(tx, message.chat, chat.readUpTo)),
  };
  await tx.objectStore('chats').put(next);
  return next;
}

/** The own messages of a chat above one position and up to another. */
export async function outgoingUpTo(tx: Tx<Mode>, chat: string, order: number, above: number): Promise<MessageRecord[]> {
  const between = await tx.objectStore('messages').index('order').getAll(chatRange(chat, above, order, { from: true }));
  return between.filter((message) => message.outgoing);
}
