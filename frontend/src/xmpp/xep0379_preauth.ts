/** XEP-0379: Pre-Authenticated Roster Subscription. */
import { attr, define } from './codec';
import { NS } from './ns';

export const preauth = define(NS.preauth, 'preauth', { token: attr('token') });
