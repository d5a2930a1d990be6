import type { Address } from '../core/api';

export interface NotificationHost {
  /** Shows it, in the place of one with the same tag. */
  show(notification: AppNotification): void;
  /** Takes it away. */
  close(tag: string): void;
  /** What is said while no page is open: that there is something. */
  words(title: string, body: string): void;
  /** The person is here and sees for themselves. */
  looked(): void;
}

export interface AppNotification {
  readonly tag: string;
  readonly title: string;
  readonly body: string;
  /** Where a click leads. */
  readonly path: string;
}

/** Under this its notification is found again: another account may have a chat with the same person. */
export function tagOf(account: Address, chat: Address): string {
  return `${account} ${chat}`;
}
