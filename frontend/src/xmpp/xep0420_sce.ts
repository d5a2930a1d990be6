/**
 * XEP-0420: the envelope that comes out of omemo:2. The core makes it (`crypto/engine`, seal) and judges its affixes
 * (check); this reads it, by the same rules as the core's own reader (omemo/sce).
 */
import { fromBase64, fromUtf8, type Bytes } from './bytes';
import { parseDate } from './codec';
import { bareOf } from './jid';
import { NS } from './ns';
import { parse, type XmlElement, type XmlLimits } from './xml';

export const SCE = 'urn:xmpp:sce:1';
/** The affixes of Kith: for whom the sender has encrypted, and which devices its account has. */
export const AFFIXES = 'kith:omemo:0';

const LIMITS: XmlLimits = { chars: 1 << 20, elements: 10_000, depth: 32, attributes: 32 };

export interface Envelope {
  /** Bare addresses. */
  readonly from?: string;
  readonly to?: string;
  /** Seconds since epoch. */
  readonly time?: number;
  readonly recipients?: readonly { readonly jid: string; readonly devices: Bytes }[];
  readonly devices?: Bytes;
  /** The elements that take the place of `<encrypted/>` in the stanza. */
  readonly content: readonly XmlElement[];
  /** How many elements were left out because they must not come in an envelope. */
  readonly dropped: number;
}

/** `undefined` for anything that is no envelope or could be read in two ways. */
export function openEnvelope(plaintext: Uint8Array): Envelope | undefined {
  try {
    return read(parse(fromUtf8(plaintext), LIMITS));
  } catch {
    return undefined;
  }
}

class Malformed extends Error {}

type Draft = { -readonly [K in keyof Envelope]: Envelope[K] };

function read(root: XmlElement): Envelope {
  need(root.is(SCE, 'envelope') && root.text.trim() === '');
  const draft: Draft = { content: [], dropped: 0 };
  let content: XmlElement | undefined;
  const seen = new Set<string>();
  for (const element of root.elements) {
    const name = `${element.ns} ${element.name}`;
    switch (name) {
      case `${SCE} content`: content = element; break;
      case `${SCE} rpad`: break;
      case `${SCE} time`: draft.time = Math.floor(there(dateOf(element.attrs['stamp'] ?? '')) / 1000); break;
      case `${SCE} to`: draft.to = there(bareOf(element.attrs['jid'])); break;
      case `${SCE} from`: draft.from = there(bareOf(element.attrs['jid'])); break;
      case `${AFFIXES} recipients`:
        draft.recipients = element.elements.filter((child) => child.is(AFFIXES, 'account'))
          .map((child) => ({ jid: there(bareOf(child.attrs['jid'])), devices: fromBase64(child.text) }));
        break;
      case `${AFFIXES} devices`: draft.devices = fromBase64(element.text); break;
      default: continue;
    }
    need(!seen.has(name));
    seen.add(name);
  }
  const { elements, text } = there(content);
  need(text.trim() === '');
  draft.content = elements.filter((element) => mayContain(element.ns, element.name));
  draft.dropped = elements.length - draft.content.length;
  return draft;
}

function need(condition: boolean): asserts condition {
  if (!condition) throw new Malformed();
}

function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Malformed();
  return value;
}

/** Days that do not exist are no dates, although the browser rolls them over. */
function dateOf(stamp: string): number | undefined {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)T/.exec(stamp) ?? [];
  if (Number(day) > new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()) return undefined;
  return parseDate(stamp);
}

const SERVERS = new Set<string>([
  '', NS.hints, NS.eme, NS.delay, NS.carbons, NS.mam, NS.stream, NS.stanzaError, NS.omemoLegacy, SCE,
  'http://jabber.org/protocol/address', 'urn:xmpp:occupant-id:0', 'jabber:server', 'jabber:x:encrypted',
]);
const SERVERS_PREFIXES = ['http://jabber.org/protocol/pubsub', 'http://jabber.org/protocol/muc'];

/**
 * Whether an element may stand in an envelope. What servers read, write or filter may not (XEP-0420 section 8), nor what is
 * believed only of the server: copies, archived messages, events, times and identities.
 */
export function mayContain(ns: string, name: string): boolean {
  if (ns === NS.client) return name === 'body' || name === 'subject' || name === 'thread';
  if (ns === NS.sid) return name === 'origin-id';
  if (ns === NS.omemo2) return name === 'opt-out';
  return !SERVERS.has(ns) && !SERVERS_PREFIXES.some((prefix) => ns.startsWith(prefix));
}

const OUTSIDE = new Set<string>([
  NS.hints, NS.eme, NS.delay, NS.sid, NS.stanzaError, 'urn:xmpp:occupant-id:0', 'http://jabber.org/protocol/address',
  'http://jabber.org/protocol/muc#user',
]);

/** Whether an element beside `<encrypted/>` is to be believed. The server could have written any of them. */
export function mayStandOutside(ns: string, name: string): boolean {
  if (ns === NS.receipts || ns === NS.markers) return name === 'request' || name === 'markable';
  if (ns === NS.client) return name === 'error';
  return OUTSIDE.has(ns);
}
