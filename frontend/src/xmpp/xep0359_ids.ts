/** XEP-0359: Unique and Stable Stanza IDs. */
import { attr, define } from './codec';
import { bareOf } from './jid';
import { NS } from './ns';
import type { XmlElement } from './xml';

export const originId = define(NS.sid, 'origin-id', { id: attr('id') });
export const stanzaId = define(NS.sid, 'stanza-id', { id: attr('id'), by: attr('by') });

/** The id that `archive` gave to the message; ids that others claim to have given are not ours to trust (section 5). */
export function stanzaIdBy(message: XmlElement, archive: string): string | undefined {
  const ids = stanzaId.all(message).filter((id) => bareOf(id.by) === archive);
  return ids.length === 1 ? ids[0]?.id : undefined;
}
