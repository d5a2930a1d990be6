/** XEP-0297: Stanza Forwarding. */
import { child, define, optional, raw } from './codec';
import { NS } from './ns';
import { delay } from './xep0203_delay';

export const forwarded = define(NS.forward, 'forwarded', {
  delay: optional(child(delay)),
  message: raw(NS.client, 'message'),
});
