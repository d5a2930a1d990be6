import type { Reason } from '../core/api';
import { Cell } from './cell';
import type { Clock } from './clock';

/** Something short that happened; goes away by itself unless it is an error, which stays until it is closed. */
export type Notice =
  | { readonly id: number; readonly kind: 'done'; readonly what: Done }
  | { readonly id: number; readonly kind: 'error'; readonly reason: Reason };

export type Done =
  | 'copied' | 'saved' | 'password-changed' | 'request-sent' | 'contact-added' | 'contact-removed'
  | 'blocked' | 'unblocked' | 'declined' | 'device-signed-out' | 'invited' | 'removed' | 'forwarded' | 'left-group' | 'account-deleted' | 'approved' | 'not-approved' | 'agreed' | 'refused' | 'reported' | 'sticker-added' | 'voice-lost';

const showFor = 4000;

export class NoticeStore extends Cell<readonly Notice[]> {
  readonly #clock: Clock;
  #next = 1;

  constructor(clock: Clock) {
    super([]);
    this.#clock = clock;
  }

  done(what: Done): void {
    const id = this.#next++;
    // The same again is said once.
    this.update((list) => [...list.filter((notice) => notice.kind !== 'done' || notice.what !== what), { id, kind: 'done', what }]);
    this.#clock.after(showFor, () => this.close(id));
  }

  error(reason: Reason): void {
    const same = this.get().find((notice) => notice.kind === 'error' && notice.reason.code === reason.code);
    if (same) this.close(same.id);
    const id = this.#next++;
    this.update((list) => [...list, { id, kind: 'error', reason }]);
  }

  /** What was told of this is no longer so. */
  over(code: Reason['code']): void {
    this.update((list) => list.filter((notice) => notice.kind !== 'error' || notice.reason.code !== code));
  }

  close(id: number): void {
    this.update((list) => list.filter((notice) => notice.id !== id));
  }
}
