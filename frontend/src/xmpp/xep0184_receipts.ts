/** XEP-0184: Message Delivery Receipts. */
import { attr, define } from './codec';
import { NS } from './ns';

export const receiptRequest = define(NS.receipts, 'request', {});
export const received = define(NS.receipts, 'received', { id: attr('id') });
