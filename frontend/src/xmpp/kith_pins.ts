/** Messages that stand above a chat for everybody in it. No XEP has a form for this. */
import { attr, define } from './codec';
import { NS } from './ns';

/** `id`: as in XEP-0461, of the message that is pinned, or not any more. */
export const pin = define(NS.kithPins, 'pin', { id: attr('id'), pinned: attr.bool('pinned') });
