/** What counts as new. The same on both sides of the seam: in the list of chats, at the icon, beside the other accounts. */
import type { Chat } from './chats';
import type { Contact } from './people';
import type { Address } from './session';

/**
 * Somebody wrote whom one does not know and has never answered: it is a request, and they see nothing of one until it is
 * accepted.
 */
export function isStranger(chat: Chat, contact: Contact | undefined): boolean {
  return chat.kind === 'direct' && chat.answered !== true && chat.last !== undefined && (contact === undefined || contact.relation === 'none' || contact.relation === 'request');
}

/** What of a chat counts as unread: of a muted one only what names one, where that is wanted. */
export function counted(chat: Chat): number {
  return chat.muted ? (chat.muted.exceptMentions ? chat.mentions : 0) : Math.max(chat.unread, chat.marked ? 1 : 0);
}

/** `unread`: new messages in the list of chats. `waiting`: those to oneself, and those in groups that name one. */
export function tallied(chats: Iterable<Chat>, contacts: ReadonlyMap<Address, Contact>): { unread: number; waiting: number } {
  let unread = 0, waiting = 0;
  for (const chat of chats) {
    const contact = contacts.get(chat.id);
    if (contact?.blocked || chat.archived || chat.group?.state === 'invited' || isStranger(chat, contact)) continue;
    const count = counted(chat);
    unread += count;
    waiting += chat.kind === 'group' ? Math.min(chat.mentions, count) : count;
  }
  return { unread, waiting };
}
