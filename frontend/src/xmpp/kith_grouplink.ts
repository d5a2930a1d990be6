/**
 * Links into private groups (`kith:grouplink:0`). Admins of a group ask it for its `links`, `make`, `renew` and `revoke` them; the
 * token is told once, to who makes a link. Whoever has one enters with it as the password, or asks before what it leads to (`look`).
 */
import { attr, children, define, leafText, optional, type Of } from './codec';
import { NS } from './ns';

const ns = NS.kithGroupLink;

export const groupLink = define(ns, 'link', {
  id: attr('id'),
  token: optional(attr('token')),
  by: attr('by'),
  made: attr.date('made'),
  expires: attr.date('expires'),
  /** How many have come by it, and how many may. */
  uses: attr.uint('uses'),
  max: optional(attr.uint('max')),
});
export type GroupLinkElement = Of<typeof groupLink>;

/** Asked for without anything in it. */
export const groupLinks = define(ns, 'links', { links: children(groupLink) });

export const makeLink = define(ns, 'make', { seconds: optional(attr.uint('seconds')), max: optional(attr.uint('max')) });
export const renewLink = define(ns, 'renew', { id: attr('id'), seconds: optional(attr.uint('seconds')) });
export const revokeLink = define(ns, 'revoke', { id: attr('id') });

export const lookWith = define(ns, 'look', { token: attr('token') });
export const lookedAt = define(ns, 'group', { name: optional(attr('name')), people: attr.uint('people'), description: optional(leafText(ns, 'description')) });
