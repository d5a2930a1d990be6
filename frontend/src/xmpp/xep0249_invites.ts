/** XEP-0249: Direct MUC Invitations. */
import { attr, define, optional } from './codec';
import { NS } from './ns';

export const directInvite = define(NS.mucDirectInvite, 'x', {
  jid: attr('jid'),
  password: optional(attr('password')),
  reason: optional(attr('reason')),
});
