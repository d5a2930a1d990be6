/**
 * Guardians of children (`kith:guardian:0`). A guardian asks for the `children` and answers with `decide`; the server
 * sends `asked` in a message for each new request, and `changed` when it is time to look again. A child asks for its
 * `guardians`, and is told with `decided` what became of its own requests.
 */
import { attr, child as one, children as many, define, leafText, optional, type Of } from './codec';
import { NS } from './ns';

const ns = NS.kithGuardian;

export const guardian = define(ns, 'guardian', { jid: attr('jid') });

/** What waits: somebody asks the child (`in`), or the child asks (`out`) somebody or to enter a room. */
export const request = define(ns, 'request', {
  jid: attr('jid'),
  kind: attr.oneOf('kind', 'contact', 'room'),
  direction: attr.oneOf('direction', 'in', 'out'),
  at: attr.date('at'),
  /** What a stranger says of himself; who invites to a room; and what either of them writes. */
  nick: optional(attr('nick')),
  by: optional(attr('by')),
  text: optional(leafText(ns, 'text')),
});
export type GuardianRequest = Of<typeof request>;

/** `by` is missing where nobody decided: it was a contact before. */
export const approved = define(ns, 'approved', {
  jid: attr('jid'),
  kind: attr.oneOf('kind', 'contact', 'room'),
  at: attr.date('at'),
  by: optional(attr('by')),
});

export const child = define(ns, 'child', {
  jid: attr('jid'),
  guardians: many(guardian),
  requests: many(request),
  approved: many(approved),
});
export type Child = Of<typeof child>;

/** Asked for without children; `all` is for administrators. */
export const children = define(ns, 'children', { all: optional(attr.bool('all')), children: many(child) });

/** Those of the child that asks, with what of its own waits; with `child`, those that an administrator names. */
export const guardians = define(ns, 'guardians', {
  child: optional(attr('child')),
  guardians: many(guardian),
  requests: many(request),
});

/** `kind` says what an address is that nobody has asked about. */
export const decide = define(ns, 'decide', {
  child: attr('child'),
  jid: attr('jid'),
  answer: attr.oneOf('answer', 'approve', 'deny', 'revoke'),
  kind: optional(attr.oneOf('kind', 'contact', 'room')),
});

export const asked = define(ns, 'asked', { child: attr('child'), request: one(request) });
export const changed = define(ns, 'changed', { child: attr('child') });
export const decided = define(ns, 'decided', { jid: attr('jid'), answer: attr.oneOf('answer', 'approved', 'denied') });

/** In an error: a guardian has to agree first. */
export const approvalRequired = define(ns, 'approval-required', {});
