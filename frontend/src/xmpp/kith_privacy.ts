/** What one lets others do and see (`kith:privacy:0`): an item that only one's own devices read, and what the server is told. */
import { attr, define, optional } from './codec';
import { NS } from './ns';

export const privacy = define(NS.kithPrivacy, 'privacy', {
  /** Whether others learn that one has read, and that one is typing. */
  read: optional(attr.bool('read')),
  typing: optional(attr.bool('typing')),
});

/** From whom the account takes messages: asked of the own server and told it, in an IQ. */
export const senders = define(NS.kithPrivacy, 'privacy', { messages: attr.oneOf('messages', 'everybody', 'contacts') });

export const PRIVACY_OPTIONS = { 'pubsub#persist_items': 'true', 'pubsub#max_items': '1', 'pubsub#access_model': 'whitelist' } as const;
