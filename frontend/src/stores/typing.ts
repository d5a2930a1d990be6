import type { Address, Events } from '../core/api';
import { Cell } from './cell';
import type { Clock } from './clock';

/** XEP-0085 has no end for "composing" when the other side vanishes; after this it is forgotten. */
const forgetAfter = 30_000;

/** Who is writing to us right now. */
export class TypingStore extends Cell<ReadonlySet<Address>> {
  readonly #clock: Clock;
  readonly #timers = new Map<Address, () => void>();

  constructor(clock: Clock) {
    super(new Set());
    this.#clock = clock;
  }

  apply({ chat, typing }: Events['typing']): void {
    this.#timers.get(chat)?.();
    this.#timers.delete(chat);
    if (typing) this.#timers.set(chat, this.#clock.after(forgetAfter, () => this.apply({ chat, typing: false })));
    if (typing === this.get().has(chat)) return;
    const next = new Set(this.get());
    if (typing) next.add(chat);
    else next.delete(chat);
    this.set(next);
  }
}
