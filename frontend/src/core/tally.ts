/** What is new in one account, kept up by what its pages are told. */
import { tallied, type Address, type Chat, type Contact, type Events } from './api';

export class Tally {
  private readonly chats = new Map<Address, Chat>();
  private readonly contacts = new Map<Address, Contact>();

  /** Changed chats; gives those of which all has been read by it. */
  chatsChanged({ changed, removed }: Events['chats']): readonly Address[] {
    const read = changed.filter((chat) => chat.unread === 0 && (this.chats.get(chat.id)?.unread ?? 0) > 0).map((chat) => chat.id);
    for (const chat of changed) this.chats.set(chat.id, chat);
    const gone = removed.filter((id) => (this.chats.get(id)?.unread ?? 0) > 0);
    for (const id of removed) this.chats.delete(id);
    return [...read, ...gone];
  }

  contactsChanged({ changed, removed }: Events['contacts']): void {
    for (const contact of changed) this.contacts.set(contact.address, contact);
    for (const address of removed) this.contacts.delete(address);
  }

  get counts(): { readonly unread: number; readonly waiting: number } {
    return tallied(this.chats.values(), this.contacts);
  }

  /** Chats in which there is something new. */
  get unread(): readonly Address[] {
    return [...this.chats.values()].filter((chat) => chat.unread > 0).map((chat) => chat.id);
  }
}
