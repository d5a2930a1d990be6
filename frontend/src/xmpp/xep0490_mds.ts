/** XEP-0490: Message Displayed Synchronization. */
import { child, define } from './codec';
import { NS } from './ns';
import { stanzaId } from './xep0359_ids';

export const mdsDisplayed = define(NS.mds, 'displayed', { stanzaId: child(stanzaId) });

export const MDS_OPTIONS = {
  'pubsub#persist_items': 'true',
  'pubsub#max_items': 'max',
  'pubsub#send_last_published_item': 'never',
  'pubsub#access_model': 'whitelist',
} as const;
