/** XEP-0060 and XEP-0163: Publish-Subscribe as personal eventing uses it. */
import { attr, child, children, define, optional, payload, type Of } from './codec';
import { NS } from './ns';
import { form, submit, type FormValues } from './xep0004_form';
import { xml, type XmlElement } from './xml';

export const item = define(NS.pubsub, 'item', { id: optional(attr('id')), payload: optional(payload()) });
export type PubsubItem = Of<typeof item>;

export const items = define(NS.pubsub, 'items', {
  node: attr('node'),
  max: optional(attr.uint('max_items')),
  items: children(item),
});

const publish = define(NS.pubsub, 'publish', { node: attr('node'), items: children(item) });
const publishOptions = define(NS.pubsub, 'publish-options', { form: child(form) });
const retract = define(NS.pubsub, 'retract', {
  node: attr('node'), notify: optional(attr.bool('notify')), items: children(item),
});

export const pubsub = define(NS.pubsub, 'pubsub', {
  publish: optional(child(publish)),
  options: optional(child(publishOptions)),
  items: optional(child(items)),
  retract: optional(child(retract)),
});

// ── notifications ──

const eventItem = define(NS.pubsubEvent, 'item', {
  id: optional(attr('id')), publisher: optional(attr('publisher')), payload: optional(payload()),
});
const eventRetract = define(NS.pubsubEvent, 'retract', { id: attr('id') });
const eventItems = define(NS.pubsubEvent, 'items', {
  node: attr('node'), items: children(eventItem), retracted: children(eventRetract),
});
const eventDelete = define(NS.pubsubEvent, 'delete', { node: attr('node') });
const eventPurge = define(NS.pubsubEvent, 'purge', { node: attr('node') });

export const event = define(NS.pubsubEvent, 'event', {
  items: optional(child(eventItems)),
  deleted: optional(child(eventDelete)),
  purged: optional(child(eventPurge)),
});

// ── requests ──

/** Publish one item; `options` become preconditions of the node (section 7.1.5). */
export function publishRequest(node: string, id: string | undefined, content: XmlElement, options?: FormValues): XmlElement {
  return pubsub.write({
    publish: { node, items: [{ ...(id !== undefined && { id }), payload: content }] },
    ...(options && { options: { form: submit(NS.pubsubPublishOptions, options) } }),
  });
}

/** All items, one item, or the newest `max`. */
export function itemsRequest(node: string, which: { id?: string; max?: number } = {}): XmlElement {
  return pubsub.write({
    items: { node, ...(which.max !== undefined && { max: which.max }), items: which.id === undefined ? [] : [{ id: which.id }] },
  });
}

export function retractRequest(node: string, id: string): XmlElement {
  return pubsub.write({ retract: { node, notify: true, items: [{ id }] } });
}

/** Set the configuration of an own node (section 8.2). */
export function configureRequest(node: string, values: FormValues): XmlElement {
  return xml(NS.pubsubOwner, 'pubsub', {},
    xml(NS.pubsubOwner, 'configure', { node }, form.write(submit(NS.pubsubNodeConfig, values))));
}

export function deleteRequest(node: string): XmlElement {
  return xml(NS.pubsubOwner, 'pubsub', {}, xml(NS.pubsubOwner, 'delete', { node }));
}
