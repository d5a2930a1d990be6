/** XEP-0424: Message Retraction, and by a moderator (XEP-0425). */
import { attr, child, define, leafText, optional } from './codec';
import { NS } from './ns';
import { xml, type XmlElement } from './xml';

const moderated = define(NS.moderate, 'moderated', { by: optional(attr('by')) });

/** In a group `id` is that of the group's archive. `moderated`: the room says that somebody else took it back. */
export const retract = define(NS.retract, 'retract', {
  id: attr('id'),
  moderated: optional(child(moderated)),
  reason: optional(leafText(NS.retract, 'reason')),
});

/** What is left in an archive of a message that was taken back (section 5). */
export const retracted = define(NS.retract, 'retracted', { id: optional(attr('id')), stamp: optional(attr.date('stamp')) });

/** Asks a room to take a message back (XEP-0425 section 4). */
export function moderateRequest(id: string): XmlElement {
  return xml(NS.moderate, 'moderate', { id }, xml(NS.retract, 'retract'));
}
