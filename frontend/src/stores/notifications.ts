import type { Address } from '../core/api';
import type { Readable } from './cell';
import type { Chats } from './chats';

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

/** What was read, here or elsewhere, need not be told any more. */
export function closeWhenRead(chats: Readable<Chats>, host: NotificationHost): void {
  let unread = new Set<Address>();
  chats.subscribe(() => {
    const now = new Set<Address>();
    for (const chat of chats.get().values()) if (chat.unread > 0) now.add(chat.id);
    for (const chat of unread) if (!now.has(chat)) host.close(chat);
    unread = now;
  });
}
