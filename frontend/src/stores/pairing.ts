import type { Address, Commands, DeviceLink, Events, Reason } from '../core/api';
import { Cell } from './cell';
import type { Clock } from './clock';
import { reasonOf } from './reason';

/** The device that shows the code: the link, then who opened it, then done. */
export type ShownState =
  | { readonly step: 'making' }
  | { readonly step: 'waiting'; readonly link: DeviceLink }
  | { readonly step: 'opened'; readonly link: DeviceLink; readonly number: string; readonly device: string; readonly busy: boolean }
  | { readonly step: 'done'; readonly device: string }
  | { readonly step: 'over' }
  | { readonly step: 'failed'; readonly reason: Reason };

export class ShownLink extends Cell<ShownState> {
  readonly #core: Pick<Commands, 'createDeviceLink' | 'answerDeviceLink'>;
  readonly #clock: Clock;
  #cancel: () => void = () => undefined;
  #turn = 0;

  constructor(core: Pick<Commands, 'createDeviceLink' | 'answerDeviceLink'>, clock: Clock) {
    super({ step: 'making' });
    this.#core = core;
    this.#clock = clock;
    void this.make();
  }

  async make(): Promise<void> {
    const turn = ++this.#turn;
    this.#cancel();
    this.set({ step: 'making' });
    try {
      const link = await this.#core.createDeviceLink();
      if (turn !== this.#turn) return;
      this.set({ step: 'waiting', link });
      this.#cancel = this.#clock.after(Math.max(0, link.expires - this.#clock.now()), () => this.set({ step: 'over' }));
    } catch (error) {
      if (turn === this.#turn) this.set({ step: 'failed', reason: reasonOf(error) });
    }
  }

  opened({ token, number, device }: Events['pairing']): void {
    const now = this.get();
    if (now.step !== 'waiting' || now.link.token !== token) return;
    this.#cancel();
    this.set({ step: 'opened', link: now.link, number, device, busy: false });
  }

  async answer(agreed: boolean): Promise<void> {
    const now = this.get();
    if (now.step !== 'opened' || now.busy) return;
    this.set({ ...now, busy: true });
    try {
      await this.#core.answerDeviceLink(now.link.token, agreed);
      this.set(agreed ? { step: 'done', device: now.device } : { step: 'over' });
    } catch (error) {
      this.set({ step: 'failed', reason: reasonOf(error) });
    }
  }

  /** Nobody looks any more: what was not agreed to is not agreed to later. */
  close(): void {
    this.#turn++;
    this.#cancel();
    const now = this.get();
    if (now.step === 'waiting' || (now.step === 'opened' && !now.busy)) void this.#core.answerDeviceLink(now.link.token, false).catch(() => undefined);
  }
}

/** The new device: whose account, the number to compare, and waiting for the answer. */
export type OpenedState =
  | { readonly step: 'opening' }
  | { readonly step: 'waiting'; readonly address: Address; readonly number: string }
  | { readonly step: 'done' }
  | { readonly step: 'failed'; readonly reason: Reason };

export class OpenedLink extends Cell<OpenedState> {
  constructor(core: Pick<Commands, 'openDeviceLink' | 'awaitDeviceLink'>, token: string) {
    super({ step: 'opening' });
    void this.#run(core, token);
  }

  async #run(core: Pick<Commands, 'openDeviceLink' | 'awaitDeviceLink'>, token: string): Promise<void> {
    try {
      this.set({ step: 'waiting', ...await core.openDeviceLink(token) });
      await core.awaitDeviceLink(token);
      this.set({ step: 'done' });
    } catch (error) {
      this.set({ step: 'failed', reason: reasonOf(error) });
    }
  }
}
