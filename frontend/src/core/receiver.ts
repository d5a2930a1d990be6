/**
 * The way in: every message, live, copied or out of the archive, becomes changes of the database, exactly once. What
 * belongs together (ratchet, text, position in the archive) is written in one transaction; only then pages are told
 * and the server gets its acknowledgement.
 */
import type { RecordSession, RecordStore } from '../crypto/records';
import {
  append, emptyChat, findByOrigin, findByStanzaId, prepend, update, type NewMessage,
} from '../db/messages';
import { SupersededError } from '../db/database';
import { putMeta, type Meta } from '../db/meta';
import { dequeue } from '../db/outbox';
import { originKey, type MessageRecord, type Store, type StoredReason, type Tx } from '../db/schema';
import { StanzaError } from '../xmpp/errors';
import { NS } from '../xmpp/ns';
import { readChatState } from '../xmpp/xep0085_chatstates';
import { received, receiptRequest } from '../xmpp/xep0184_receipts';
import { displayed, markable } from '../xmpp/xep0333_markers';
import { encryption } from '../xmpp/xep0380_eme';
import { encrypted, type Encrypted } from '../xmpp/xep0384_omemo';
import type { Account } from './account';
import type { Address } from './api';
import { Serial } from './async';
import type { Chats } from './chats';
import { Effects } from './effects';
import { bodyOf, type Envelope } from './envelope';
import { log } from './log';
import type { Decrypted, Decryptor, SenderNews } from './omemo/decryptor';
import type { Devices } from './omemo/devices';
import { writeSealed } from './omemo/store';
import { reasonOf } from './reasons';

/** One change, to be made inside the transaction. */
type Op = (tx: Tx, effects: Effects) => Promise<void>;

/** How a batch is put in: at the end as it happens, at the end while catching up, or before everything else. */
export type Mode = 'live' | 'catchup' | 'initial' | 'history';

/** What the receiver asks of the rest. */
export interface ReceiverWorld {
  typing(chat: Address, typing: boolean): void;
  /** A receipt is due for a message that was stored. */
  receipt(to: Address, id: string, type: string): void;
  /** New incoming messages were stored. */
  arrived(messages: readonly MessageRecord[], mode: Mode): void;
  /** The other side has displayed our messages, or another own device theirs. */
  peerRead(tx: Tx, effects: Effects, chat: Address, id: string): Promise<void>;
  ownRead(tx: Tx, effects: Effects, chat: Address, id: string): Promise<void>;
  /** Something new is in this chat. */
  stored(tx: Tx, effects: Effects, chat: Address): Promise<void>;
  isBlocked(address: Address): boolean;
  met(addresses: readonly Address[]): void;
}

/** What one transaction is made of. */
interface Batch {
  readonly mode: Mode;
  readonly ops: Op[];
  /** Old messages, oldest first. */
  readonly history: NewMessage[];
  readonly arrived: MessageRecord[];
  readonly senders: Map<string, SenderNews>;
}

export interface PutOptions {
  /** Position in the archive, written with the messages. */
  readonly cursor?: Meta['cursor'];
  /** Chats of which the archive holds nothing older. */
  readonly startOf?: readonly Address[];
}

const STORES: readonly Store[] = ['messages', 'chats', 'outbox', 'omemo', 'devices'];

export class Receiver {
  private readonly turn = new Serial();
  private gathered: Envelope[] = [];
  private gathering: Promise<void> | undefined;
  private failed: Error | undefined;

  constructor(
    private readonly account: Account,
    private readonly chats: Chats,
    private readonly records: RecordStore,
    private readonly decryptor: Decryptor,
    private readonly devices: Devices,
    private readonly world: ReceiverWorld,
  ) {}

  /**
   * Puts messages in, in the order given. Resolves when everything is committed.
   */
  put(envelopes: readonly Envelope[], mode: Mode, options: PutOptions = {}): Promise<void> {
    return this.turn.run(() => this.now(envelopes, mode, options));
  }

  private async now(envelopes: readonly Envelope[], mode: Mode, options: PutOptions): Promise<void> {
    if (envelopes.some(({ message }) => message.child('encrypted', NS.omemoLegacy))) await this.decryptor.ready();
    await this.records.exclusive((session) => this.batch(session, envelopes, mode, options));
  }

  private async batch(session: RecordSession, envelopes: readonly Envelope[], mode: Mode, options: PutOptions): Promise<void> {
    const known = await this.findKnown(envelopes);
    const batch: Batch = { mode, ops: [], history: [], arrived: [], senders: new Map() };
    const { ops, history, arrived } = batch;
    const seen = new Map<string, boolean>();
    for (const [i, envelope] of envelopes.entries()) {
      if (this.world.isBlocked(envelope.chat) && !envelope.outgoing) continue;
      if (known[i] || repeats(envelope, seen)) ops.push((tx, effects) => this.again(tx, effects, envelope));
      else await this.open(session, envelope, batch);
    }
    const effects = new Effects();
    await session.commit((sealed) => this.account.db.write(STORES, async (tx) => {
      await writeSealed(tx, sealed);
      for (const { address, device, facts, news } of batch.senders.values()) await this.devices.note(tx, effects, address, device, facts, news);
      for (const message of history.reverse()) await this.prepend(tx, effects, message);
      for (const op of ops) await op(tx, effects);
      for (const chat of new Set(envelopes.map((envelope) => envelope.chat))) await this.world.stored(tx, effects, chat);
      for (const chat of options.startOf ?? []) await this.markStart(tx, effects, chat);
      if (options.cursor) await putMeta(tx, 'cursor', options.cursor);
    }));
    effects.tell(this.chats, this.account.hub.emit);
    if (arrived.length > 0) {
      this.world.met([...new Set(arrived.map((message) => message.chat))]);
      this.world.arrived(arrived, mode);
    }
  }

  /** A message that just came; those that come together are written together. */
  live(envelope: Envelope): Promise<void> {
    this.gathered.push(envelope);
    this.gathering ??= this.turn.run(async () => {
      const batch = this.gathered.splice(0);
      this.gathering = undefined;
      // The position in the archive may only move over what is here: after a failure nothing more is taken.
      if (this.failed) throw this.failed;
      try {
        await this.now(batch, 'live', this.cursorOf(batch));
      } catch (error) {
        this.failed = error instanceof Error ? error : new Error(String(error));
        throw error;
      }
    });
    return this.gathering;
  }

  /** The server will send again what failed. */
  reset(): void {
    this.failed = undefined;
  }

  private cursorOf(envelopes: readonly Envelope[]): PutOptions {
    const last = envelopes.findLast((envelope) => envelope.stanzaId !== undefined);
    return last?.stanzaId === undefined ? {} : { cursor: { id: last.stanzaId, at: last.at } };
  }

  private findKnown(envelopes: readonly Envelope[]): Promise<(MessageRecord | undefined)[]> {
    return this.account.db.read(['messages'], (tx) => Promise.all(envelopes.map((envelope) => this.find(tx, envelope))));
  }

  /** A copy of this message that is here already (XEP-0359). */
  private async find(tx: Tx<'readonly' | 'readwrite'>, envelope: Envelope): Promise<MessageRecord | undefined> {
    if (envelope.stanzaId !== undefined) {
      const copy = await findByStanzaId(tx, envelope.stanzaId);
      if (copy) return copy;
    }
    if (envelope.id === undefined) return undefined;
    const copy = await findByOrigin(tx, originKey(envelope.from, envelope.id));
    if (!copy || copy.chat !== envelope.chat) return undefined;
    // An id that is not said to be unique may come again; two entries of the archive are then two messages.
    if (!envelope.unique && copy.stanzaId !== undefined && envelope.stanzaId !== undefined && !copy.outgoing) return undefined;
    return copy;
  }

  /** A message that was here came again: it may tell its place in the archive, and that the server has it. */
  private async again(tx: Tx, effects: Effects, envelope: Envelope): Promise<void> {
    const copy = await this.find(tx, envelope);
    if (!copy) return;
    const stanzaId = copy.stanzaId === undefined && envelope.stanzaId !== undefined && !(await findByStanzaId(tx, envelope.stanzaId))
      ? envelope.stanzaId : undefined;
    const sent = copy.state === 'sending' && (await dequeue(tx, copy.id));
    if (stanzaId === undefined && !sent) return;
    const [message, chat] = await update(tx, copy, { ...(stanzaId !== undefined && { stanzaId }), ...(sent && { state: 'sent' as const }) });
    effects.message(message);
    effects.chat(chat);
  }

  private async open(session: RecordSession, envelope: Envelope, batch: Batch): Promise<void> {
    const { message, chat } = envelope;
    const { mode, ops } = batch;
    if (message.attrs['type'] === 'error') {
      if (!envelope.outgoing && envelope.id !== undefined) ops.push((tx, effects) => this.bounced(tx, effects, envelope));
      return;
    }
    this.signals(envelope, mode, ops);
    const content = await this.content(session, envelope, mode);
    if (!content) return;
    // The last word about a device, and the one with news, if there is any.
    if (content.sender) {
      const key = `${content.sender.address}/${content.sender.device}`;
      batch.senders.set(key, { ...content.sender, news: content.sender.news ?? batch.senders.get(key)?.news });
    }
    if (content.empty === true) return;
    const record = this.record(envelope, content);
    if (mode === 'history') {
      batch.history.push(record);
      return;
    }
    if (envelope.source !== 'archive' && !envelope.outgoing) this.world.typing(chat, false);
    ops.push(async (tx, effects) => {
      const [stored, next] = await append(tx, (await tx.objectStore('chats').get(chat)) ?? emptyChat(chat), record);
      effects.message(stored);
      // What a new device finds in the archive was read elsewhere, as far as is known (the own devices may tell, XEP-0490).
      effects.chat(mode === 'initial' ? await this.allRead(tx, next) : next);
      if (!stored.outgoing) effects.after(() => batch.arrived.push(stored));
    });
    this.answer(envelope, content, mode, ops);
  }

  private async allRead(tx: Tx, chat: Parameters<typeof append>[1]): Promise<Parameters<typeof append>[1]> {
    const next = { ...chat, readUpTo: chat.top, unread: 0 };
    await tx.objectStore('chats').put(next);
    return next;
  }

  /** Receipts, markers and chat states: what a message says about others, or about its sender. */
  private signals(envelope: Envelope, mode: Mode, ops: Op[]): void {
    const { message, chat, outgoing } = envelope;
    const receipt = received.in(message);
    if (receipt && !outgoing) ops.push((tx, effects) => this.delivered(tx, effects, chat, receipt.id));
    const marker = displayed.in(message);
    if (marker && !outgoing) ops.push((tx, effects) => this.world.peerRead(tx, effects, chat, marker.id));
    if (marker && outgoing) ops.push((tx, effects) => this.world.ownRead(tx, effects, chat, marker.id));
    const state = mode === 'live' && envelope.source === 'live' && !outgoing ? readChatState(message) : undefined;
    if (state) this.world.typing(chat, state === 'composing');
  }

  private async content(session: RecordSession, envelope: Envelope, mode: Mode): Promise<Decrypted | undefined> {
    const { message } = envelope;
    const legacy = encrypted.in(message);
    if (legacy) return this.decrypt(session, envelope, legacy, mode);
    const scheme = encryption.in(message)?.namespace;
    if (message.child('encrypted', NS.omemo2) || (scheme !== undefined && scheme !== NS.omemoLegacy)) {
      return { text: '', lock: 'encrypted', problem: 'unsupported' };
    }
    const body = bodyOf(message);
    return body === undefined ? undefined : { text: body, lock: 'unencrypted' };
  }

  private async decrypt(session: RecordSession, envelope: Envelope, element: Encrypted, mode: Mode): Promise<Decrypted | undefined> {
    try {
      return await this.decryptor.open(session, envelope, element, mode);
    } catch (error) {
      // The database is not this message's fault; a damaged record or a defect is, and must not stop all others.
      if (error instanceof SupersededError || (error instanceof DOMException && error.name !== 'OperationError')) throw error;
      log.warn('decryption failed', { code: reasonOf(error).code });
      return { text: '', lock: 'encrypted', problem: 'undecryptable', device: element.header.sid };
    }
  }

  private record(envelope: Envelope, content: Decrypted): NewMessage {
    const { chat, from, outgoing, at, id, stanzaId } = envelope;
    const wireId = envelope.message.attrs['id'];
    return {
      id: crypto.randomUUID(), chat, from, outgoing, at, text: content.text, lock: content.lock,
      state: outgoing ? 'sent' : 'received',
      ...(content.problem !== undefined && { problem: content.problem }),
      ...(content.device !== undefined && { device: content.device }),
      ...(stanzaId !== undefined && { stanzaId }),
      ...(id !== undefined && { origin: originKey(from, id) }),
      ...(wireId !== undefined && { wireId }),
      ...(!outgoing && { incomingIn: chat }),
      ...(!outgoing && markable.in(envelope.message) && { markable: true }),
    };
  }

  private answer(envelope: Envelope, content: Decrypted, mode: Mode, ops: Op[]): void {
    const id = envelope.message.attrs['id'];
    const wanted = !envelope.outgoing && envelope.source !== 'carbon' && mode !== 'initial' && content.problem === undefined;
    if (!wanted || id === undefined || !receiptRequest.in(envelope.message)) return;
    ops.push((_, effects) => {
      effects.after(() => this.world.receipt(envelope.chat, id, envelope.message.attrs['type'] ?? 'normal'));
      return Promise.resolve();
    });
  }

  private async prepend(tx: Tx, effects: Effects, message: NewMessage): Promise<void> {
    if (message.stanzaId !== undefined && await findByStanzaId(tx, message.stanzaId)) return;
    const chat = (await tx.objectStore('chats').get(message.chat)) ?? emptyChat(message.chat);
    const readByPeer = message.outgoing && chat.peerRead > -Infinity;
    const [stored, next] = await prepend(tx, chat, readByPeer ? { ...message, state: 'read' } : message);
    effects.message(stored);
    effects.chat(next);
  }

  private async markStart(tx: Tx, effects: Effects, chat: Address): Promise<void> {
    const record = await tx.objectStore('chats').get(chat);
    if (!record || record.archiveStart) return; // nothing was ever said there: it is no chat yet
    const next = { ...record, archiveStart: true };
    await tx.objectStore('chats').put(next);
    effects.chat(next);
  }

  /** XEP-0184: it reached a device. The server has it then, whether it said so or not. */
  private async delivered(tx: Tx, effects: Effects, chat: Address, id: string): Promise<void> {
    const message = await findByOrigin(tx, originKey(this.account.address, id));
    if (!message || message.chat !== chat || (message.state !== 'sending' && message.state !== 'sent')) return;
    await dequeue(tx, message.id);
    const [next, changed] = await update(tx, message, { state: 'delivered' });
    effects.message(next);
    effects.chat(changed);
  }

  /** An own message came back with an error. */
  private async bounced(tx: Tx, effects: Effects, envelope: Envelope): Promise<void> {
    const message = await findByOrigin(tx, originKey(this.account.address, envelope.id ?? ''));
    if (!message || message.chat !== envelope.chat) return;
    // An error for one of several devices does not undo what another one has confirmed.
    if (message.state !== 'sending' && message.state !== 'sent') return;
    await dequeue(tx, message.id);
    const reason: StoredReason = reasonOf(StanzaError.read(envelope.message));
    const [next, changed] = await update(tx, message, { state: 'failed', reason });
    effects.message(next);
    effects.chat(changed);
  }
}

/** Whether this one was in the batch before; as `find` tells of those that were stored before. */
function repeats(envelope: Envelope, seen: Map<string, boolean>): boolean {
  const { stanzaId, id } = envelope;
  const archived = stanzaId !== undefined;
  let before = false;
  if (archived) {
    const name = `archive\n${stanzaId}`;
    before = seen.has(name);
    seen.set(name, true);
  }
  if (id === undefined) return before;
  const name = originKey(envelope.from, id);
  const other = seen.get(name);
  before ||= other !== undefined && (envelope.unique || !archived || !other);
  seen.set(name, archived);
  return before;
}
