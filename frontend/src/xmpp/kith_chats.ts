/** Where a chat stands in the list of chats, for all devices of one account: a private node, the id of an item is the chat's address. */
import { attr, define, optional, type Of } from './codec';
import { NS } from './ns';

/** Muted until further notice. */
export const FOREVER = 'forever';

export const chatPlace = define(NS.kithChats, 'chat', {
  pinned: optional(attr.bool('pinned')),
  /** Put away at this time. */
  archived: optional(attr.date('archived')),
  /** A time (XEP-0082) or `forever`. */
  muted: optional(attr('muted')),
  /** Muted, but not what names the own person. */
  exceptMentions: optional(attr.bool('except-mentions')),
  /** To be read later. */
  unread: optional(attr.bool('unread')),
});
export type PlaceItem = Of<typeof chatPlace>;

export const CHATS_OPTIONS = {
  'pubsub#persist_items': 'true',
  'pubsub#max_items': 'max',
  'pubsub#send_last_published_item': 'never',
  'pubsub#access_model': 'whitelist',
} as const;
