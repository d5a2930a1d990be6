/** XEP-0357: Push Notifications. */
import { attr, define, optional } from './codec';
import { NS } from './ns';

export const enablePush = define(NS.push, 'enable', { jid: attr('jid'), node: optional(attr('node')) });
export const disablePush = define(NS.push, 'disable', { jid: attr('jid'), node: optional(attr('node')) });
