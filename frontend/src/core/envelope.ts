/** From a message stanza to what it is: whose, in which chat, when, and by which ids it is known. */
import { archiveKey } from '../db/schema';
import { bareOf } from '../xmpp/jid';
import { NS } from '../xmpp/ns';
import { delay } from '../xmpp/xep0203_delay';
import { readCarbon } from '../xmpp/xep0280_carbons';
import type { ArchiveResult } from '../xmpp/xep0313_mam';
import { originId, stanzaIdBy } from '../xmpp/xep0359_ids';
import type { XmlElement } from '../xmpp/xml';
import type { Address } from './api';

/** How a message came: `live` to us, `carbon` as a copy of another device's, `archive` from the server's archive. */
export type Source = 'live' | 'carbon' | 'archive';

export interface Envelope {
  readonly message: XmlElement;
  readonly source: Source;
  readonly chat: Address;
  readonly kind: 'direct' | 'group';
  /** Bare address of the sender; of somebody in a group who is not known, the address of the occupant. */
  readonly from: Address;
  /** What the sender is called in the group. */
  readonly nick: string | undefined;
  readonly outgoing: boolean;
  /** Whose archive it is in: the own account's, or the group's. */
  readonly archive: Address;
  /** Its key there, see `archiveKey`. */
  readonly stanzaId: string | undefined;
  /** The sender's id: `origin-id` if there is one, else the attribute. */
  readonly id: string | undefined;
  /** The sender promises that `id` is unique (XEP-0359). */
  readonly unique: boolean;
  readonly at: number;
}

/** Who speaks in a group. */
export interface Speaker {
  readonly from: Address;
  readonly nick: string | undefined;
  readonly outgoing: boolean;
}

/** A message that came on the stream; `undefined` when it is not one that belongs into a chat. */
export function openLive(message: XmlElement, self: Address, now: number): Envelope | undefined {
  const carbon = readCarbon(message, self);
  if (carbon === 'forged') return undefined;
  const inner = carbon?.message ?? message;
  // Time and archive id are the word of the own server: in a carbon it speaks inside, where it archived the copy.
  const stanzaId = stanzaIdBy(inner, self);
  const stamp = delay.in(inner)?.stamp;
  return open(inner, carbon ? 'carbon' : 'live', self, stanzaId, plausible(stamp, now));
}

/** A message out of the own archive. */
export function openArchived(result: ArchiveResult, self: Address, now: number): Envelope | undefined {
  const stamp = result.forwarded.delay?.stamp;
  return open(result.forwarded.message, 'archive', self, result.id, plausible(stamp, now));
}

/** A message of a group, live or (with its id there) out of its archive. */
export function openGroup(
  message: XmlElement, group: Address, self: Address, speaker: Speaker, now: number, archived?: { readonly id: string; readonly stamp: number | undefined },
): Envelope {
  const id = archived?.id ?? stanzaIdBy(message, group);
  return {
    message, source: archived ? 'archive' : 'live', chat: group, kind: 'group', ...speaker, archive: group,
    stanzaId: id === undefined ? undefined : archiveKey(self, group, id),
    ...idsOf(message), at: plausible(archived ? archived.stamp : delay.in(message)?.stamp, now),
  };
}

function open(message: XmlElement, source: Source, self: Address, stanzaId: string | undefined, at: number): Envelope | undefined {
  const type = message.attrs['type'] ?? 'normal';
  if (type !== 'chat' && type !== 'normal' && type !== 'error') return undefined;
  // Without `from` it is from the own account (RFC 6120 section 8.1.2.1).
  const from = message.attrs['from'] === undefined ? self : bareOf(message.attrs['from']);
  const to = message.attrs['to'] === undefined ? self : bareOf(message.attrs['to']);
  if (from === undefined || to === undefined) return undefined;
  if (from !== self && to !== self) return undefined;
  const outgoing = from === self;
  return {
    message, source, from, nick: undefined, outgoing, archive: self, stanzaId, at, ...idsOf(message),
    kind: 'direct', chat: outgoing ? to : from,
  };
}

function idsOf(message: XmlElement): Pick<Envelope, 'id' | 'unique'> {
  const origin = originId.in(message)?.id;
  const id = origin ?? message.attrs['id'];
  return { id: id === undefined || id === '' || id.length > 512 ? undefined : id, unique: origin !== undefined };
}

/** A time in the future is somebody's wrong clock. */
function plausible(stamp: number | undefined, now: number): number {
  return stamp === undefined ? now : Math.min(stamp, now);
}

/** The text that is shown, of a message that is not encrypted. */
export function bodyOf(message: XmlElement): string | undefined {
  const bodies = message.elements.filter((element) => element.is(NS.client, 'body'));
  const body = bodies.find((element) => element.attrs['xml:lang'] === undefined) ?? bodies[0];
  return body && body.text !== '' ? body.text : undefined;
}
