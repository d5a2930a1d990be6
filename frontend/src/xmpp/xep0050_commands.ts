/** XEP-0050: Ad-Hoc Commands, of the kind that answers at once. */
import { attr, child, define, optional } from './codec';
import { NS } from './ns';
import { form } from './xep0004_form';

export const command = define(NS.commands, 'command', {
  node: attr('node'),
  action: optional(attr.oneOf('action', 'execute', 'cancel', 'prev', 'next', 'complete')),
  status: optional(attr.oneOf('status', 'executing', 'completed', 'canceled')),
  sessionid: optional(attr('sessionid')),
  form: optional(child(form)),
});
