import type { Reason } from '../core/api';
import { Cell } from './cell';
import { reasonOf } from './reason';

export type Loaded<T> =
  | { readonly status: 'loading' }
  | { readonly status: 'ready'; readonly value: T }
  | { readonly status: 'failed'; readonly reason: Reason };

/** Something asked of the core: it stays on the screen while it is asked for again. */
export class Resource<T> extends Cell<Loaded<T>> {
  readonly #fetch: () => Promise<T>;
  #turn = 0;

  constructor(fetch: () => Promise<T>) {
    super({ status: 'loading' });
    this.#fetch = fetch;
    void this.load();
  }

  async load(): Promise<void> {
    const turn = ++this.#turn;
    if (this.get().status === 'failed') this.set({ status: 'loading' });
    try {
      const value = await this.#fetch();
      if (turn === this.#turn) this.set({ status: 'ready', value });
    } catch (error) {
      if (turn === this.#turn && this.get().status !== 'ready') this.set({ status: 'failed', reason: reasonOf(error) });
    }
  }
}
