/**
 * The way in: every message, live, copied or out of the archive, becomes changes of the database, exactly once. What
 * belongs together (ratchet, text, position in the archive) is written in one transaction; only then pages are told
 * and the server gets its acknowledgement.
 */
import type { RecordSession, RecordStore } from '../crypto/records';
import { seenDigest } from '../crypto/sent';
import {
  append, archivedAmong, emptyChat, findByOrigin, findByStanzaId, messagesAfter, moveToEnd, prepend, update, type NewMessage,
} from '../db/messages';
import { inBulk } from '../db/bulk';
import { SupersededError } from '../db/database';
import { findReferred, perform, postpone, settle, type Done } from '../db/deeds';
import { putMeta } from '../db/meta';
import { dequeue } from '../db/outbox';
import { archiveId, originKey, type Deed, type MessageRecord, type Store, type StoredReason, type Tx } from '../db/schema';
import { equalBytes } from '../xmpp/bytes';
import { StanzaError } from '../xmpp/errors';
import { readSubject } from '../xmpp/xep0045_muc';
import { readChatState } from '../xmpp/xep0085_chatstates';
import { received, receiptRequest } from '../xmpp/xep0184_receipts';
import { displayed, markable } from '../xmpp/xep0333_markers';
import { encryption } from '../xmpp/xep0380_eme';
import { mentions } from '../xmpp/xep0372_references';
import { replace } from '../xmpp/xep0308_correction';
import { retracted } from '../xmpp/xep0424_retraction';
import { XmlElement } from '../xmpp/xml';
import type { Account } from './account';
import type { Address } from './api';
import { Serial } from './async';
import type { Chats } from './chats';
import { readContent, saysSomething } from './content';
import { judge, quoteOf, readDeed, readEdit, readReply } from './deeds';
import { Effects } from './effects';
import { aged } from './ephemeral';
import { bodyOf, type Envelope } from './envelope';
import { fileIn } from './files';
import { log } from './log';
import { chatAfter, optOutIn } from './optout';
import type { Decrypted, Decryptor, SenderNews } from './omemo/decryptor';
import type { Devices } from './omemo/devices';
import { writeSealed } from './omemo/store';
import { isEncrypted, NAMESPACES, readEncrypted } from './omemo/wire';
import { reasonOf } from './reasons';

/** One change, to be made inside the transaction. */
type Op = (tx: Tx, effects: Effects) => Promise<void>;

/** How a batch is put in: at the end as it happens, at the end while catching up, or before everything else. */
export type Mode = 'live' | 'catchup' | 'initial' | 'history';

/** What the receiver asks of the rest. */
export interface ReceiverWorld {
  typing(chat: Address, from: Address, typing: boolean): void;
  /** A receipt is due for a message that was stored. */
  receipt(to: Address, id: string, type: string): void;
  /** New incoming messages were stored. */
  arrived(messages: readonly MessageRecord[], mode: Mode): void;
  /** The other side has displayed our messages, or another own device theirs. */
  peerRead(tx: Tx, effects: Effects, chat: Address, id: string): Promise<void>;
  ownRead(tx: Tx, effects: Effects, chat: Address, id: string): Promise<void>;
  /** Another own device has written the message at this position. */
  answered(tx: Tx, effects: Effects, chat: Address, order: number): Promise<void>;
  /** Somebody in a group has displayed everything up to this message, by its id in the group's archive. */
  memberRead(tx: Tx, effects: Effects, chat: Address, from: Address, id: string): Promise<void>;
  /** Takes an invitation into a group; false: it is none. */
  invited(envelope: Envelope, mode: Mode): boolean;
  subject(chat: Address, text: string): void;
  /** The group does not know us (any more): what was sent there did not arrive, and may again. */
  expelled(chat: Address): void;
  /** Whether this text names the own person. */
  isMention(chat: Address, text: string): boolean;
  /** What is said in this chat in the clear could have been said better. */
  isEncrypted(chat: Address): boolean;
  /** Something new is in this chat. */
  stored(tx: Tx, effects: Effects, chat: Address): Promise<void>;
  /** Somebody who asked to go on without encryption has changed their mind, or asks once more. */
  encryptedAgain(): void;
  isBlocked(address: Address): boolean;
  met(addresses: readonly Address[]): void;
  /** Another own device has said something to the others. Gives what has to be done once it is stored. */
  ownDevice(session: RecordSession, message: XmlElement, device: number): Promise<(() => void) | undefined>;
}

/** What one transaction is made of. */
interface Batch {
  readonly mode: Mode;
  readonly ops: Op[];
  /** Old messages, oldest first. */
  readonly history: NewMessage[];
  readonly arrived: MessageRecord[];
  readonly senders: Map<string, SenderNews>;
  /** Something waits to be sent. */
  waiting: boolean;
}

/** Up to here everything of an archive has been read. */
export interface Cursor {
  /** Whose archive. */
  readonly archive: Address;
  readonly id: string;
  readonly at: number;
}

export interface PutOptions {
  /** Positions in archives, written with the messages. */
  readonly cursors?: readonly Cursor[];
  /** Chats of which the archive holds nothing older. */
  readonly startOf?: readonly Address[];
}

/** How well something was protected. */
type Shield = Pick<Decrypted, 'level' | 'trust'>;

const PLAIN = { level: 0, trust: 'undecided' } as const;
const UNREADABLE = { text: '', lock: 'encrypted', ...PLAIN } as const;
const TOMB: Decrypted = UNREADABLE;
/** What is left in an archive of a message that was taken back; one that says something beside it is none (XEP-0424 section 4). */
const tombstone = (message: XmlElement): ReturnType<typeof retracted.in> =>
  bodyOf(message) === undefined && readEncrypted(message).length === 0 ? retracted.in(message) : undefined;
const CHANGED = { kind: 'changed', jid: '', device: 0 } as const;

/** OpenPGP for XMPP, the present form and the one before (XEP-0373, XEP-0027): recognised, not spoken. */
const OPENPGP = [
  { ns: 'urn:xmpp:openpgp:0', name: 'openpgp', scheme: 'urn:xmpp:openpgp:0' },
  { ns: 'jabber:x:encrypted', name: 'x', scheme: 'jabber:x:encrypted' },
] as const;

const STORES: readonly Store[] = ['messages', 'chats', 'outbox', 'omemo', 'devices', 'pending', 'files'];

/** So many own messages may wait at the end of a chat before one looks no further for others among them. */
const LOOK_AHEAD = 50;

export class Receiver {
  private readonly turn = new Serial();
  private gathered: Envelope[] = [];
  private gathering: Promise<void> | undefined;
  private failed: Error | undefined;
  /** Archives that could not be read up to now: no live message moves the position there. */
  readonly behind = new Set<Address>();

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

  /** Messages like this one are on their way: what will be needed for them is made ready. */
  expect(message: XmlElement): void {
    if (isEncrypted(message)) void this.decryptor.ready().catch(() => undefined); // `put` tells
  }

  private async now(envelopes: readonly Envelope[], mode: Mode, options: PutOptions): Promise<void> {
    if (envelopes.some(({ message }) => isEncrypted(message))) await this.decryptor.ready();
    await this.records.exclusive((session) => this.batch(session, envelopes, mode, options));
  }

  private async batch(session: RecordSession, envelopes: readonly Envelope[], mode: Mode, options: PutOptions): Promise<void> {
    const known = await this.findKnown(envelopes);
    const batch: Batch = { mode, ops: [], history: [], arrived: [], senders: new Map(), waiting: true };
    const { ops, history, arrived } = batch;
    const seen = new Map<string, boolean>();
    for (const [i, envelope] of envelopes.entries()) {
      if (this.world.isBlocked(envelope.from) && !envelope.outgoing) continue;
      const copy = known[i];
      if (copy || repeats(envelope, seen)) {
        const changed = copy !== undefined && await wasChanged(copy, envelope);
        ops.push((tx, effects) => this.again(tx, effects, envelope, changed));
      } else {
        await this.understand(session, envelope, batch);
      }
    }
    const effects = new Effects();
    await session.commit((sealed) => this.account.db.write(STORES, (whole) => inBulk(whole, async (tx) => {
      await writeSealed(tx, sealed);
      batch.waiting = await tx.objectStore('outbox').count() > 0;
      for (const { address, device, facts, news } of batch.senders.values()) await this.devices.note(tx, effects, address, device, facts, news);
      for (const message of history.reverse()) await this.prepend(tx, effects, message);
      for (const op of ops) await op(tx, effects);
      for (const chat of new Set(envelopes.map((envelope) => envelope.chat))) await this.world.stored(tx, effects, chat);
      for (const chat of options.startOf ?? []) await this.markStart(tx, effects, chat);
      for (const cursor of options.cursors ?? []) await this.moveCursor(tx, effects, cursor);
    })));
    effects.tell(this.chats, this.account.hub.emit);
    if (arrived.length > 0) {
      this.world.met([...new Set(arrived.map((message) => message.chat))].filter((chat) => this.chats.of(chat).kind === 'direct'));
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
    const last = new Map<Address, Cursor>();
    for (const { archive, stanzaId, at } of envelopes) if (stanzaId !== undefined && !this.behind.has(archive)) last.set(archive, { archive, id: archiveId(stanzaId), at });
    return { cursors: [...last.values()] };
  }

  private async moveCursor(tx: Tx, effects: Effects, { archive, ...position }: Cursor): Promise<void> {
    if (archive === this.account.address) return putMeta(tx, 'cursor', position);
    const record = (await tx.objectStore('chats').get(archive)) ?? emptyChat(archive, 'group');
    const next = { ...record, archive: position };
    await tx.objectStore('chats').put(next);
    effects.chat(next);
  }

  private findKnown(envelopes: readonly Envelope[]): Promise<(MessageRecord | undefined)[]> {
    return this.account.db.read(['messages'], async (tx) => {
      const archived = await archivedAmong(tx, envelopes.map((envelope) => envelope.stanzaId).filter((id) => id !== undefined));
      return Promise.all(envelopes.map((envelope) => this.find(tx, envelope, archived)));
    });
  }

  /** A copy of this message that is here already (XEP-0359). `archived`: the ids in archives that are known to be here. */
  private async find(tx: Tx<'readonly' | 'readwrite'>, envelope: Envelope, archived?: ReadonlySet<string>): Promise<MessageRecord | undefined> {
    if (envelope.stanzaId !== undefined && archived?.has(envelope.stanzaId) !== false) {
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
  private async again(tx: Tx, effects: Effects, envelope: Envelope, changed: boolean): Promise<void> {
    const copy = await this.find(tx, envelope);
    if (!copy) return;
    const stanzaId = copy.stanzaId === undefined && envelope.stanzaId !== undefined && !(await findByStanzaId(tx, envelope.stanzaId))
      ? envelope.stanzaId : undefined;
    const sent = copy.state === 'sending' && (await dequeue(tx, copy.id));
    if (stanzaId === undefined && !sent && !changed) return;
    // The group tells everybody's messages in one order: what it has passed on only now comes after what is here.
    const late = sent && envelope.kind === 'group' && (await messagesAfter(tx, copy.chat, copy.order, LOOK_AHEAD)).some((later) => later.state !== 'sending');
    const [placed, moved] = late ? await moveToEnd(tx, copy) : [copy, undefined];
    const [message, chat] = await update(tx, placed, { ...(stanzaId !== undefined && { stanzaId }), ...(sent && { state: 'sent' as const }),
      ...(changed && { findings: [CHANGED, ...copy.findings ?? []], alarm: true as const }),
    });
    effects.message(message);
    effects.chat(chat ?? moved);
  }

  /** What nobody was prepared for is one message that cannot be read: all others, which it comes with each time, do not wait for it. */
  private async understand(session: RecordSession, envelope: Envelope, batch: Batch): Promise<void> {
    const { length } = batch.ops;
    try {
      await this.open(session, envelope, batch);
    } catch (error) {
      if (isDatabase(error)) throw error;
      log.warn('message not understood', { code: reasonOf(error).code });
      batch.ops.length = length;
      const { ns, name, attrs } = envelope.message;
      const record = this.record({ ...envelope, message: new XmlElement(ns, name, attrs) }, { ...UNREADABLE, problem: 'undecryptable' });
      if (batch.mode === 'history') batch.history.push(record);
      else batch.ops.push((tx, effects) => this.append(tx, effects, envelope, record, batch));
    }
  }

  private async open(session: RecordSession, envelope: Envelope, batch: Batch): Promise<void> {
    const { message, chat } = envelope;
    const { mode, ops } = batch;
    if (message.attrs['type'] === 'error') {
      if (!envelope.outgoing && envelope.id !== undefined) ops.push((tx, effects) => this.bounced(tx, effects, envelope));
      return;
    }
    if (this.world.invited(envelope, mode)) return;
    const tomb = envelope.source === 'archive' ? tombstone(message) : undefined;
    if (tomb && replace.in(message)) return; // it was a correction of another message, which was taken back too
    const content = tomb ? TOMB : await this.content(session, envelope, mode);
    // From here on it is what its sender has said, where that can be known.
    const said = content?.message ? { ...envelope, message: content.message } : envelope;
    if (envelope.kind === 'direct') this.signals(said, mode, ops);
    else this.groupSignals(said, mode, ops);
    const deed = content?.problem === undefined ? readDeed(said) : undefined;
    // Of OMEMO 0.3 only the text is encrypted.
    const shield = deed && content && !content.message ? PLAIN : content ?? PLAIN;
    if (deed) ops.push(async (tx, effects) => void await this.perform(tx, effects, said, deed, shield, mode));
    const { outgoing, id } = envelope;
    // What was done to a message is known to have arrived when it comes back.
    if (outgoing && id !== undefined) ops.push(async (tx) => void (batch.waiting && await dequeue(tx, id)));
    if (!content) return;
    // The last word about a device, and the one with news, if there is any.
    if (content.sender) {
      const key = `${content.sender.address}/${content.sender.device}`;
      batch.senders.set(key, { ...content.sender, news: content.sender.news ?? batch.senders.get(key)?.news });
    }
    if (envelope.outgoing && chat === this.account.address) {
      const { message: own, device, trust } = content;
      const act = own && content.problem === undefined && device !== undefined && (trust === 'trusted' || trust === 'verified')
        ? await this.world.ownDevice(session, own, device) : undefined;
      if (act) ops.push((_, effects) => Promise.resolve(effects.after(act)));
      // What devices say to each other is not for people, also where it cannot be read.
      if (content.problem !== undefined && bodyOf(message) === undefined) return;
    }
    const optOut = content.message && content.problem === undefined ? optOutIn(content.message, content.text) : undefined;
    if ((content.empty === true && !saysSomething(said.message) && !optOut && !(content.message && fileIn(content.message, ''))) || deed) return;
    const whole = this.record(said, content, tomb && { at: tomb.stamp ?? envelope.at });
    const made = optOut ? { ...whole, text: '', optOut } : whole;
    const record = mode === 'initial' || mode === 'history' || outgoing ? aged(made, this.account.platform.clock.now()) : made;
    if (!record) return;
    const edit = content.problem === undefined ? readEdit(said.message, record.file ? record.file.caption ?? '' : record.text, record.lock) : undefined;
    if (edit) {
      ops.push(async (tx, effects) => {
        const done = await this.perform(tx, effects, said, edit, content, mode);
        // A correction of what is not here, or was not theirs to correct, is a message like any other.
        if (!done && mode !== 'history') await this.append(tx, effects, envelope, record, batch);
      });
      return;
    }
    if (mode === 'history') {
      batch.history.push(record);
      return;
    }
    if (envelope.source !== 'archive' && !envelope.outgoing) this.world.typing(chat, envelope.from, false);
    ops.push((tx, effects) => this.append(tx, effects, envelope, record, batch));
    if (envelope.kind === 'direct') this.answer(said, content, mode, ops);
  }

  private async append(tx: Tx, effects: Effects, { chat, kind }: Envelope, record: NewMessage, batch: Batch): Promise<void> {
    const whole = await this.withQuote(tx, record);
    const [stored, appended] = await append(tx, (await tx.objectStore('chats').get(chat)) ?? emptyChat(chat, kind), whole);
    const next = chatAfter(appended, stored, batch.mode) ?? appended;
    if (next !== appended) {
      await tx.objectStore('chats').put(next);
      if (appended.optOut) effects.after(() => this.world.encryptedAgain());
    }
    const [now, changed] = await settle(tx, this.account.address, stored, judge) ?? [stored, undefined];
    effects.message(now);
    // What a new device finds in the archive was read elsewhere, as far as is known (the own devices may tell, XEP-0490).
    effects.chat(batch.mode === 'initial' ? await this.allRead(tx, changed ?? next) : changed ?? next);
    if (!now.outgoing) effects.after(() => batch.arrived.push(now));
    else if (batch.mode !== 'initial') await this.world.answered(tx, effects, chat, now.order);
  }

  /** An answer shows what it answers, if that is here; otherwise what it quotes of it. */
  private async withQuote(tx: Tx, record: NewMessage): Promise<NewMessage> {
    if (!record.reply) return record;
    const answered = await findReferred(tx, this.account.address, record.chat, record.reply.ref);
    return answered ? { ...record, reply: quoteOf(answered, record.reply.ref) } : record;
  }

  /** A correction, a reaction or a retraction; false when there is nothing that it could be done to. */
  private async perform(tx: Tx, effects: Effects, { chat, from, at, id }: Envelope, deed: Deed, { level, trust }: Shield, mode: Mode): Promise<boolean> {
    const done: Done = { deed, chat, from, self: this.account.address, at, level, trust, ...(id !== undefined && { id }) };
    const result = await perform(tx, done, judge);
    if (result === 'refused') return false;
    if (result !== 'later') {
      effects.message(result[0]);
      effects.chat(result[1]);
      return true;
    }
    // A correction of something that is not here is shown as it is, unless the other is about to come.
    if (deed.kind === 'edit' && mode !== 'history') return false;
    await postpone(tx, done);
    return true;
  }

  private async allRead(tx: Tx, chat: Parameters<typeof append>[1]): Promise<Parameters<typeof append>[1]> {
    const next = { ...chat, readUpTo: chat.top, unread: 0, mentions: 0 };
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
    if (state) this.world.typing(chat, envelope.from, state === 'composing');
  }

  /** In a group nobody confirms that something was delivered; who has read how far is told by its place in the archive. */
  private groupSignals(envelope: Envelope, mode: Mode, ops: Op[]): void {
    const { message, chat, outgoing, from } = envelope;
    const marker = displayed.in(message);
    if (marker && mode !== 'history') ops.push((tx, effects) => this.world.memberRead(tx, effects, chat, from, marker.id));
    const subject = mode === 'live' ? readSubject(message) : undefined;
    if (subject !== undefined) ops.push((_, effects) => Promise.resolve(effects.after(() => this.world.subject(chat, subject))));
    const state = mode === 'live' && !outgoing ? readChatState(message) : undefined;
    if (state) this.world.typing(chat, from, state === 'composing');
  }

  private async content(session: RecordSession, envelope: Envelope, mode: Mode): Promise<Decrypted | undefined> {
    const { message } = envelope;
    if (isEncrypted(message)) return this.decrypt(session, envelope, mode);
    const scheme = encryption.in(message)?.namespace;
    if (OPENPGP.some((pgp) => pgp.scheme === scheme || message.child(pgp.name, pgp.ns))) return { ...UNREADABLE, problem: 'openpgp' };
    if (scheme !== undefined && !Object.values(NAMESPACES).includes(scheme)) return { ...UNREADABLE, problem: 'unsupported' };
    const body = bodyOf(message);
    return body === undefined && (!saysSomething(message) || this.world.isEncrypted(envelope.chat)) ? undefined : { text: body ?? '', lock: 'unencrypted', ...PLAIN };
  }

  private async decrypt(session: RecordSession, envelope: Envelope, mode: Mode): Promise<Decrypted | undefined> {
    try {
      return await this.decryptor.open(session, envelope, mode);
    } catch (error) {
      // A damaged record or a defect must not stop all others.
      if (isDatabase(error)) throw error;
      log.warn('decryption failed', { code: reasonOf(error).code });
      const sid = readEncrypted(envelope.message)[0]?.sid;
      return { ...UNREADABLE, problem: 'undecryptable', ...(sid !== undefined && { device: sid }) };
    }
  }

  private record(envelope: Envelope, content: Decrypted, taken?: NonNullable<MessageRecord['retracted']>): NewMessage {
    const { chat, from, nick, outgoing, at, id, stanzaId } = envelope;
    const mention = envelope.kind === 'group' && !outgoing && (this.world.isMention(chat, content.text) || mentions(envelope.message, this.account.address));
    const wireId = envelope.message.attrs['id'];
    const answered = content.problem === undefined ? readReply(envelope.message, content.text, this.account.address) : undefined;
    const read: ReturnType<typeof readContent> = content.problem === undefined && !taken ? readContent(envelope.message, answered?.text ?? content.text) : {};
    const { timer: told, ...more } = read;
    // The server must not be able to make messages vanish.
    const timer = content.level === 0 && this.world.isEncrypted(chat) ? undefined : told;
    // Only in an envelope is it the sender who says what the file is.
    const shared = content.message && content.problem === undefined ? fileIn(content.message, answered?.text ?? content.text) : undefined;
    return {
      id: crypto.randomUUID(), chat, from, outgoing, at, text: shared?.text ?? answered?.text ?? content.text, lock: content.lock, level: content.level, trust: content.trust,
      ...(shared && { file: shared.file }),
      ...(content.mixed && { mixed: true as const }),
      ...(content.findings && { findings: content.findings }),
      ...(content.alarm && { alarm: true as const }),
      state: outgoing ? 'sent' : 'received',
      ...(content.problem !== undefined && { problem: content.problem }),
      ...(content.device !== undefined && { device: content.device }),
      ...(stanzaId !== undefined && { stanzaId }),
      ...(id !== undefined && { origin: originKey(from, id) }),
      ...(wireId !== undefined && { wireId }),
      ...(nick !== undefined && { nick }),
      ...(!outgoing && more.timerSet === undefined && { incomingIn: chat }),
      ...(mention && { mentionIn: chat }),
      ...(answered && { reply: answered.reply }),
      ...(taken && { retracted: taken }),
      ...(!outgoing && markable.in(envelope.message) && { markable: true }),
      ...more, ...(timer !== undefined && { timer, ...(outgoing && { expires: at + timer * 1000 }) }),
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
    const chat = (await tx.objectStore('chats').get(message.chat)) ?? this.chats.of(message.chat);
    const readByPeer = message.outgoing && chat.peerRead > -Infinity;
    const whole = await this.withQuote(tx, message);
    const [stored, next] = await prepend(tx, chat, readByPeer ? { ...whole, state: 'read' } : whole);
    const [now, changed] = await settle(tx, this.account.address, stored, judge) ?? [stored, undefined];
    effects.message(now);
    effects.chat(changed ?? next);
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
    if (envelope.kind === 'group' && message.state === 'sending' && StanzaError.read(envelope.message).condition === 'not-acceptable') {
      return effects.after(() => this.world.expelled(envelope.chat));
    }
    await dequeue(tx, message.id);
    const reason: StoredReason = reasonOf(StanzaError.read(envelope.message));
    const [next, changed] = await update(tx, message, { state: 'failed', reason });
    effects.message(next);
    effects.chat(changed);
  }
}

/** The database is not the message's fault that was being read. */
function isDatabase(error: unknown): boolean {
  return error instanceof SupersededError || (error instanceof DOMException && error.name !== 'OperationError');
}

/** The server, or a room, shows something else than what this device has sent (it would read so to everybody else). */
async function wasChanged(copy: MessageRecord, envelope: Envelope): Promise<boolean> {
  if (!copy.digest || !envelope.outgoing || copy.findings?.some((finding) => finding.kind === CHANGED.kind)) return false;
  return !equalBytes(copy.digest, await seenDigest(readEncrypted(envelope.message)));
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
