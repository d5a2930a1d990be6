/** XEP-0372: References. Only mentions of people (section 3.2) are used here. */
import { attr, define, optional } from './codec';
import { bareOf } from './jid';
import { NS } from './ns';
import type { XmlElement } from './xml';

/** `begin` and `end` count code points of the body. */
export const reference = define(NS.reference, 'reference', {
  type: attr('type'), uri: attr('uri'), begin: optional(attr.uint('begin')), end: optional(attr.uint('end')),
});

export interface Mentioned {
  readonly address: string;
  readonly begin: number;
  readonly end: number;
}

export function mention({ address, begin, end }: Mentioned): XmlElement {
  return reference.write({ type: 'mention', uri: `xmpp:${address}`, begin, end });
}

/** Whether a message names somebody. */
export function mentions(message: XmlElement, address: string): boolean {
  return reference.all(message).some((one) => one.type === 'mention' && /^xmpp:/i.test(one.uri) && bareOf(one.uri.slice(5).replace(/[?;].*$/, '')) === address);
}
