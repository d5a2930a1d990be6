/** XEP-0430: Inbox (`urn:xmpp:inbox:1`). */
import { attr, child, define, optional, type Of } from './codec';
import { NS } from './ns';
import { rsm } from './xep0059_rsm';

/** Asks the own account for all conversations, newest first. */
export const inbox = define(NS.inbox, 'inbox', {
  /** Only those in which something is new; false if absent. */
  unreadOnly: optional(attr.bool('unread-only')),
  /** Whether the last message of each comes along; true if absent. */
  messages: optional(attr.bool('messages')),
  set: optional(child(rsm)),
});

/**
 * One conversation. Beside it in the message stands, where there is one, the last thing that somebody said,
 * as a result of the archive (XEP-0313) whose `queryid` is the id of the request.
 */
export const entry = define(NS.inbox, 'entry', {
  /** Messages of others since what was displayed (XEP-0490, XEP-0333); the server counts up to 1000. */
  unread: attr.uint('unread'),
  /** Bare address of the person or the room. */
  jid: attr('jid'),
  /** Newest id in the archive of this conversation; of a room, in the room's own archive. */
  id: attr('id'),
});
export type InboxEntry = Of<typeof entry>;

/** The end of the answer: how many conversations there are, in how many something is new, and how much in all. */
export const fin = define(NS.inbox, 'fin', {
  total: attr.uint('total'),
  unread: attr.uint('unread'),
  allUnread: attr.uint('all-unread'),
  set: optional(child(rsm)),
});
