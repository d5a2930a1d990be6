/**
 * The way out: stored, encrypted, stored again with the finished stanza, sent, acknowledged. A message is sent once:
 * what may have arrived is looked up in the archive before it is sent again, and then the same bytes are sent.
 */
import { append, getMessage, moveToEnd, remove, update, type NewMessage } from '../db/messages';
import { perform } from '../db/deeds';
import { chatsWaiting, dequeue, enqueue, nextOut } from '../db/outbox';
import { originKey, type Deed, type FileFacts, type MessageRecord, type OutboxRecord, type Store } from '../db/schema';
import { ConnectionError, StanzaError } from '../xmpp/errors';
import { NS } from '../xmpp/ns';
import type { Stream } from '../xmpp/stream';
import { chatState } from '../xmpp/xep0085_chatstates';
import { receiptRequest } from '../xmpp/xep0184_receipts';
import { markable } from '../xmpp/xep0333_markers';
import { store } from '../xmpp/xep0334_hints';
import type { Mentioned } from '../xmpp/xep0372_references';
import { originId } from '../xmpp/xep0359_ids';
import { cleanText, parse, serialise, xml, type XmlElement } from '../xmpp/xml';
import type { Account, SessionPart } from './account';
import { CoreError, type Address, type Lock, type Message, type Reason } from './api';
import type { Chats } from './chats';
import { deedText, timing, wireContent, type NewContent } from './content';
import { deedElement, deedOutside, judgeOwn, quoteOf, refOf, wireText } from './deeds';
import { Effects } from './effects';
import { fileElements, heard, stickerFallback, type Uploaded } from './files';
import { log } from './log';
import type { Encryptor } from './omemo/encryptor';
import { openness } from './optout';
import { fail, reasonOf } from './reasons';
import { messageView } from './view';

/** Longer texts do not fit into a stanza (servers allow 256 KiB) once they are encrypted in both versions and encoded. */
const MAX_TEXT = 64_000;
/** Bytes of a stanza that every server takes. A text with many `<` and `&`, or many devices, can make it longer. */
const MAX_STANZA = 250_000;
const STORES: readonly Store[] = ['messages', 'chats', 'outbox', 'files'];
/** What the memory of a browser bears. */
const MAX_FILE = 512 << 20;
const RETRY = 3_000;
/** How often keys that cannot be had are looked for before the message counts as failed. */
const MAX_TRIES = 3;

export interface NewFile extends Pick<FileFacts, 'name' | 'width' | 'height' | 'length' | 'voice' | 'description' | 'caption' | 'sticker'> {
  readonly id: string;
  readonly replyTo?: string;
}

export interface SenderWorld {
  lock(chat: Address): Lock;
  isBlocked(chat: Address): boolean;
  /** How messages get into a chat. `refused`: not at all; `ready`: now, otherwise they wait until `entered` is called. */
  way(chat: Address): { readonly type: 'chat' | 'groupchat'; readonly ready: boolean; readonly refused?: Reason };
  /** Puts the file of a message on the server; gives its address. */
  upload(message: MessageRecord, file: FileFacts): Promise<Uploaded>;
  cancelUpload(id: string): void;
  /** The person writes in the clear here, and knows it. */
  opened(chat: Address): void;
  /** Everybody's devices can be told of a file and of what is said beside it in one message. */
  envelopes(chat: Address): boolean;
  /** A device of this contact waits for a decision: nothing may be sent before. */
  undecided(chat: Address): boolean;
  /** Whom a text in this chat names, and where. */
  mentioned(chat: Address, text: string): readonly Mentioned[];
  met(addresses: readonly Address[]): void;
}

export class Sender implements SessionPart {
  private stream: Stream | undefined;
  /** Chats that have something to send, and those that are at it. */
  private readonly wanted = new Set<Address>();
  private readonly busy = new Set<Address>();
  /** Up to where the outbox of a chat was handed to the present stream, which takes care of it. */
  private readonly handed = new Map<Address, number>();
  private readonly tries = new Map<string, number>();
  private readonly acked: string[] = [];
  private flushing: Promise<void> | undefined;

  constructor(
    private readonly account: Account,
    private readonly chats: Chats,
    private readonly encryptor: Encryptor,
    private readonly world: SenderWorld,
  ) {}

  // ── commands ──

  /** `content`: what it is besides a text. */
  async send(chat: Address, text: string, options: { allowUnencrypted?: boolean; id?: string; replyTo?: string } = {}, content: NewContent = {}): Promise<Message> {
    const clean = cleanText(text);
    if (clean.trim() === '' && content.timerSet === undefined) throw fail('internal', 'nothing to send');
    if (new TextEncoder().encode(clean).length > MAX_TEXT) throw fail('too-large', `at most ${MAX_TEXT} bytes`);
    if (this.world.isBlocked(chat)) throw fail('blocked');
    const { refused } = this.world.way(chat);
    if (refused) throw new CoreError(refused);
    this.decided(chat);
    const plain = options.allowUnencrypted === true;
    const lock = this.world.lock(chat);
    if (lock === 'unencrypted' && !plain) throw fail('cannot-encrypt', 'no devices announced');
    if (this.world.undecided(chat)) throw fail('untrusted', 'a new device waits for a decision');
    if (plain && lock === 'unencrypted') this.world.opened(chat);
    const id = options.id ?? crypto.randomUUID();
    const effects = new Effects();
    const stored = await this.account.db.write(STORES, async (tx) => {
      const before = await getMessage(tx, id);
      if (before) return before;
      const answered = options.replyTo === undefined ? undefined : await getMessage(tx, options.replyTo);
      const ref = answered?.chat === chat ? refOf(answered, this.world.way(chat).type === 'groupchat') : undefined;
      const message: NewMessage = {
        id, chat, from: this.account.address, outgoing: true, text: clean, at: this.account.platform.clock.now(), state: 'sending',
        lock: lock === 'unencrypted' ? 'unencrypted' : lock === 'verified' ? 'verified' : 'encrypted',
        origin: originKey(this.account.address, id), wireId: id,
        ...(answered && ref !== undefined && { reply: quoteOf(answered, ref) }),
        ...(content.timerSet === undefined && timing(this.chats.of(chat), this.account.platform.clock.now())), ...content,
      };
      const record = (await tx.objectStore('chats').get(chat)) ?? this.chats.of(chat);
      const [appended, next] = await append(tx, record, message);
      const { draftReply: _, ...rest } = next;
      const cleared = content.poll || content.timerSet !== undefined ? next : { ...rest, draft: '' };
      await tx.objectStore('chats').put(cleared);
      await enqueue(tx, { message: id, chat, plain });
      effects.message(appended);
      effects.chat(cleared);
      return appended;
    }, 'strict');
    effects.tell(this.chats, this.account.hub.emit);
    if (this.world.way(chat).type === 'chat') this.world.met([chat]);
    this.run(chat);
    return messageView(stored, this.account.address);
  }

  /** Sends a file: kept here until it is on the server, then named in a message. Files are never sent in the clear. */
  async sendFile(chat: Address, file: Blob, { id, replyTo, caption: said = '', ...facts }: NewFile): Promise<Message> {
    const caption = cleanText(said).trim();
    if (new TextEncoder().encode(caption).length > MAX_TEXT) throw fail('too-large', `at most ${MAX_TEXT} bytes`);
    if (file.size > MAX_FILE) throw fail('too-large', `at most ${MAX_FILE} bytes`);
    if (this.world.isBlocked(chat)) throw fail('blocked');
    const { refused } = this.world.way(chat);
    if (refused) throw new CoreError(refused);
    this.decided(chat);
    const lock = this.world.lock(chat);
    if (lock === 'unencrypted') throw fail('cannot-encrypt', 'files are only sent encrypted');
    if (this.world.undecided(chat)) throw fail('untrusted', 'a new device waits for a decision');
    // Who has only 0.3 gets an address there, and nothing may stand beside that.
    const inside = caption !== '' && this.world.envelopes(chat);
    const effects = new Effects();
    const stored = await this.account.db.write(STORES, async (tx) => {
      const before = await getMessage(tx, id);
      if (before) return before;
      const answered = replyTo === undefined ? undefined : await getMessage(tx, replyTo);
      const ref = answered?.chat === chat ? refOf(answered, this.world.way(chat).type === 'groupchat') : undefined;
      const message: NewMessage = {
        id, chat, from: this.account.address, outgoing: true, text: '', at: this.account.platform.clock.now(), state: 'sending',
        lock: lock === 'verified' ? 'verified' : 'encrypted', origin: originKey(this.account.address, id), wireId: id,
        ...(answered && ref !== undefined && { reply: quoteOf(answered, ref) }),
        ...timing(this.chats.of(chat), this.account.platform.clock.now()),
        file: { ...facts, name: cleanText(facts.name).slice(0, 200) || 'file', size: file.size, ...(inside && { caption }), ...(facts.voice && { voice: heard(facts.voice.levels) }) },
      };
      const [appended, next] = await append(tx, (await tx.objectStore('chats').get(chat)) ?? this.chats.of(chat), message);
      await tx.objectStore('files').put(file, id);
      await enqueue(tx, { message: id, chat, plain: false });
      effects.message(appended);
      effects.chat(next);
      return appended;
    }, 'strict');
    effects.tell(this.chats, this.account.hub.emit);
    if (this.world.way(chat).type === 'chat') this.world.met([chat]);
    this.run(chat);
    if (caption !== '' && !inside) await this.send(chat, caption);
    return messageView(stored, this.account.address);
  }

  // ── what is done to messages that were sent before ──

  async edit(chat: Address, id: string, text: string): Promise<void> {
    const clean = cleanText(text);
    if (clean.trim() === '') throw fail('internal', 'nothing to send');
    if (new TextEncoder().encode(clean).length > MAX_TEXT) throw fail('too-large', `at most ${MAX_TEXT} bytes`);
    await this.deed(chat, id, (message) => {
      if (!message.outgoing || message.retracted || message.wireId === undefined) throw fail('policy', 'only own messages');
      return message.text === clean ? undefined : { kind: 'edit', ref: message.wireId, text: clean, lock: message.lock };
    });
  }

  async editsOf(chat: Address, id: string): Promise<readonly { text: string; at: number }[]> {
    const message = await this.account.db.read(['messages'], (tx) => getMessage(tx, id));
    return message?.chat === chat ? message.edits ?? [] : [];
  }

  async react(chat: Address, id: string, emojis: readonly string[]): Promise<void> {
    await this.deed(chat, id, (message, ref) => (message.retracted ? undefined : { kind: 'react', ref: known(ref), emojis: [...emojis] }));
  }

  /** Puts a message above the chat for everybody, or takes it from there. */
  async pin(chat: Address, id: string, pinned: boolean): Promise<void> {
    await this.deed(chat, id, (message, ref) => ((message.pinnedIn !== undefined) === pinned || message.retracted ? undefined : { kind: 'pin', ref: known(ref), pinned }));
  }

  /** All of one's answers to a question; none takes earlier ones back. */
  async vote(chat: Address, id: string, choices: readonly number[]): Promise<void> {
    await this.deed(chat, id, (message, ref) => {
      if (!message.poll || message.poll.closed) throw fail('policy', 'nobody may vote any more');
      const { options } = message.poll;
      return { kind: 'vote', ref: known(ref), choices: [...choices], text: `🗳️ ${choices.length === 0 ? '–' : choices.map((choice) => options[choice] ?? '').join(', ')}` };
    });
  }

  async closePoll(chat: Address, id: string): Promise<void> {
    await this.deed(chat, id, (message, ref) => {
      if (!message.outgoing || !message.poll) throw fail('policy', 'only own questions');
      return message.poll.closed ? undefined : { kind: 'close', ref: known(ref) };
    });
  }

  async retract(chat: Address, id: string): Promise<void> {
    await this.deed(chat, id, (message, ref) => {
      if (!message.outgoing) throw fail('policy', 'only own messages');
      return message.retracted ? undefined : { kind: 'retract', ref: known(ref) };
    });
  }

  /** Done here at once, and sent like a message: kept until the server has it. */
  private async deed(chat: Address, target: string, make: (message: MessageRecord, ref: string | undefined) => Deed | undefined): Promise<void> {
    const { refused, type } = this.world.way(chat);
    if (refused) throw new CoreError(refused);
    this.decided(chat);
    const id = crypto.randomUUID();
    const effects = new Effects();
    await this.account.db.write(STORES, async (tx) => {
      const message = await getMessage(tx, target);
      if (!message || message.chat !== chat) throw fail('not-found');
      const deed = make(message, refOf(message, type === 'groupchat'));
      if (!deed) return;
      // What went out in the clear says nothing of what is said of it later.
      const plain = message.lock === 'unencrypted' && (this.world.lock(chat) === 'unencrypted' || this.world.lock(chat) === 'unknown');
      if (!plain && this.world.undecided(chat)) throw fail('untrusted', 'a new device waits for a decision');
      const done = await perform(tx, { deed, chat, from: this.account.address, self: this.account.address, at: this.account.platform.clock.now(), id }, judgeOwn);
      if (typeof done === 'string') throw fail('policy', done);
      effects.message(done[0]);
      effects.chat(done[1]);
      await enqueue(tx, { message: id, chat, plain, deed });
    }, 'strict');
    effects.tell(this.chats, this.account.hub.emit);
    this.run(chat);
  }

  /** Who is asked to go on without encryption says first what shall be (XEP-0384 section 5.7). */
  private decided(chat: Address): void {
    if (openness(this.chats.of(chat)) === 'asked') throw fail('opt-out', 'whether to go on without encryption is not decided');
  }

  async retry(chat: Address, id: string): Promise<void> {
    this.decided(chat);
    const effects = new Effects();
    await this.account.db.write(STORES, async (tx) => {
      const message = await getMessage(tx, id);
      if (!message || message.chat !== chat || message.state !== 'failed') throw fail('not-found');
      const { reason: _, digest: __, ...rest } = message;
      // A new id on the wire: the old one may have been seen by somebody, and would be taken for a copy.
      const wireId = crypto.randomUUID();
      await tx.objectStore('messages').put({ ...rest, state: 'sending', wireId, origin: originKey(this.account.address, wireId) });
      await enqueue(tx, { message: id, chat, plain: message.lock === 'unencrypted' });
      const current = await getMessage(tx, id);
      if (current) {
        const [next, changed] = await update(tx, current, {});
        effects.message(next);
        effects.chat(changed);
      }
    }, 'strict');
    effects.tell(this.chats, this.account.hub.emit);
    this.run(chat);
  }

  async discard(chat: Address, id: string): Promise<void> {
    this.world.cancelUpload(id);
    const effects = new Effects();
    await this.account.db.write(STORES, async (tx) => {
      const message = await getMessage(tx, id);
      if (!message || message.chat !== chat) throw fail('not-found');
      await dequeue(tx, id);
      await tx.objectStore('files').delete(id);
      effects.chat(await remove(tx, message));
      effects.removed(message);
    });
    effects.tell(this.chats, this.account.hub.emit);
  }

  // ── session ──

  /** Everything missed has been fetched: what is still in the outbox did not arrive, and may be sent (again). */
  go(stream: Stream, resumed: boolean): void {
    this.stream = stream;
    // A resumed stream sends again what it was given; a new one knows nothing.
    if (!resumed) this.handed.clear();
    this.runAll();
  }

  dropped(): void {
    this.stream = undefined;
  }

  /** A group was entered (again), and what was said there is here: what is still in the outbox did not arrive. */
  entered(chat: Address): void {
    this.handed.delete(chat);
    this.run(chat);
  }

  /** Something changed that may let waiting messages go. */
  runAll(): void {
    if (!this.stream) return;
    void this.account.db.read(['outbox'], chatsWaiting).then((chats) => {
      for (const chat of chats) this.run(chat);
    }, (error: unknown) => log.warn('outbox not read', { code: reasonOf(error).code }));
  }

  /** One lane per chat: in order within it, and nobody waits for somebody else's keys. */
  private run(chat: Address): void {
    this.wanted.add(chat);
    if (!this.stream || this.busy.has(chat)) return;
    this.busy.add(chat);
    void this.lane(chat);
  }

  private async lane(chat: Address): Promise<void> {
    try {
      while (this.stream && this.wanted.delete(chat)) await this.drain(chat, this.stream);
    } catch (error) {
      log.warn('sending paused', { code: reasonOf(error).code });
      // While there is a connection, nobody else will say when to go on.
      this.account.platform.clock.after(RETRY, () => this.run(chat));
    } finally {
      this.busy.delete(chat);
    }
  }

  private async drain(chat: Address, stream: Stream): Promise<void> {
    for (;;) {
      const entry = await this.next(chat);
      if (!entry || this.stream !== stream || !this.world.way(chat).ready) return;
      // What was encrypted before may go; whoever decides lets the rest go.
      if (entry.stanza === undefined && openness(this.chats.of(chat)) === 'asked') return;
      try {
        await this.transmit(entry, stream);
      } catch (error) {
        // About this message: the person is told. About anything else: it waits.
        if (!(error instanceof CoreError) || error.reason.code === 'network' || this.mayPass(entry, error)) throw error;
        this.tries.delete(entry.message);
        await this.refuse(entry, error);
      }
    }
  }

  /**
   * No device, or none whose keys can be had: they may be on their way. Who has just joined makes them in the first seconds, and
   * that is when one is welcomed.
   */
  private mayPass(entry: OutboxRecord, error: CoreError): boolean {
    if (error.reason.code !== 'cannot-encrypt') return false;
    const tries = (this.tries.get(entry.message) ?? 0) + 1;
    this.tries.set(entry.message, tries);
    return tries < MAX_TRIES;
  }

  private next(chat: Address): Promise<OutboxRecord | undefined> {
    return this.account.db.read(['outbox'], (tx) => nextOut(tx, chat, this.handed.get(chat) ?? 0));
  }

  private async transmit(entry: OutboxRecord, stream: Stream): Promise<void> {
    const stanza = entry.stanza ?? await this.finish(entry);
    if (stanza === undefined || this.stream !== stream) return;
    if (entry.stanza !== undefined) await this.reposition(entry);
    // A group says itself that it has a message: it passes it on to us as well.
    stream.send(parse(stanza), this.world.way(entry.chat).type === 'chat' ? () => this.acknowledged(entry.message) : undefined);
    this.handed.set(entry.chat, entry.seq);
    this.tries.delete(entry.message);
  }

  /** A message that was finished in an earlier session goes behind what has come since. */
  private async reposition(entry: OutboxRecord): Promise<void> {
    const effects = new Effects();
    await this.account.db.write(STORES, async (tx) => {
      const message = await getMessage(tx, entry.message);
      if (message?.state !== 'sending') return;
      const [moved, chat] = await moveToEnd(tx, message);
      if (moved.order === message.order) return;
      effects.message(moved);
      effects.chat(chat);
    });
    effects.tell(this.chats, this.account.hub.emit);
  }

  /** Encrypts, and stores the finished stanza together with the sessions that it used up. */
  private async finish(entry: OutboxRecord): Promise<string | undefined> {
    if (entry.deed) return this.finishDeed(entry, entry.deed);
    let message = await this.account.db.read(['messages'], (tx) => getMessage(tx, entry.message));
    if (message?.file && message.text === '' && message.state === 'sending') message = await this.uploaded(message, message.file);
    if (!message || message.state !== 'sending') {
      await this.account.db.write(['outbox'], (tx) => dequeue(tx, entry.message));
      return undefined;
    }
    let stanza: string | undefined;
    const wire = wireContent(message, wireText(message, this.world.way(entry.chat).type === 'groupchat' ? entry.chat : undefined), this.world.mentioned(entry.chat, message.file?.caption ?? message.text));
    try {
      if (this.isOpen(entry)) throw fail('cannot-encrypt', 'not wanted');
      const caption = message.file?.caption;
      const inner = stickerFallback(message) ?? caption;
      // A device that has come since and has only 0.3: it shows both as a text.
      const text = caption === undefined ? wire.text : `${caption}\n${message.text}`;
      const saying = { ...wire, ...(text !== undefined && { text }), ...(inner !== undefined && { inner }), elements: [...wire.elements, ...fileElements(message), chatState('active')], outside: [...wire.outside, chatState('active')], id: message.wireId ?? message.id };
      await this.encryptor.encrypt(entry.chat, saying, STORES, async (tx, effects, { children, ...facts }) => {
        stanza = sendable(this.build(message, children));
        await this.ready(tx, effects, entry, stanza, facts);
      });
    } catch (error) {
      if (!entry.plain || !(error instanceof CoreError) || error.reason.code !== 'cannot-encrypt') throw sendError(error);
      // The person has agreed to send this one in the clear, and it cannot be sent otherwise.
      const text = sendable(this.build(message, [...(wire.text === undefined ? [] : [xml(NS.client, 'body', {}, wire.text)]), ...wire.elements, chatState('active')]));
      const effects = new Effects();
      await this.account.db.write(STORES, (tx) => this.ready(tx, effects, entry, text, { lock: 'unencrypted', level: 0 }), 'strict');
      effects.tell(this.chats, this.account.hub.emit);
      stanza = text;
    }
    return stanza;
  }

  /** It was written to go out in the clear, where that is for all: agreed with somebody, or in a public group, where not all could decrypt. */
  private isOpen({ plain, chat }: OutboxRecord): boolean {
    return plain && (openness(this.chats.of(chat)) === 'agreed' || (this.world.way(chat).type === 'groupchat' && this.world.lock(chat) === 'unencrypted'));
  }

  /** The address of its file becomes the text of the message, once the file is on the server. */
  private async uploaded(message: MessageRecord, file: FileFacts): Promise<MessageRecord | undefined> {
    let done: Uploaded;
    try {
      done = await this.world.upload(message, file);
    } catch (error) {
      throw sendError(error instanceof StanzaError ? new CoreError(reasonOf(error)) : error);
    }
    const effects = new Effects();
    const next = await this.account.db.write(STORES, async (tx) => {
      const current = await getMessage(tx, message.id);
      if (!current) return undefined;
      const [changed, chat] = await update(tx, current, { text: done.address, file: { ...file, sha256: done.sha256 } });
      effects.message(changed);
      effects.chat(chat);
      return changed;
    }, 'strict');
    effects.tell(this.chats, this.account.hub.emit);
    return next;
  }

  /** Like a message; OMEMO 0.3 protects only the text of a correction, and the rest stands beside it. */
  private async finishDeed(entry: OutboxRecord, deed: Deed): Promise<string> {
    const { chat, message: id } = entry;
    const build = (content: readonly XmlElement[]): string =>
      sendable(xml(NS.client, 'message', { to: chat, type: this.world.way(chat).type, id }, ...content, originId.write({ id })));
    const words = deedText(deed);
    let stanza = '';
    const keep = async (tx: Parameters<typeof update>[0]): Promise<void> => void await tx.objectStore('outbox').put({ ...entry, stanza });
    const inClear = async (content: readonly XmlElement[]): Promise<string> => {
      stanza = build(content);
      await this.account.db.write(STORES, keep, 'strict');
      return stanza;
    };
    const open = [words === undefined ? store.write({}) : xml(NS.client, 'body', {}, words), ...(deed.kind === 'vote' ? [deedElement(deed)] : deedOutside(deed))];
    if (this.isOpen(entry)) return inClear(open);
    const saying = { elements: [deedElement(deed)], outside: deedOutside(deed), id, ...(words !== undefined && { text: words }) };
    try {
      await this.encryptor.encrypt(chat, saying, STORES, async (tx, _, result) => {
        stanza = build(result.children);
        await keep(tx);
      });
    } catch (error) {
      if (!(error instanceof CoreError) || error.reason.code !== 'cannot-encrypt') throw sendError(error);
      if (entry.plain) return inClear(open);
      // Nobody can decrypt anything any more; what is taken back is taken back all the same.
      if (deed.kind !== 'retract') throw error;
      return inClear([store.write({}), ...deedOutside(deed)]);
    }
    return stanza;
  }

  private async ready(
    tx: Parameters<typeof update>[0], effects: Effects, entry: OutboxRecord, stanza: string, facts: Pick<MessageRecord, 'lock' | 'level' | 'device' | 'digest'>,
  ): Promise<void> {
    await tx.objectStore('outbox').put({ ...entry, stanza });
    const message = await getMessage(tx, entry.message);
    if (!message) return;
    // The archive will have it after everything that is here by now; it is not shown as sent yet, so it may move.
    const [moved, first] = await moveToEnd(tx, message);
    const [next, second] = await update(tx, moved, facts);
    effects.message(next);
    effects.chat(second ?? first);
  }

  private build(message: MessageRecord, content: readonly XmlElement[]): XmlElement {
    const id = message.wireId ?? message.id;
    const { type } = this.world.way(message.chat);
    return xml(NS.client, 'message', { to: message.chat, type, id },
      ...content, originId.write({ id }), message.timerSet !== undefined && store.write({}), type === 'chat' && receiptRequest.write({}), markable.write({}));
  }

  private async refuse(entry: OutboxRecord, error: CoreError): Promise<void> {
    const effects = new Effects();
    await this.account.db.write(STORES, async (tx) => {
      await dequeue(tx, entry.message);
      const message = await getMessage(tx, entry.message);
      if (message?.state !== 'sending') return;
      const [next, chat] = await update(tx, message, { state: 'failed', reason: error.reason });
      effects.message(next);
      effects.chat(chat);
    });
    effects.tell(this.chats, this.account.hub.emit);
  }

  // ── acknowledgements ──

  private acknowledged(id: string): void {
    this.acked.push(id);
    // Those that come together are written together.
    this.flushing ??= Promise.resolve().then(() => this.flush()).finally(() => { this.flushing = undefined; });
  }

  private async flush(): Promise<void> {
    while (this.acked.length > 0) {
      const ids = this.acked.splice(0);
      const effects = new Effects();
      try {
        await this.account.db.write(STORES, async (tx) => {
          for (const id of ids) {
            await dequeue(tx, id);
            const message = await getMessage(tx, id);
            if (message?.state !== 'sending') continue;
            const [next, chat] = await update(tx, message, { state: 'sent' });
            effects.message(next);
            effects.chat(chat);
          }
        });
      } catch (error) {
        // They stay in the outbox; the archive will tell that they arrived.
        log.warn('acknowledgement not stored', { code: reasonOf(error).code });
        return;
      }
      effects.tell(this.chats, this.account.hub.emit);
    }
  }

}

/** What no server would take is not sent: it would end the connection, and come again with the next one. */
function sendable(stanza: XmlElement): string {
  const text = serialise(stanza);
  if (text.length > MAX_STANZA || new TextEncoder().encode(text).length > MAX_STANZA) throw fail('too-large', `more than ${MAX_STANZA} bytes`);
  return text;
}

function known(ref: string | undefined): string {
  if (ref === undefined) throw fail('not-found', 'the others do not know it yet');
  return ref;
}

/** Network trouble is not this message's fault: it waits. */
function sendError(error: unknown): unknown {
  if (error instanceof CoreError || error instanceof ConnectionError) return error;
  if (error instanceof StanzaError && error.type === 'wait') return new ConnectionError(error.message);
  return error;
}
