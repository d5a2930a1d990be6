import type { Readable } from './cell';
import { type Chats, counted, isStranger } from './chats';
import type { Contacts } from './contacts';

/** What somebody may be waiting for an answer to: unread messages to oneself, and those in groups that name one. */
export function badgeCount(chats: Chats, contacts: Contacts): number {
  let count = 0;
  for (const chat of chats.values()) {
    const contact = contacts.get(chat.id);
    if (contact?.blocked || chat.archived || isStranger(chat, contact)) continue;
    count += chat.kind === 'group' ? Math.min(chat.mentions, counted(chat)) : counted(chat);
  }
  return count;
}

/** Keeps the number at the icon right. */
export function followBadge(chats: Readable<Chats>, contacts: Readable<Contacts>, badge: (count: number) => void): void {
  let shown = -1;
  const follow = (): void => {
    const count = badgeCount(chats.get(), contacts.get());
    if (count === shown) return;
    shown = count;
    badge(count);
  };
  chats.subscribe(follow);
  contacts.subscribe(follow);
}
