/** XEP-0030: Service Discovery. */
import { attr, children, define, optional, type Of } from './codec';
import { NS } from './ns';
import { form } from './xep0004_form';

export const identity = define(NS.discoInfo, 'identity', {
  category: attr('category'),
  type: attr('type'),
  lang: optional(attr('xml:lang')),
  name: optional(attr('name')),
});

export const feature = define(NS.discoInfo, 'feature', { var: attr('var') });

export const discoInfo = define(NS.discoInfo, 'query', {
  node: optional(attr('node')),
  identities: children(identity),
  features: children(feature),
  forms: children(form),
});

export type DiscoInfo = Of<typeof discoInfo>;

export const discoItem = define(NS.discoItems, 'item', {
  jid: attr('jid'),
  node: optional(attr('node')),
  name: optional(attr('name')),
});

export const discoItems = define(NS.discoItems, 'query', {
  node: optional(attr('node')),
  items: children(discoItem),
});
