/** XEP-0191: Blocking Command. */
import { attr, children, define } from './codec';
import { NS } from './ns';

const item = define(NS.blocking, 'item', { jid: attr('jid') });

export const blocklist = define(NS.blocking, 'blocklist', { items: children(item) });
export const block = define(NS.blocking, 'block', { items: children(item) });
/** No items: unblock all. */
export const unblock = define(NS.blocking, 'unblock', { items: children(item) });
