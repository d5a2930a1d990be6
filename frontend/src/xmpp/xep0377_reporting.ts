/** XEP-0377: Blocking with Reporting. */
import { attr, children, define, leafText, optional } from './codec';
import { NS } from './ns';
import { stanzaId } from './xep0359_ids';

export const REASONS = { spam: 'urn:xmpp:reporting:spam', abuse: 'urn:xmpp:reporting:abuse' } as const;

/** Stands in the item of a block command; `messages`: which ones are meant. */
export const report = define(NS.reporting, 'report', {
  reason: attr.oneOf('reason', REASONS.spam, REASONS.abuse),
  messages: children(stanzaId),
  text: optional(leafText(NS.reporting, 'text')),
});
