/** XEP-0494: Client Access Management. */
import { attr, child, children, define, flag, leafText, optional, type Of } from './codec';
import { NS } from './ns';

const userAgent = define(NS.clientAccess, 'user-agent', {
  software: optional(leafText(NS.clientAccess, 'software')),
  device: optional(leafText(NS.clientAccess, 'device')),
});

export const client = define(NS.clientAccess, 'client', {
  id: attr('id'),
  connected: optional(attr.bool('connected')),
  type: optional(attr('type')),
  firstSeen: optional(leafText.date(NS.clientAccess, 'first-seen')),
  lastSeen: optional(leafText.date(NS.clientAccess, 'last-seen')),
  userAgent: optional(child(userAgent)),
  /** Kith marks the client that asks. */
  current: flag(NS.kithAccount, 'current'),
});
export type ClientAccess = Of<typeof client>;

export const list = define(NS.clientAccess, 'list', {});
export const clients = define(NS.clientAccess, 'clients', { clients: children(client) });
export const revoke = define(NS.clientAccess, 'revoke', { id: attr('id') });
