/** XEP-0191: Blocking Command. */
import { attr, child, children, define, optional } from './codec';
import { NS } from './ns';
import { report } from './xep0377_reporting';

const item = define(NS.blocking, 'item', { jid: attr('jid'), report: optional(child(report)) });

export const blocklist = define(NS.blocking, 'blocklist', { items: children(item) });
export const block = define(NS.blocking, 'block', { items: children(item) });
/** No items: unblock all. */
export const unblock = define(NS.blocking, 'unblock', { items: children(item) });
