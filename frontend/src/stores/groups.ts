import type { Address, Chat, Contact, Group, Member, Message, Role } from '../core/api';
import { isStranger } from './chats';
import { byName, type Contacts, shownName } from './contacts';
import { score } from './fuzzy';

/** What a group is to those who look at it. Pure functions; the views show what they give. */

/** What somebody in a group is called: as one calls a contact, else as they call themselves there. */
export function senderName(contacts: Contacts, from: Address, name: string | undefined): string {
  const contact = contacts.get(from);
  const known = contact !== undefined && contact.relation !== 'none' && contact.relation !== 'request';
  return known || name === undefined ? shownName(contact, nameless(from)) : name;
}

/** Of somebody of whom only the name in the group is known, that name. */
function nameless(from: Address): Address {
  const slash = from.indexOf('/');
  return slash < 0 ? from : from.slice(slash + 1);
}

export function authorOf(contacts: Contacts, chat: Chat, message: Message): string {
  return chat.kind === 'group' ? senderName(contacts, message.from, message.name) : chat.title;
}

/** One can write in this chat, now or as soon as there is a connection. */
export function mayWrite(chat: Chat, contact: Contact | undefined): boolean {
  if (chat.kind === 'group') return chat.group?.state === 'here' || chat.group?.state === 'joining' || chat.group?.state === 'out';
  return contact?.blocked !== true && contact?.relation !== 'request' && chat.optOut?.agreed !== false && !isStranger(chat, contact);
}

export type Deed = 'write' | 'owner' | 'admin' | 'member' | 'remove';

const ranks: Readonly<Record<Role, number>> = { guest: 0, member: 1, admin: 2, owner: 3 };

/** What one may do with a member, in the order in which it is offered. */
export function deedsWith(group: Group, member: Member): readonly Deed[] {
  if (member.self) return [];
  const out: Deed[] = member.address.includes('/') ? [] : ['write'];
  const owner = group.role === 'owner';
  if (owner && member.role !== 'guest') {
    if (member.role !== 'owner') out.push('owner');
    if (member.role !== 'admin') out.push('admin');
    if (member.role !== 'member') out.push('member');
  }
  if (group.may.remove && member.role !== 'guest' && (owner || ranks[group.role] > ranks[member.role])) out.push('remove');
  return out;
}

/** Oneself last, the others by what they are and by name. */
export function sortedMembers(members: readonly Member[]): readonly Member[] {
  return [...members].sort((a, b) => Number(a.self) - Number(b.self) || ranks[b.role] - ranks[a.role] || byName(a.name, b.name));
}

/** Whom one can take into a group. */
export function candidates(contacts: Contacts, query: string, except: ReadonlySet<Address>): readonly Contact[] {
  return [...contacts.values()]
    .filter((contact) => (contact.relation === 'mutual' || contact.relation === 'pending') && !contact.blocked && !except.has(contact.address))
    .map((contact) => ({ contact, points: Math.max(score(query, shownName(contact, contact.address)), score(query, contact.address)) }))
    .filter(({ points }) => points > 0)
    .sort((a, b) => (query.trim() === '' ? 0 : b.points - a.points) || byName(shownName(a.contact, a.contact.address), shownName(b.contact, b.contact.address)))
    .map(({ contact }) => contact);
}

/** The name that is being written before the cursor: "@an" in "hello @an". */
export interface Mention {
  readonly from: number;
  readonly query: string;
}

export function mentionAt(text: string, cursor: number): Mention | undefined {
  const found = /(?:^|[\s(])@([^\s@]{0,40})$/u.exec(text.slice(0, cursor));
  return found ? { from: cursor - (found[1]?.length ?? 0) - 1, query: found[1] ?? '' } : undefined;
}

const offered = 6;

/** Who may be meant. */
export function mentionable(members: readonly Member[], query: string): readonly Member[] {
  return members.filter((member) => !member.self)
    .map((member) => ({ member, points: Math.max(score(query, member.name), score(query, member.nick ?? '')) }))
    .filter(({ points }) => points > 0)
    .sort((a, b) => (query === '' ? 0 : b.points - a.points) || byName(a.member.name, b.member.name))
    .slice(0, offered).map(({ member }) => member);
}

/** The text with the name of somebody in place of what was written of it, and where the cursor is then. */
export function withMention(text: string, cursor: number, mention: Mention, member: Member): { readonly text: string; readonly cursor: number } {
  const name = `@${member.nick ?? member.name} `;
  const after = text.slice(cursor);
  return { text: text.slice(0, mention.from) + name + after.replace(/^ /, ''), cursor: mention.from + name.length };
}

/** One may take this message back. */
export function mayRetract(chat: Chat, message: Message): boolean {
  return message.known && !message.retracted && (message.outgoing || chat.group?.may.remove === true);
}

/** The groups to which one is asked. */
export function invitations(chats: ReadonlyMap<Address, Chat>): readonly Chat[] {
  return [...chats.values()].filter((chat) => chat.group?.state === 'invited');
}
