/**
 * Keys of calls. A call's DTLS fingerprint is encrypted for the one device that takes the call, so that no server stands
 * between (as Conversations, Dino and Monal do it); frames of group calls are encrypted with SFrame (RFC 9605) under secrets
 * that travel in omemo:2 messages. The rules are those of the core (omemo/calls.go, omemo/callkeys.go).
 */
import type { Bytes, DeviceAddress, KeyTrust } from './engine';

/** Of `<fingerprint>` around `<encrypted>` in a transport, and of `<device id=''/>` in `<proceed>`. The spelling is the field's. */
export const CALL_VERIFICATION = 'http://gultsch.de/xmpp/drafts/omemo/dlts-srtp-verification';

/** RFC 8122 section 5. */
export interface CallFingerprint {
  readonly hash: 'sha-256' | 'sha-384' | 'sha-512';
  /** Hexadecimal in upper case, bytes separated by colons. */
  readonly text: string;
}

const HASHES: readonly (readonly [CallFingerprint['hash'], number])[] = [['sha-256', 32], ['sha-384', 48], ['sha-512', 64]];

/** `undefined` for what is none, and for hash functions that are too weak. */
export function parseFingerprint(hash: string, text: string): CallFingerprint | undefined {
  const found = HASHES.find(([name]) => name === hash.toLowerCase());
  const value = text.trim().toUpperCase();
  if (!found || value.length !== 3 * found[1] - 1 || !/^[0-9A-F]{2}(?::[0-9A-F]{2})*$/.test(value)) return undefined;
  return { hash: found[0], text: value };
}

/** What one content of the session has shown of the other side. */
export interface CallParty {
  readonly fingerprint: CallFingerprint;
  /** The device whose message the fingerprint was in, and its key. */
  readonly from: DeviceAddress;
  readonly key: string;
  readonly trust: KeyTrust;
}

/**
 * The trust in the other side of a call; `undefined`: not verified. All contents must be by one device and one key, and none
 * in clear. `device`: for which our own fingerprint was encrypted.
 */
export function verifyCall(contents: readonly CallParty[], inClear: boolean, device?: DeviceAddress): KeyTrust | undefined {
  const [first] = contents;
  if (!first || inClear) return undefined;
  const { from, key, trust } = first;
  if (device && !sameDevice(from, device)) return undefined;
  return contents.every((party) => sameDevice(party.from, from) && party.key === key) ? trust : undefined;
}

function sameDevice(a: DeviceAddress, b: DeviceAddress): boolean {
  return a.jid === b.jid && a.device === b.device;
}

// ── group calls ──

/** AES_128_GCM_SHA256_128. */
const SUITE = 4;
const STEPS = 256;
const MAX_SENDER = 2 ** 24 - 1;
const encoder = new TextEncoder();

/** What one device encrypts its frames with; new when somebody has left the call. */
export function newCallSecret(): Bytes {
  return crypto.getRandomValues(new Uint8Array(32));
}

/** The secret after this one, when somebody joins; it says nothing of the one before (RFC 9605 section 5.1). */
export async function nextCallSecret(secret: Bytes): Promise<Bytes> {
  return derive(await material(secret), encoder.encode('SFrame 1.0 Ratchet'), 32);
}

/** The key id (KID) of frames by a sender, whose number is unique in the call, after so many steps. */
export function callKeyId(sender: number, step: number): bigint {
  if (!Number.isInteger(sender) || sender < 0 || sender > MAX_SENDER) throw new RangeError('number of the sender');
  return BigInt(sender) * BigInt(STEPS) + BigInt(step % STEPS);
}

export interface FrameKey {
  readonly key: CryptoKey;
  /** 12 bytes; XORed with the counter it is the nonce. */
  readonly salt: Bytes;
}

/** RFC 9605 section 4.4.2. */
export async function frameKey(secret: Bytes, keyId: bigint): Promise<FrameKey> {
  const from = await material(secret);
  const key = await derive(from, label('SFrame 1.0 Secret key ', keyId), 16);
  const salt = await derive(from, label('SFrame 1.0 Secret salt ', keyId), 12);
  return { key: await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt', 'decrypt']), salt };
}

function material(secret: Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits']);
}

async function derive(from: CryptoKey, info: Bytes, length: number): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info }, from, 8 * length));
}

function label(text: string, keyId: bigint): Bytes {
  const prefix = encoder.encode(text);
  const out = new Uint8Array(prefix.length + 10);
  out.set(prefix);
  const view = new DataView(out.buffer, prefix.length);
  view.setBigUint64(0, keyId);
  view.setUint16(8, SUITE);
  return out;
}
