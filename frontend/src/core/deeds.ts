/** What a message does to an earlier one (XEP-0308, 0424, 0425, 0444), or which it answers (XEP-0461): from the wire and onto it. */
import { mayChange, mayReact, type Authored, type Level } from '../crypto/protection';
import type { Done } from '../db/deeds';
import { fileText } from '../db/words';
import { archiveId, type Deed, type MessageRecord, type Protection } from '../db/schema';
import { bareOf } from '../xmpp/jid';
import { parseGeo } from '../xmpp/rfc5870_geo';
import { NS } from '../xmpp/ns';
import { replace } from '../xmpp/xep0308_correction';
import { retract } from '../xmpp/xep0424_retraction';
import { fallback, withoutFallback } from '../xmpp/xep0428_fallback';
import { reactions } from '../xmpp/xep0444_reactions';
import { quotation, reply, unquoted } from '../xmpp/xep0461_replies';
import { xml, type XmlElement } from '../xmpp/xml';
import type { Address } from './api';
import { contentDeedElement, readContentDeed } from './content';
import type { Envelope } from './envelope';

/** Shown by programs that know no retraction. */
const RETRACTION = 'This person attempted to retract a previous message, but it’s unsupported by your client.';
const MAX_QUOTE = 200;

/** A reaction or a retraction: what has no text of its own. */
export function readDeed({ message, kind, from, chat }: Envelope): Deed | undefined {
  const reacted = reactions.in(message);
  if (reacted) return { kind: 'react', ref: reacted.id, emojis: reacted.emojis };
  const taken = retract.in(message);
  if (!taken) return readContentDeed(message);
  // Only the room itself says that somebody else has acted (XEP-0425 section 5).
  if (taken.moderated && (kind !== 'group' || from !== chat)) return undefined;
  const by = taken.moderated?.by;
  return { kind: 'retract', ref: taken.id, ...(taken.moderated && { by: by?.slice(by.indexOf('/') + 1) ?? '' }) };
}

/** How well a message was protected; what was stored before that was kept was plain or 0.3. */
export function protectionOf({ from, lock, level, trust }: Pick<MessageRecord, 'from' | 'lock' | 'level' | 'trust'>): Authored {
  return { from, level: level ?? (lock === 'unencrypted' ? 0 : 1), trust: trust ?? (lock === 'verified' ? 'verified' : 'trusted') };
}

/**
 * Who may do what to a message: its sender may correct it and take it back, anybody may react; and each with at least the
 * protection that the message had. OMEMO 0.3 cannot encrypt reactions and retractions: there, also where somebody among those who got it
 * has only that, they come in the clear.
 */
export function judge(message: MessageRecord, { deed, from, level = 0, trust = 'undecided' }: Done): boolean {
  const earlier = protectionOf(message);
  const old = earlier.level <= 1;
  switch (deed.kind) {
    case 'edit': return message.problem === undefined && mayChange(earlier, { from, level, trust });
    case 'react': case 'pin': case 'vote': return old || message.mixed === true || mayReact(earlier, { level, trust });
    case 'close': return from === message.from && (old || message.mixed === true || mayReact(earlier, { level, trust }));
    // Or the room itself has said that somebody who looks after it did (`readDeed`). Of omemo:2 it is enough that the device's key vouches
    // for it: their other programs say nothing of the recipients, and put no words into anybody's mouth by this.
    case 'retract': return deed.by !== undefined || (old ? from === message.from : mayChange({ ...earlier, level: Math.min(earlier.level, 2) as Level }, { from, level, trust }));
  }
}

/** What the person does here: to own messages, or to react. */
export function judgeOwn(message: MessageRecord, { deed }: Done): boolean {
  return deed.kind === 'react' || deed.kind === 'pin' || deed.kind === 'vote' || message.outgoing;
}

/** The correction that a readable message is. */
export function readEdit(message: XmlElement, text: string, lock: Protection): Deed | undefined {
  const ref = replace.in(message)?.id;
  return ref === undefined || text === '' ? undefined : { kind: 'edit', ref, text, lock };
}

export interface ReadReply {
  /** What was said, without the quotation. */
  readonly text: string;
  readonly reply: NonNullable<MessageRecord['reply']>;
}

export function readReply(message: XmlElement, text: string, self: Address): ReadReply | undefined {
  const answered = reply.in(message);
  if (!answered) return undefined;
  const ranges = fallback.all(message).filter((one) => one.for === NS.reply).flatMap((one) => one.bodies);
  const rest = ranges.length === 0 ? text : withoutFallback(text, ranges);
  const quoted = ranges.length === 0 ? '' : [...text].slice(ranges[0]?.start ?? 0, ranges[0]?.end).join('');
  const from = answered.to === undefined ? undefined : answered.to.includes('/') && bareOf(answered.to) !== self ? answered.to : bareOf(answered.to);
  return { text: rest, reply: { ref: answered.id, text: unquoted(quoted).slice(0, MAX_QUOTE), ...(from !== undefined && { from }) } };
}

/** The id by which others know this message, in answers and reactions; `undefined`: they do not know it yet. */
export function refOf(message: MessageRecord, group: boolean): string | undefined {
  if (group) return message.stanzaId === undefined ? undefined : archiveId(message.stanzaId);
  return message.origin?.slice(message.origin.indexOf('\n') + 1) ?? message.wireId;
}

/** The text as it goes over the wire, with the quotation for those who know no replies; and what says so. */
export function wireText({ text, reply: answered, file }: MessageRecord, group: Address | undefined): { readonly text: string; readonly children: readonly XmlElement[] } {
  if (!answered) return { text, children: [] };
  // The address of a file stands alone, or others take it for a text.
  const quote = answered.text === '' || file ? '' : quotation(answered.text);
  const to = group !== undefined && answered.nick !== undefined ? `${group}/${answered.nick}` : answered.from;
  return {
    text: quote + text,
    children: [
      reply.write({ id: answered.ref, ...(to !== undefined && { to }) }),
      ...(quote === '' ? [] : [fallback.write({ for: NS.reply, bodies: [{ start: 0, end: [...quote].length }] })]),
    ],
  };
}

/** What a correction, a reaction or a retraction is, in an envelope. */
export function deedElement(deed: Deed): XmlElement {
  switch (deed.kind) {
    case 'edit': return replace.write({ id: deed.ref });
    case 'react': return reactions.write({ id: deed.ref, emojis: deed.emojis });
    case 'retract': return retract.write({ id: deed.ref });
    case 'pin': case 'vote': case 'close': return contentDeedElement(deed);
  }
}

/** The same where nothing but text is encrypted, with what others show who do not know it. */
export function deedOutside(deed: Deed): readonly XmlElement[] {
  return deed.kind === 'retract'
    ? [deedElement(deed), fallback.write({ for: NS.retract, bodies: [] }), xml(NS.client, 'body', {}, RETRACTION)]
    // What one has chosen is no business of the server's.
    : deed.kind === 'vote' ? [] : [deedElement(deed)];
}

/** What a message says, in a line of text: of a file its name, of a sticker what it shows, of a voice message that it is one; never an address with a key. */
export function saidIn({ text, file }: MessageRecord): string {
  if (file?.voice) return VOICE_SIGN;
  if (file) return file.caption ?? (fileText(file) || '🖼️');
  if (text.startsWith('aesgcm:')) return '📎';
  const place = parseGeo(text);
  return place ? `${PLACE_SIGN}${place.name === undefined ? '' : ` ${place.name}`}` : text;
}

/** What a voice message says. */
const VOICE_SIGN = '🎤';

/** What a place without a name says. */
export const PLACE_SIGN = '📍';

/** What an answer shows of the message that it answers. */
export function quoteOf(message: MessageRecord, ref: string): NonNullable<MessageRecord['reply']> {
  return { ref, id: message.id, from: message.from, ...(message.nick !== undefined && { nick: message.nick }), text: saidIn(message).slice(0, MAX_QUOTE) };
}
