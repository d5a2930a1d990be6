import type { Address, Events } from '../core/api';
import { Cell } from './cell';
import type { Clock } from './clock';

/** XEP-0085 has no end for "composing" when the other side vanishes; after this it is forgotten. */
const forgetAfter = 30_000;

export type Writing = ReadonlyMap<Address, readonly Address[]>;

const nobody: readonly Address[] = [];

/** Who is writing right now, by chat. */
export class TypingStore extends Cell<Writing> {
  readonly #clock: Clock;
  readonly #timers = new Map<string, () => void>();

  constructor(clock: Clock) {
    super(new Map());
    this.#clock = clock;
  }

  apply({ chat, from, typing }: Events['typing']): void {
    const key = `${chat}\n${from}`;
    this.#timers.get(key)?.();
    this.#timers.delete(key);
    if (typing) this.#timers.set(key, this.#clock.after(forgetAfter, () => this.apply({ chat, from, typing: false })));
    const before = this.get().get(chat) ?? nobody;
    if (typing === before.includes(from)) return;
    const now = typing ? [...before, from] : before.filter((one) => one !== from);
    const next = new Map(this.get());
    if (now.length > 0) next.set(chat, now);
    else next.delete(chat);
    this.set(next);
  }

  clear(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.set(new Map());
  }
}
