/** XEP-0402: PEP Native Bookmarks. */
import { attr, define, leafText, optional, raw, type Of } from './codec';
import { NS } from './ns';

/** One room; the id of its item is the room's address. `extensions` are other programs' and kept as they are (section 3). */
export const bookmark = define(NS.bookmarks, 'conference', {
  name: optional(attr('name')),
  autojoin: optional(attr.bool('autojoin')),
  nick: optional(leafText(NS.bookmarks, 'nick')),
  password: optional(leafText(NS.bookmarks, 'password')),
  extensions: optional(raw(NS.bookmarks, 'extensions')),
});
export type Bookmark = Of<typeof bookmark>;

export const BOOKMARK_OPTIONS = {
  'pubsub#persist_items': 'true',
  'pubsub#max_items': 'max',
  'pubsub#send_last_published_item': 'never',
  'pubsub#access_model': 'whitelist',
} as const;
