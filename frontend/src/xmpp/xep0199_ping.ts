/** XEP-0199: XMPP Ping. */
import { define } from './codec';
import { NS } from './ns';

export const ping = define(NS.ping, 'ping', {});
