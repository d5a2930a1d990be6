import { counted, isStranger, type Address, type Chat, type Contact, type Events } from '../core/api';
import { Cell } from './cell';
import { byName, type Contacts, requests, shownName } from './contacts';

export { counted, isStranger };

export type Chats = ReadonlyMap<Address, Chat>;

/** All chats by id. */
export class ChatsStore extends Cell<Chats> {
  constructor() {
    super(new Map());
  }

  reset(chats: readonly Chat[]): void {
    this.set(new Map(chats.map((chat) => [chat.id, chat])));
  }

  apply({ changed, removed }: Events['chats']): void {
    const next = new Map(this.get());
    for (const chat of changed) next.set(chat.id, chat);
    for (const id of removed) next.delete(id);
    this.set(next);
  }
}

/** The chat with somebody, also when nothing was ever written. */
export function chatWith(chats: Chats, contacts: Contacts, address: Address): Chat {
  const title = shownName(contacts.get(address), address);
  const chat = chats.get(address);
  if (chat) return chat.title ? chat : { ...chat, title };
  return {
    id: address, kind: 'direct', title, lock: 'unknown',
    unread: 0, mentions: 0, readUpTo: 0, draft: '', activeAt: 0, hasOlder: true,
  };
}

/** What the list pane shows, top to bottom. */
export interface Inbox {
  /** People who ask to be contacts, and groups that one is asked to. */
  readonly requests: number;
  readonly invitations: number;
  /** People who wrote without being known: their chats. Part of `requests`. */
  readonly strangers: readonly Address[];
  /** Those that are pinned before the others, each newest first. */
  readonly chats: readonly Address[];
  /** Contacts to whom nobody has written yet, by name. */
  readonly people: readonly Address[];
  /** Put away, newest first. */
  readonly archived: readonly Address[];
  /** Of what is not muted. */
  readonly unread: number;
}

export function inbox(chats: Chats, contacts: Contacts): Inbox {
  const shown: Chat[] = [];
  const archived: Chat[] = [];
  const strangers: Chat[] = [];
  let unread = 0;
  let invitations = 0;
  for (const chat of chats.values()) {
    if (contacts.get(chat.id)?.blocked) continue;
    if (chat.group?.state === 'invited') {
      invitations += 1;
      continue;
    }
    const contact = contacts.get(chat.id);
    if (isStranger(chat, contact)) {
      if (contact?.relation !== 'request') strangers.push(chat);
      continue;
    }
    const belongs = chat.group !== undefined && (chat.group.state === 'here' || chat.group.state === 'joining' || chat.group.state === 'out');
    if (chat.archived) {
      archived.push(chat);
      continue;
    }
    unread += counted(chat);
    if (chat.last || chat.draft || chat.draftFiles || chat.draftVoice || chat.unread > 0 || belongs || chat.pinned || chat.marked) shown.push(chat);
  }
  const newest = (a: Chat, b: Chat): number => b.activeAt - a.activeAt;
  shown.sort((a, b) => Number(b.pinned === true) - Number(a.pinned === true) || newest(a, b));
  const listed = new Set([...shown, ...archived, ...strangers].map((chat) => chat.id));
  const people: Contact[] = [];
  for (const contact of contacts.values()) {
    const known = contact.relation === 'mutual' || contact.relation === 'pending';
    if (known && !contact.blocked && !listed.has(contact.address)) people.push(contact);
  }
  people.sort((a, b) => byName(shownName(a, a.address), shownName(b, b.address)));
  return {
    requests: requests(contacts).length + invitations + strangers.length,
    strangers: strangers.sort(newest).map((chat) => chat.id),
    archived: archived.sort(newest).map((chat) => chat.id),
    invitations,
    chats: shown.map((chat) => chat.id),
    people: people.map((contact) => contact.address),
    unread,
  };
}
