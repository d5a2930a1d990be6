/** XEP-0461: Message Replies. */
import { attr, define, optional } from './codec';
import { NS } from './ns';

/** In a group `id` is that of the group's archive, and `to` the address of the occupant. */
export const reply = define(NS.reply, 'reply', { to: optional(attr('to')), id: attr('id') });

/** The quotation for programs that do not know replies (section 3). */
export function quotation(text: string): string {
  return text.split('\n').map((line) => `> ${line}\n`).join('');
}

/** What stands in a quotation. */
export function unquoted(text: string): string {
  return text.split('\n').map((line) => line.replace(/^>\s?/, '')).join('\n').trim();
}
