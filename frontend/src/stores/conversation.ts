import type { Address, Chat, Commands, Events, Message, Page, Place, Reason, SharedLocation, Sticker, VoiceDraft } from '../core/api';
import { Cell, type Readable } from './cell';
import type { Clock } from './clock';
import { toggled } from './emoji';
import { reasonOf } from './reason';
import { type Divider, layRows, noRows, type Rows } from './rows';
import { emptyTimeline, type Timeline, trimmed, withChanges, withNewer, withOlder } from './timeline';

export interface ConversationState {
  readonly status: 'loading' | 'ready' | 'failed';
  readonly reason?: Reason;
  readonly rows: Rows;
  /** Rows were added to or taken from the start by the latest change: the view keeps the distance to the end. */
  readonly shifted: boolean;
  readonly hasNewer: boolean;
  readonly loading: 'older' | 'newer' | undefined;
  /** The last thing that was written here, for screen readers. */
  readonly arrived: Message | undefined;
}

/**
 * What became of a message. `ask`: it cannot be encrypted, the person must agree to send it all the same;
 * `before`: earlier messages were encrypted.
 */
export type SendResult =
  | { readonly sent: 'yes' | 'nothing' }
  | { readonly sent: 'ask'; readonly before: boolean }
  | { readonly sent: 'no'; readonly reason: Reason };

type Core = Pick<Commands, 'page' | 'pinned' | 'pin' | 'placeAt' | 'message' | 'stageFiles' | 'stagedFiles' | 'stageVoice' | 'stagedVoice' | 'send' | 'sendFile' | 'sendLocation' | 'sendSticker' | 'edit' | 'react' | 'retract' | 'retry' | 'discard' | 'markRead' | 'setDraft' | 'setTyping' | 'focus'>;

const pageSize = 50;
const keepLoaded = 600;
const draftDelay = 400;
const readDelay = 150;
const typingPause = 5000;
const typingRepeat = 20_000;
/** The message that is answered or corrected; `before`: what stood in the composer, for when correcting is given up. */
export type Staged =
  | { readonly kind: 'reply'; readonly message: Message }
  | { readonly kind: 'edit'; readonly message: Message; readonly before: string };

/** An own message with a text can be corrected, also while it is on its way. */
export function mayCorrect(message: Message): boolean {
  return message.outgoing && message.state !== 'failed' && message.from !== '' && !message.retracted && !message.file && !message.poll && !message.location && message.problem === undefined;
}

/** What a recording of this type is called: the same for all, for a time of day would tell where one is. What it is, is told by the end. */
export function voiceName(type: string): string {
  const ends: Readonly<Record<string, string>> = { 'audio/mp4': 'm4a', 'audio/ogg': 'ogg', 'audio/webm': 'weba' };
  return `voice-message.${ends[type.split(';')[0]?.trim().toLowerCase() ?? ''] ?? 'm4a'}`;
}

/** The stretch of messages that a chat begins with. */
function opening(unread: number, readUpTo: number): { around?: number; limit: number } {
  return unread > 0 ? { around: readUpTo, limit: 2 * pageSize } : { limit: pageSize };
}

/** One open chat: the stretch of messages that is loaded, the draft, and what the person does with them. */
export class Conversation implements Readable<ConversationState> {
  readonly address: Address;
  readonly draft: Cell<string>;
  /** What the next message answers or corrects. */
  readonly staged = new Cell<Staged | undefined>(undefined);
  /** What waits to be sent. */
  readonly files = new Cell<readonly File[]>([]);
  /** A voice message that was recorded and waits to be heard, sent or deleted. */
  readonly voice = new Cell<VoiceDraft | undefined>(undefined);
  /** What stands above the chat, newest first. */
  readonly pinned = new Cell<readonly Message[]>([]);
  /** The messages whose maps the person has asked for: these are shown again when one comes back to them. */
  readonly mapped = new Set<string>();
  /** Where the person wants to be: the view goes there once it is loaded, and clears it. */
  readonly target = new Cell<Place | undefined>(undefined);

  readonly #core: Core;
  readonly #clock: Clock;
  readonly #chat: () => Chat;
  readonly #state: Cell<ConversationState>;
  #timeline: Timeline = emptyTimeline;
  #divider: Divider | undefined;
  /** Changes that arrive while a page is on its way, for it may have been read before them. */
  #meanwhile: { changed: Message[]; removed: string[] } | undefined;
  /** The connection came while a page was on its way, which may have been read without it. */
  #refill = false;
  #generation = 0;
  /** The person agreed, for as long as this page lives and nothing encrypted is said, to write without encryption here. */
  #unencryptedAgreed = false;
  #seen = 0;
  /** Up to where what has arrived is in the number at the divider. */
  #counted = 0;
  #marked = 0;
  #active = false;
  #entered = false;
  /** Where the person wants to be, until that is loaded. */
  #aimed: Place | undefined;
  #cancelRead: (() => void) | undefined;
  #cancelDraft: (() => void) | undefined;
  /** How many drafts are on their way to the database. */
  #storing = 0;
  #cancelTyping: (() => void) | undefined;
  #typingSince: number | undefined;

  constructor(core: Core, clock: Clock, address: Address, chat: () => Chat) {
    this.#core = core;
    this.#clock = clock;
    this.#chat = chat;
    this.address = address;
    this.draft = new Cell(chat().draft);
    this.#state = new Cell<ConversationState>({
      status: 'loading', rows: noRows, shifted: false, hasNewer: false, loading: undefined, arrived: undefined,
    });
  }

  get(): ConversationState {
    return this.#state.get();
  }

  subscribe(listener: () => void): () => void {
    return this.#state.subscribe(listener);
  }

  // ── coming and going ──

  /** The chat came to the front: loads what is needed and puts the divider before the first unread message. */
  async enter(): Promise<void> {
    void this.#core.focus(this.address).catch(() => undefined);
    const { unread, readUpTo, draft, draftReply, draftFiles, draftVoice } = this.#chat();
    // What is being stored is newer than what the list of chats tells.
    if (!this.#cancelDraft && this.#storing === 0) this.draft.set(draft);
    this.#entered = true;
    void this.#loadPinned();
    void this.#unpack(draftReply, draftFiles ?? 0, draftVoice === true);
    const aimed = this.#aimed;
    if (aimed) {
      this.#divider = undefined;
      await this.#reach(aimed);
      return;
    }
    this.#divider = unread > 0 ? { after: readUpTo, count: unread } : undefined;
    const last = this.#timeline.messages.at(-1);
    const loaded = this.#state.get().status === 'ready' && !this.#timeline.hasNewer;
    const dividerLoaded = unread === 0 || !this.#timeline.hasOlder || (this.#timeline.messages[0]?.order ?? Infinity) <= readUpTo;
    if (loaded && last && dividerLoaded) {
      this.#publish({});
      return;
    }
    await this.#load(opening(unread, readUpTo));
  }

  /** Loads what the chat shows first, so that it is there when the chat comes to the front. */
  async prepare(): Promise<void> {
    const { unread, readUpTo } = this.#chat();
    await this.#load(opening(unread, readUpTo));
  }

  /** What had been begun here before: what it answers, files, and what was recorded. */
  async #unpack(reply: string | undefined, files: number, voice: boolean): Promise<void> {
    try {
      if (reply !== undefined && !this.staged.get()) {
        const message = await this.#core.message(this.address, reply);
        if (message && !message.retracted && !this.staged.get()) this.staged.set({ kind: 'reply', message });
      }
      if (files > 0 && this.files.get().length === 0) this.files.set(await this.#core.stagedFiles(this.address));
      if (voice && !this.voice.get()) {
        const recorded = await this.#core.stagedVoice(this.address);
        // Meanwhile something else may have been recorded, or this one sent.
        if (!this.voice.get() && this.#chat().draftVoice) this.voice.set(recorded);
      }
    } catch {
      // Then it is begun anew.
    }
  }

  /** These files wait to be sent, also after a reload. */
  stage(files: readonly File[]): void {
    this.files.set(files);
    void this.#core.stageFiles(this.address, files).catch(() => undefined);
  }

  /** This recording waits to be sent, also after a reload; `undefined`: none does. Rejects where it cannot be kept. */
  async stageVoice(voice: VoiceDraft | undefined): Promise<void> {
    this.voice.set(voice);
    await this.#core.stageVoice(this.address, voice ?? null);
  }

  /** Another chat or place came to the front. */
  leave(): void {
    this.#entered = false;
    this.#aimed = undefined;
    this.target.set(undefined);
    void this.#core.focus(null).catch(() => undefined);
    this.stopTyping();
    this.flushDraft();
    this.#active = false;
    this.#divider = undefined;
    this.#publish({});
  }

  /** The person looks at this chat (window visible and in front), or stopped to. */
  setActive(active: boolean): void {
    this.#active = active;
    if (active) this.#scheduleRead();
  }

  async reload(): Promise<void> {
    await this.#load({ limit: pageSize });
  }

  /** There is a connection: a chat of which less than a page was here gets what the server has. */
  async connected(): Promise<void> {
    if (this.#meanwhile) this.#refill = true;
    else await this.#fill();
  }

  async #fill(): Promise<void> {
    this.#refill = false;
    const { messages } = this.#timeline;
    if (this.get().status !== 'ready' || !this.#hasOlder || messages.length >= pageSize) return;
    await (messages.length === 0 ? this.reload() : this.loadOlder());
  }

  async #load(bound: { around?: number; limit: number }): Promise<void> {
    const generation = ++this.#generation;
    this.#meanwhile = { changed: [], removed: [] };
    if (this.#timeline.messages.length === 0) this.#publish({ status: 'loading' });
    try {
      const page = await this.#core.page(this.address, bound);
      if (generation !== this.#generation) return;
      const pending = this.#timeline.messages.filter((message) => message.state === 'sending');
      this.#timeline = withChanges(
        { messages: page.messages, hasOlder: page.hasOlder, hasNewer: page.hasNewer },
        [...pending, ...this.#meanwhile.changed], this.#meanwhile.removed,
      );
      this.#meanwhile = undefined;
      this.#there();
      if (this.#refill) await this.#fill();
    } catch (error) {
      if (generation !== this.#generation) return;
      this.#meanwhile = undefined;
      if (this.#timeline.messages.length === 0) this.#publish({ status: 'failed', reason: reasonOf(error), loading: undefined });
    }
  }

  /** It was said before one came to the group, and was not for one: a chat begins when one comes. */
  #isBefore({ problem, at }: Message): boolean {
    return problem === 'not-for-this-device' && at < (this.#chat().group?.since ?? 0);
  }

  get #hasOlder(): boolean {
    const { messages: [first], hasOlder } = this.#timeline;
    return hasOlder && !(first && this.#isBefore(first));
  }

  async loadOlder(): Promise<void> {
    const first = this.#timeline.messages[0];
    if (!first || !this.#hasOlder) return;
    await this.#grow('older', { before: first.order, limit: pageSize }, (page) => {
      this.#timeline = withOlder(this.#timeline, page);
      this.#publish({ shifted: true });
      this.#trim('end');
    });
  }

  async loadNewer(): Promise<void> {
    const last = this.#timeline.messages.at(-1);
    if (!last || !this.#timeline.hasNewer) return;
    await this.#grow('newer', { after: last.order, limit: pageSize }, (page) => {
      this.#timeline = withNewer(this.#timeline, page);
      this.#publish({});
      this.#trim('start');
    });
  }

  async #grow(
    direction: 'older' | 'newer',
    bound: { before?: number; after?: number; limit: number },
    take: (page: Page) => void,
  ): Promise<void> {
    if (this.get().loading || this.get().status !== 'ready') return;
    const generation = this.#generation;
    this.#publish({ loading: direction });
    try {
      const page = await this.#core.page(this.address, bound);
      if (generation === this.#generation) take(page);
    } catch {
      // Reading on stops here; scrolling again asks again.
    } finally {
      this.#publish({ loading: undefined });
    }
  }

  #trim(from: 'start' | 'end', most = keepLoaded): void {
    const kept = trimmed(this.#timeline, most, from);
    if (kept === this.#timeline) return;
    this.#timeline = kept;
    this.#publish({ shifted: from === 'start' });
  }

  // ── what arrives ──

  apply({ changed, removed }: Events['messages']): void {
    if (changed.some((message) => message.lock !== 'unencrypted')) this.#unencryptedAgreed = false;
    const above = new Set(this.pinned.get().map((message) => message.id));
    if (changed.some((message) => message.pinned || above.has(message.id)) || removed.some((id) => above.has(id))) void this.#loadPinned();
    if (this.#meanwhile) {
      this.#meanwhile.changed.push(...changed);
      this.#meanwhile.removed.push(...removed);
    }
    const known = new Set(this.#timeline.messages.map((message) => message.id));
    const last = this.#timeline.messages.at(-1)?.order ?? 0;
    const arrived = changed.filter((message) => !message.outgoing && !message.came && !known.has(message.id) && message.order > last);
    this.#count(arrived.filter((message) => message.order > this.#counted), last);
    this.#timeline = withChanges(this.#timeline, changed, removed);
    this.#publish(arrived.length > 0 ? { arrived: arrived.at(-1) } : {});
    if (this.#timeline.messages.length <= 2 * keepLoaded) return;
    // Who sees the newest goes on with it; who does not stays where they are, and reads on from there.
    if (!this.#entered || this.#seen >= last) this.#trim('start');
    else this.#trim('end', 2 * keepLoaded);
  }

  /** Everything that is below the divider counts, until one has seen the end: what comes after that is read as it comes. */
  #count(arrived: readonly Message[], last: number): void {
    const [first] = arrived;
    if (!first) return;
    this.#counted = Math.max(...arrived.map((message) => message.order));
    if (this.#divider && (!this.#active || this.#timeline.hasNewer || this.#seen < last)) this.#divider = { ...this.#divider, count: this.#divider.count + arrived.length };
    else if (!this.#divider && !this.#active) this.#divider = { after: first.order - 0.5, count: arrived.length };
  }

  /** The message with this order was on the screen. It counts as read once the person looks. */
  seen(order: number): void {
    if (order <= this.#seen) return;
    this.#seen = order;
    this.#scheduleRead();
  }

  #scheduleRead(): void {
    if (!this.#active || this.#cancelRead) return;
    if (this.#seen <= Math.max(this.#marked, this.#chat().readUpTo)) return;
    this.#cancelRead = this.#clock.after(readDelay, () => {
      this.#cancelRead = undefined;
      if (!this.#active || this.#seen <= this.#marked) return;
      this.#marked = this.#seen;
      void this.#core.markRead(this.address, this.#marked).catch(() => undefined);
    });
  }

  // ── what the person writes ──

  /** The person knows that what is written here goes out as it is. */
  get #unencrypted(): boolean {
    return this.#unencryptedAgreed || this.#chat().optOut?.agreed === true;
  }

  /** Sends what is in the composer. The composer is empty at once; when the message is not taken, its text comes back. */
  async submit(agreed?: { readonly unencrypted: boolean }): Promise<SendResult> {
    const text = this.draft.get();
    if (text.trim() === '') return { sent: 'nothing' };
    if (agreed?.unencrypted) this.#unencryptedAgreed = true;
    if (this.#chat().lock === 'unencrypted' && !this.#unencrypted) return { sent: 'ask', before: this.#timeline.messages.some(({ lock }) => lock === 'encrypted' || lock === 'verified') };
    const staged = this.staged.get();
    if (staged?.kind === 'edit') return this.#correct(staged, text);
    this.staged.set(undefined);
    this.write('');
    this.flushDraft();
    const result = await this.#send(text, this.#unencrypted && (agreed?.unencrypted === true || this.#chat().lock === 'unencrypted'), staged?.message);
    if (result.sent !== 'yes' && this.draft.get() === '') {
      this.write(text);
      this.staged.set(staged);
    }
    return result;
  }

  async #correct(staged: Extract<Staged, { kind: 'edit' }>, text: string): Promise<SendResult> {
    this.unstage();
    try {
      await this.#core.edit(this.address, staged.message.id, text.trim());
      return { sent: 'yes' };
    } catch (error) {
      this.staged.set(staged);
      this.write(text);
      return { sent: 'no', reason: reasonOf(error) };
    }
  }

  /**
   * Sends what waits, one after the other: the first as the answer that was being written, if one was, and with the last what stands
   * in the composer. What was not taken waits on.
   */
  async share(prepare: (file: File) => Promise<{ readonly data: Blob; readonly name: string; readonly width?: number; readonly height?: number }>): Promise<SendResult> {
    const staged = this.staged.get();
    let answered = staged?.kind === 'reply' ? staged.message : undefined;
    let sent: SendResult = { sent: 'nothing' };
    try {
      if (this.#timeline.hasNewer) await this.reload();
      for (let file = this.files.get()[0]; file; file = this.files.get()[0]) {
        const { data, ...facts } = await prepare(file);
        const waiting = this.files.get();
        if (!waiting.includes(file)) continue; // it was taken away meanwhile
        const caption = waiting.length === 1 && staged?.kind !== 'edit' ? this.draft.get().trim() : '';
        const stored = await this.#core.sendFile(this.address, data, { id: crypto.randomUUID(), ...facts, ...(caption !== '' && { caption }), ...(answered && { replyTo: answered.id }) });
        this.apply({ chat: this.address, changed: [stored], removed: [] });
        sent = { sent: 'yes' };
        this.stage(this.files.get().filter((one) => one !== file));
        if (caption !== '') {
          this.write('');
          this.flushDraft();
        }
        if (answered && this.staged.get() === staged) this.unstage();
        answered = undefined;
      }
      return sent;
    } catch (error) {
      return { sent: 'no', reason: reasonOf(error) };
    }
  }

  /** Sends what was recorded, as the answer that was being written, if one was. When it is not taken, it is still there. */
  async sendVoice(voice: VoiceDraft): Promise<SendResult> {
    const staged = this.staged.get();
    const answered = staged?.kind === 'reply' ? staged.message : undefined;
    try {
      if (this.#timeline.hasNewer) await this.reload();
      const stored = await this.#core.sendFile(this.address, voice.data, {
        id: crypto.randomUUID(), name: voiceName(voice.data.type), length: Math.round(voice.length), voice: { levels: voice.levels }, ...(answered && { replyTo: answered.id }),
      });
      this.apply({ chat: this.address, changed: [stored], removed: [] });
      if (answered && this.staged.get() === staged) this.unstage();
      await this.stageVoice(undefined).catch(() => undefined);
      return { sent: 'yes' };
    } catch (error) {
      await this.stageVoice(voice).catch(() => undefined);
      return { sent: 'no', reason: reasonOf(error) };
    }
  }

  /** Sends a sticker at once, as the answer that was being written, if one was. */
  async sendSticker(sticker: Sticker): Promise<SendResult> {
    const staged = this.staged.get();
    const answered = staged?.kind === 'reply' ? staged.message : undefined;
    if (answered) this.unstage();
    try {
      if (this.#timeline.hasNewer) await this.reload();
      const stored = await this.#core.sendSticker(this.address, sticker.id, { id: crypto.randomUUID(), ...(answered && { replyTo: answered.id }) });
      this.apply({ chat: this.address, changed: [stored], removed: [] });
      return { sent: 'yes' };
    } catch (error) {
      if (answered && !this.staged.get()) this.answer(answered);
      return { sent: 'no', reason: reasonOf(error) };
    }
  }

  async sendLocation(location: SharedLocation): Promise<SendResult> {
    try {
      if (this.#timeline.hasNewer) await this.reload();
      const stored = await this.#core.sendLocation(this.address, location, { id: crypto.randomUUID() });
      this.apply({ chat: this.address, changed: [stored], removed: [] });
      return { sent: 'yes' };
    } catch (error) {
      return { sent: 'no', reason: reasonOf(error) };
    }
  }

  /** The next message answers this one. */
  answer(message: Message): void {
    this.unstage();
    this.staged.set({ kind: 'reply', message });
    this.#keep();
  }

  /** An own message comes back into the composer, to be corrected. */
  correct(message: Message): void {
    this.unstage();
    this.staged.set({ kind: 'edit', message, before: this.draft.get() });
    this.write(message.text);
  }

  /** The newest message, if it is one's own and can be corrected. */
  lastWord(): Message | undefined {
    const last = this.#timeline.messages.at(-1);
    return last && !this.#timeline.hasNewer && mayCorrect(last) ? last : undefined;
  }

  unstage(): void {
    const staged = this.staged.get();
    this.staged.set(undefined);
    if (staged?.kind === 'edit') this.write(staged.before);
    else if (staged) this.#keep();
  }

  react(message: Message, emoji: string): Promise<void> {
    const own = (message.reactions ?? []).filter((reaction) => reaction.own).map((reaction) => reaction.emoji);
    return this.#core.react(this.address, message.id, toggled(own, emoji));
  }

  pin(message: Message): Promise<void> {
    return this.#core.pin(this.address, message.id, !message.pinned);
  }

  async #loadPinned(): Promise<void> {
    try {
      this.pinned.set(await this.#core.pinned(this.address));
    } catch {
      // It is tried again when the chat is entered.
    }
  }

  retract(id: string): Promise<void> {
    return this.#core.retract(this.address, id);
  }

  // ── going somewhere ──

  /** Leads to a message, now or when the chat is entered. */
  async aim(place: Place): Promise<void> {
    this.#aimed = place;
    if (this.#entered) await this.#reach(place);
  }

  /** Leads to a message of which only the id is known; false when it is not here. */
  async reveal(id: string): Promise<boolean> {
    const here = this.#timeline.messages.find((message) => message.id === id);
    const place = here ? { id, order: here.order } : await this.#core.message(this.address, id).catch(() => undefined);
    if (place) await this.aim(place);
    return place !== undefined;
  }

  /** Leads to the first message from a time on; false when there is none. */
  async revealDate(at: number): Promise<boolean> {
    const place = await this.#core.placeAt(this.address, at);
    if (place) await this.aim(place);
    return place !== undefined;
  }

  /** What is wanted is loaded: the view goes there. */
  #there(): void {
    const aimed = this.#aimed;
    this.#aimed = undefined;
    if (aimed) this.target.set({ ...aimed });
    this.#publish({ status: 'ready', loading: undefined });
  }

  async #reach(place: Place): Promise<void> {
    const { order } = place;
    const { messages, hasOlder, hasNewer } = this.#timeline;
    const first = messages[0], last = messages.at(-1);
    const within = first !== undefined && last !== undefined && (order >= first.order || !hasOlder) && (order <= last.order || !hasNewer);
    if (within && this.get().status === 'ready') this.#there();
    else await this.#load({ around: order, limit: 2 * pageSize });
  }

  /** Shows the message at once; it leaves the list again when the core does not take it. */
  async #send(text: string, allowUnencrypted: boolean, answered?: Message): Promise<SendResult> {
    const id = crypto.randomUUID();
    if (this.#timeline.hasNewer) await this.reload();
    const last = this.#timeline.messages.at(-1);
    const lock = this.#chat().lock;
    const shown: Message = {
      id, chat: this.address, from: '', outgoing: true, text: text.trim(),
      order: (last?.order ?? 0) + 0.001, at: this.#clock.now(), state: 'sending', known: false,
      ...(answered && { reply: { id: answered.id, from: answered.from, text: answered.text, ...(answered.name !== undefined && { name: answered.name }) } }),
      lock: allowUnencrypted ? 'unencrypted' : lock === 'verified' ? 'verified' : 'encrypted',
    };
    this.stopTyping();
    this.#timeline = withChanges({ ...this.#timeline, hasNewer: false }, [shown], []);
    this.#publish({ status: 'ready' });
    try {
      const stored = await this.#core.send(this.address, shown.text, { id, ...(allowUnencrypted ? { allowUnencrypted } : {}), ...(answered && { replyTo: answered.id }) });
      // Events may have told more of it by now; they are newer than this answer.
      const now = this.#timeline.messages.find((message) => message.id === id);
      if (now === shown) this.apply({ chat: this.address, changed: [stored], removed: [] });
      return { sent: 'yes' };
    } catch (error) {
      this.apply({ chat: this.address, changed: [], removed: [id] });
      const reason = reasonOf(error);
      // What is said in a private group never leaves it in the clear.
      if (reason.code === 'cannot-encrypt' && this.#chat().group?.privacy !== 'private') return { sent: 'ask', before: lock === 'encrypted' || lock === 'verified' };
      return { sent: 'no', reason };
    }
  }

  /** Sends a message again that was refused because it could not be encrypted, this time without. */
  async resendUnencrypted(message: Message): Promise<SendResult> {
    const result = await this.#send(message.text, true);
    if (result.sent === 'yes') await this.discard(message.id);
    return result;
  }

  retry(id: string): Promise<void> {
    return this.#core.retry(this.address, id);
  }

  discard(id: string): Promise<void> {
    return this.#core.discard(this.address, id);
  }

  write(text: string): void {
    this.draft.set(text);
    this.#keep();
    if (text.trim() === '') this.stopTyping();
    else this.#typed();
  }

  /** What stands in the composer is stored soon. */
  #keep(): void {
    this.#cancelDraft?.();
    this.#cancelDraft = this.#clock.after(draftDelay, () => this.flushDraft());
  }

  /** Stores the draft now: the chat or the page is being left. */
  flushDraft(): void {
    if (!this.#cancelDraft) return;
    this.#cancelDraft();
    this.#cancelDraft = undefined;
    this.#storing++;
    const staged = this.staged.get();
    // What is being corrected was sent already: the draft is what stood there before.
    const [text, reply] = staged?.kind === 'edit' ? [staged.before, undefined] : [this.draft.get(), staged?.message.id];
    void this.#core.setDraft(this.address, text, ...(reply === undefined ? [] : [reply])).catch(() => undefined).finally(() => { this.#storing--; });
  }

  #typed(): void {
    const now = this.#clock.now();
    if (this.#typingSince === undefined || now - this.#typingSince > typingRepeat) {
      this.#typingSince = now;
      void this.#core.setTyping(this.address, true).catch(() => undefined);
    }
    this.#cancelTyping?.();
    this.#cancelTyping = this.#clock.after(typingPause, () => this.stopTyping());
  }

  stopTyping(): void {
    this.#cancelTyping?.();
    this.#cancelTyping = undefined;
    if (this.#typingSince === undefined) return;
    this.#typingSince = undefined;
    void this.#core.setTyping(this.address, false).catch(() => undefined);
  }

  #publish(part: Partial<ConversationState>): void {
    const old = this.#state.get();
    const rows = layRows(this.#timeline.messages.filter((message) => !this.#isBefore(message)), { hasOlder: this.#hasOlder, divider: this.#divider }, old.rows);
    const same = rows.keys.length === old.rows.keys.length
      && rows.keys.every((key, i) => key === old.rows.keys[i] && rows.byKey.get(key) === old.rows.byKey.get(key));
    this.#state.set({
      ...old, shifted: false, hasNewer: this.#timeline.hasNewer, ...part,
      rows: same ? old.rows : rows,
    });
  }
}
