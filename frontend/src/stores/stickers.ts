import type { Commands, Sticker } from '../core/api';
import { Cell } from './cell';
import { reasonOf } from './reason';
import type { Loaded } from './resource';

/** So many one may have. */
export const mostStickers = 200;

/** The stickers that one has, those used last first; asked for when somebody looks, and from then on whenever they change. */
export class StickerShelf extends Cell<Loaded<readonly Sticker[]>> {
  readonly #core: Pick<Commands, 'stickers'>;
  #looked = false;
  #turn = 0;

  constructor(core: Pick<Commands, 'stickers'>) {
    super({ status: 'loading' });
    this.#core = core;
  }

  async load(): Promise<void> {
    this.#looked = true;
    const turn = ++this.#turn;
    if (this.get().status === 'failed') this.set({ status: 'loading' });
    try {
      const value = await this.#core.stickers();
      if (turn === this.#turn) this.set({ status: 'ready', value });
    } catch (error) {
      if (turn === this.#turn && this.get().status !== 'ready') this.set({ status: 'failed', reason: reasonOf(error) });
    }
  }

  /** They changed, here or elsewhere. */
  apply(): void {
    if (this.#looked) void this.load();
  }

  /** Another account, or none. */
  clear(): void {
    this.#looked = false;
    this.#turn++;
    this.set({ status: 'loading' });
  }
}
