/**
 * What devices are called on the list of omemo:2 (XEP-0384 section 5.3.1). Everybody can read that list, and a server can write
 * into it: a name counts if the key of its device has signed it.
 */
import type { OmemoEngine } from '../../crypto/engine';
import type { DeviceEntry } from '../../db/schema';
import { fromBase64, utf8 } from '../../xmpp/bytes';

/** Code points; "under 53" says the specification. */
export const LABEL_LENGTH = 52;
/** The name of somebody else's device is kept in the list up to this length, so that it comes out as it came in. */
const MAX_KEPT = 200;
const MAX_SIGNATURE = 100;
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}]/u;
const GAPS = /[\s\p{Cc}]+/gu;
/** So many bytes have public keys, which are signed in the same way: a name must not pass for one. */
const LIKE_KEYS = new Set([32, 33]);

/** A name as a person writes it, as it is signed; empty: none. */
export function labelFor(name: string): string {
  let label = [...name.replace(GAPS, ' ').trim()].slice(0, LABEL_LENGTH).join('').trim();
  while (LIKE_KEYS.has(utf8(label).length)) label += ' ';
  return label;
}

/** What is kept of a name on a list, whether its signature is good or not. */
export function keptLabel(label: string | undefined, labelsig: string | undefined): DeviceEntry['announced'] {
  if (label === undefined || labelsig === undefined || [...label].length > MAX_KEPT || labelsig.length > MAX_SIGNATURE) return undefined;
  return { label, labelsig };
}

/** What a device is called by itself, for people to read; `undefined`: nothing that could be believed. */
export function shownLabel(engine: OmemoEngine, { announced, fingerprint }: DeviceEntry): string | undefined {
  const { label, labelsig } = announced ?? {};
  if (fingerprint === undefined || label === undefined || labelsig === undefined || CONTROLS.test(label)) return undefined;
  const text = [...label.trim()].slice(0, LABEL_LENGTH + 1).join('');
  return text !== '' && isSigned(engine, fingerprint, label, labelsig) ? text : undefined;
}

function isSigned(engine: OmemoEngine, fingerprint: string, label: string, signature: string): boolean {
  try {
    return engine.verifyLabel(fingerprint, label, fromBase64(signature));
  } catch {
    return false; // no Base64
  }
}
