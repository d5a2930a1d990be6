import type { Address } from '../core/api';
import { type Chats, chatWith } from './chats';
import { byName, type Contacts, localPart } from './contacts';
import { score } from './fuzzy';

const limit = 50;

/** What the switcher offers: unread first, then what was active lately; with a query, the best match first. */
export function findChats(query: string, chats: Chats, contacts: Contacts): readonly Address[] {
  const found: { address: Address; points: number; unread: boolean; activeAt: number; title: string }[] = [];
  for (const address of new Set([...chats.keys(), ...contacts.keys()])) {
    const contact = contacts.get(address);
    if (chats.get(address)?.group?.state === 'invited') continue;
    if (contact?.blocked || (contact?.relation === 'request' && !chats.has(address))) continue;
    const chat = chatWith(chats, contacts, address);
    const points = Math.max(score(query, chat.title), score(query, localPart(address)));
    if (points > 0) found.push({ address, points, unread: chat.unread > 0, activeAt: chat.activeAt, title: chat.title });
  }
  const searching = query.trim() !== '';
  found.sort((a, b) => (searching ? b.points - a.points : 0)
    || Number(b.unread) - Number(a.unread) || b.activeAt - a.activeAt || byName(a.title, b.title));
  return found.slice(0, limit).map((entry) => entry.address);
}
