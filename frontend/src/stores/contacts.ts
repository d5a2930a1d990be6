import type { Address, Contact, Events } from '../core/api';
import { Cell } from './cell';

export type Contacts = ReadonlyMap<Address, Contact>;

/** Everybody known, by address. */
export class ContactsStore extends Cell<Contacts> {
  constructor() {
    super(new Map());
  }

  reset(contacts: readonly Contact[]): void {
    this.set(new Map(contacts.map((contact) => [contact.address, contact])));
  }

  apply({ changed, removed }: Events['contacts']): void {
    const next = new Map(this.get());
    for (const contact of changed) next.set(contact.address, contact);
    for (const address of removed) next.delete(address);
    this.set(next);
  }
}

const collator = new Intl.Collator(undefined, { sensitivity: 'base', numeric: true });

/** The order of names in lists. */
export const byName = (a: string, b: string): number => collator.compare(a, b);

/** What is shown of a contact that has no name of its own. */
export function shownName(contact: Contact | undefined, address: Address): string {
  return contact?.name || localPart(address);
}

export function localPart(address: Address): string {
  const at = address.indexOf('@');
  return at > 0 ? address.slice(0, at) : address;
}

export function domainPart(address: Address): string {
  return address.slice(address.indexOf('@') + 1);
}

/** "anna" on our own server becomes "anna@domain"; undefined when it cannot be an address. */
export function completeAddress(typed: string, domain: string): Address | undefined {
  const text = typed.trim().replace(/^xmpp:/i, '').replace(/\?.*$/s, '').toLowerCase();
  const address = text.includes('@') ? text : `${text}@${domain}`;
  return /^[^\s@/"&'<>:]+@[^\s@/"&'<>:]+(:\d+)?$/u.test(address) ? address : undefined;
}

/** Whether an address is rather that of a group: by the names that services of groups have. */
export function looksLikeGroup(typed: string): boolean {
  return /@(?:groups?|conference|muc|rooms?|chat)\.[^@/]+$/i.test(typed.trim().replace(/\?join$/i, '')) || /\?join$/i.test(typed.trim());
}

export function requests(contacts: Contacts): readonly Contact[] {
  return [...contacts.values()].filter((contact) => contact.relation === 'request' && !contact.blocked);
}

export function blocked(contacts: Contacts): readonly Contact[] {
  return [...contacts.values()].filter((contact) => contact.blocked);
}
