/** RFC 6121 section 2: the roster. */
import { attr, children, define, leafTexts, optional, type Of } from './codec';
import { NS } from './ns';

export const rosterItem = define(NS.roster, 'item', {
  jid: attr('jid'),
  name: optional(attr('name')),
  subscription: optional(attr.oneOf('subscription', 'none', 'to', 'from', 'both', 'remove')),
  ask: optional(attr.oneOf('ask', 'subscribe')),
  approved: optional(attr.bool('approved')),
  groups: leafTexts(NS.roster, 'group'),
});
export type RosterItem = Of<typeof rosterItem>;

/** `ver` as in section 2.6: an empty string asks for versioning without having a version. */
export const roster = define(NS.roster, 'query', { ver: optional(attr('ver')), items: children(rosterItem) });
