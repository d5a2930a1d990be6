/** Signing in another device with the help of this one (`kith:pairing:0`). */
import { attr, define, optional } from './codec';
import { NS } from './ns';

/** Asked for without anything in it: the server gives the rest. */
export const pairingLink = define(NS.kithPairing, 'link', { token: optional(attr('token')), expires: optional(attr.date('expires')) });

/** A device has opened the link, and shows this number. */
export const pairingOpened = define(NS.kithPairing, 'opened', {
  token: attr('token'), number: attr('number'), software: optional(attr('software')), device: optional(attr('device')),
});

export const pairingAnswer = define(NS.kithPairing, 'answer', { token: attr('token'), is: attr.oneOf('is', 'yes', 'no') });
