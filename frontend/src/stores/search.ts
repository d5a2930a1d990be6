import type { Address, Commands, FoundMessage } from '../core/api';
import { Cell } from './cell';
import type { Clock } from './clock';

export interface SearchState {
  /** Of what is shown. */
  readonly query: string;
  readonly messages: readonly FoundMessage[];
  readonly more: boolean;
  /** Something else was typed meanwhile, or more is being looked for. */
  readonly busy: boolean;
}

const nothing: SearchState = { query: '', messages: [], more: false, busy: false };
const pause = 120;
const firstLimit = 30;
/** One letter is in nearly every message. */
const shortest = 2;
const unspaced = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]/u;

/** Looks for messages while somebody types: everywhere, or in one chat. The latest question alone is answered. */
export class MessageSearch extends Cell<SearchState> {
  readonly #core: Pick<Commands, 'findMessages'>;
  readonly #clock: Clock;
  readonly #chat: Address | undefined;
  #wanted = '';
  #limit = firstLimit;
  #cancel: (() => void) | undefined;

  constructor(core: Pick<Commands, 'findMessages'>, clock: Clock, chat?: Address) {
    super(nothing);
    this.#core = core;
    this.#clock = clock;
    this.#chat = chat;
  }

  ask(text: string): void {
    const query = text.trim();
    if (query === this.#wanted) return;
    this.#wanted = query;
    this.#limit = firstLimit;
    this.#cancel?.();
    this.#cancel = undefined;
    if (query.length < shortest && !unspaced.test(query)) {
      this.set(nothing);
      return;
    }
    this.set({ ...this.get(), busy: true });
    this.#cancel = this.#clock.after(pause, () => void this.#look());
  }

  /** More of the same. */
  async more(): Promise<void> {
    const { more, busy } = this.get();
    if (!more || busy) return;
    this.#limit *= 4;
    this.set({ ...this.get(), busy: true });
    await this.#look();
  }

  async #look(): Promise<void> {
    const query = this.#wanted, limit = this.#limit;
    try {
      const { messages, more } = await this.#core.findMessages(query, { limit, ...(this.#chat !== undefined && { chat: this.#chat }) });
      if (query === this.#wanted && limit === this.#limit) this.set({ query, messages, more, busy: false });
    } catch {
      if (query === this.#wanted) this.set({ ...nothing, query });
    }
  }
}

/** A text in parts, of which some are what was looked for. */
export function markedParts(text: string, marks: readonly (readonly [number, number])[]): readonly { readonly text: string; readonly hit: boolean }[] {
  const parts: { text: string; hit: boolean }[] = [];
  let at = 0;
  for (const [from, to] of marks) {
    if (from > at) parts.push({ text: text.slice(at, from), hit: false });
    parts.push({ text: text.slice(from, to), hit: true });
    at = to;
  }
  if (at < text.length) parts.push({ text: text.slice(at), hit: false });
  return parts;
}
