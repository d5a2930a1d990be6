/** Corrections, reactions and retractions, put into the messages that they are about; or kept until those come. */
import { findByOrigin, findByStanzaId, update } from './messages';
import { archiveId, archiveKey, originKey, pendingKey, type ChatRecord, type Deed, type KeyTrust, type Level, type MessageRecord, type Tx } from './schema';

export interface Done {
  readonly deed: Deed;
  readonly chat: string;
  readonly from: string;
  /** Own bare address. */
  readonly self: string;
  readonly at: number;
  /** Id of what did it. */
  readonly id?: string;
  /** How well that was protected; absent: not at all. */
  readonly level?: Level;
  readonly trust?: KeyTrust;
}

/** Whether it may be done to a message: by whom it is, and protected as it is. The rules are made elsewhere. */
export type Judge = (message: MessageRecord, done: Done) => boolean;

const MAX_EDITS = 50;
const MAX_REACTIONS = 20;
const MAX_PENDING = 100;

type Mode = 'readonly' | 'readwrite';

/** The message that is known to everybody by this id. Groups know it by their archive, two people by the sender's own id. */
export async function findReferred(tx: Tx<Mode>, self: string, chat: string, ref: string): Promise<MessageRecord | undefined> {
  const found = await findByStanzaId(tx, archiveKey(self, chat, ref)) ?? await findByOrigin(tx, originKey(self, ref)) ?? await findByOrigin(tx, originKey(chat, ref));
  return found?.chat === chat ? found : undefined;
}

/** Corrections name the sender's own id, in groups as well (XEP-0308). */
async function findTarget(tx: Tx, { deed, chat, from, self }: Done): Promise<MessageRecord | undefined> {
  if (deed.kind !== 'edit') return findReferred(tx, self, chat, deed.ref);
  const found = await findByOrigin(tx, originKey(from, deed.ref));
  return found?.chat === chat ? found : undefined;
}

/** Does it, if it may be done. `later`: the message is not here; `refused`: it is somebody else's, or was better protected. */
export async function perform(tx: Tx, done: Done, judge: Judge): Promise<'refused' | 'later' | [MessageRecord, ChatRecord | undefined]> {
  const message = await findTarget(tx, done);
  if (!message) return 'later';
  const changes = judge(message, done) ? changesOf(message, done) : undefined;
  if (changes === undefined) return 'refused';
  return update(tx, changes.retracted ? await emptied(tx, message) : message, changes);
}

/** A message that is taken back, without what it shared. */
async function emptied(tx: Tx, message: MessageRecord): Promise<MessageRecord> {
  const { file, poll: _, ...rest } = message;
  if (file) await tx.objectStore('files').delete(message.id);
  return rest;
}

function changesOf(message: MessageRecord, { deed, chat, from, at, id, level, trust }: Done): Partial<MessageRecord> | undefined {
  switch (deed.kind) {
    case 'react': {
      const emojis = [...new Set(deed.emojis)].filter((emoji) => emoji !== '' && emoji.length <= 40).slice(0, MAX_REACTIONS);
      const { [from]: _, ...others } = message.reactions ?? {};
      return { reactions: emojis.length > 0 ? { ...others, [from]: emojis } : others };
    }
    case 'edit':
      if (message.retracted) return undefined;
      if (id !== undefined && message.editId === id) return {};
      if (saidIn(message) === deed.text) return { ...(id !== undefined && { editId: id }) };
      return {
        ...(message.file ? { file: { ...message.file, caption: deed.text } } : { text: deed.text }), ...(id !== undefined && { editId: id }), ...(level !== undefined && trust !== undefined && { level, trust, lock: deed.lock }),
        edits: [...message.edits ?? [], { text: saidIn(message), at: message.edits ? at : message.at }].slice(-MAX_EDITS),
      };
    case 'retract':
      return message.retracted ? {} : { text: '', edits: [], reactions: {}, pinnedIn: undefined, retracted: { at, ...(deed.by !== undefined && { by: deed.by }) } };
    case 'pin':
      return message.retracted && deed.pinned ? undefined : { pinnedIn: deed.pinned ? chat : undefined };
    case 'vote': {
      if (!message.poll || message.poll.closed || message.retracted) return undefined;
      const { [from]: _, ...others } = message.poll.votes ?? {};
      const { options, several } = message.poll;
      const choices = [...new Set(deed.choices)].filter((choice) => choice < options.length).slice(0, several ? options.length : 1);
      return { poll: { ...message.poll, votes: choices.length > 0 ? { ...others, [from]: choices } : others } };
    }
    case 'close':
      return message.poll ? { poll: { ...message.poll, closed: true } } : undefined;
  }
}

/** Of a message with a file, what stands beside that. */
function saidIn({ text, file }: MessageRecord): string {
  return file ? file.caption ?? '' : text;
}

/** Keeps it for the message that it is about. */
export async function postpone(tx: Tx, { deed, chat, from, at, id, level, trust }: Done): Promise<void> {
  const key = pendingKey(chat, deed.ref);
  const before = await tx.objectStore('pending').get(key);
  const deeds = [...before?.deeds ?? [], {
    deed, from, at, ...(id !== undefined && { id }), ...(level !== undefined && { level }), ...(trust !== undefined && { trust }),
  }].slice(-MAX_PENDING);
  await tx.objectStore('pending').put({ key, deeds });
}

/** What was waiting for this message is done now. Gives it as it is then. */
export async function settle(tx: Tx, self: string, message: MessageRecord, judge: Judge): Promise<[MessageRecord, ChatRecord | undefined] | undefined> {
  const refs = new Set([
    ...(message.stanzaId === undefined ? [] : [archiveId(message.stanzaId)]),
    ...(message.origin === undefined ? [] : [message.origin.slice(message.origin.indexOf('\n') + 1)]),
  ]);
  let result: [MessageRecord, ChatRecord | undefined] | undefined;
  for (const ref of refs) {
    const waiting = await tx.objectStore('pending').get(pendingKey(message.chat, ref));
    if (!waiting) continue;
    for (const waited of waiting.deeds) {
      const done = await perform(tx, { ...waited, chat: message.chat, self }, judge);
      if (typeof done !== 'string') result = done;
    }
    await tx.objectStore('pending').delete(waiting.key);
  }
  return result;
}
