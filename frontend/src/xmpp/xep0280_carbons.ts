/** XEP-0280: Message Carbons. */
import { child, define } from './codec';
import { NS } from './ns';
import { bareOf } from './jid';
import type { XmlElement } from './xml';
import { forwarded } from './xep0297_forwarding';

export const enableCarbons = define(NS.carbons, 'enable', {});
const sent = define(NS.carbons, 'sent', { forwarded: child(forwarded) });
const received = define(NS.carbons, 'received', { forwarded: child(forwarded) });

export interface Carbon {
  readonly direction: 'sent' | 'received';
  readonly message: XmlElement;
}

/**
 * The copy inside a carbon, `undefined` when the message is none, and `'forged'` when it looks like one but does not
 * come from the own account: such a message must be dropped (section 11), it could otherwise speak for anybody.
 */
export function readCarbon(message: XmlElement, self: string): Carbon | 'forged' | undefined {
  const direction = message.child('sent', NS.carbons) ? 'sent' : message.child('received', NS.carbons) ? 'received' : undefined;
  if (!direction) return undefined;
  const from = message.attrs['from'];
  if (from !== undefined && (bareOf(from) !== self || from.includes('/'))) return 'forged';
  const copy = (direction === 'sent' ? sent : received).in(message);
  if (!copy) return 'forged';
  // Each side of the copy must be what the direction says (section 11 again).
  const [own, other] = direction === 'sent' ? ['from', 'to'] : ['to', 'from'];
  const inner = copy.forwarded.message;
  const ownSide = bareOf(inner.attrs[own ?? '']);
  if (ownSide !== undefined && ownSide !== self) return 'forged';
  if (bareOf(inner.attrs[other ?? '']) === undefined) return 'forged';
  return { direction, message: inner };
}
