/** XEP-0203: Delayed Delivery. */
import { attr, define, optional } from './codec';
import { NS } from './ns';

export const delay = define(NS.delay, 'delay', { stamp: attr.date('stamp'), from: optional(attr('from')) });
