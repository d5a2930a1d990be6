/**
 * SCRAM (RFC 5802, RFC 7677) for a client that cannot bind to its TLS channel, with the downgrade protection of
 * XEP-0474, and the verifiers that a server keeps instead of a password.
 */
import { equalBytes, fromBase64, fromUtf8, toBase64, utf8, type Bytes } from './bytes';
import { ProtocolError } from './errors';

export type ScramMechanism = 'SCRAM-SHA-1' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';

const HASHES: Readonly<Record<ScramMechanism, 'SHA-1' | 'SHA-256' | 'SHA-512'>> = {
  'SCRAM-SHA-1': 'SHA-1', 'SCRAM-SHA-256': 'SHA-256', 'SCRAM-SHA-512': 'SHA-512',
};
const BITS: Readonly<Record<ScramMechanism, number>> = { 'SCRAM-SHA-1': 160, 'SCRAM-SHA-256': 256, 'SCRAM-SHA-512': 512 };
const PREFERENCE: readonly ScramMechanism[] = ['SCRAM-SHA-256', 'SCRAM-SHA-512', 'SCRAM-SHA-1'];
/** RFC 5802 section 5.1 asks for 4096 at least; the upper bound keeps a server from spending our battery. */
const MIN_ITERATIONS = 4096;
const MAX_ITERATIONS = 2_000_000;
const MAX_MESSAGE = 4096;

/** The mechanism to use of those that a server offers; PLAIN is never one. */
export function chooseMechanism(offered: readonly string[]): ScramMechanism | undefined {
  return PREFERENCE.find((mechanism) => offered.includes(mechanism));
}

/** What the server told before authentication; XEP-0474 lets it repeat that under the password's signature. */
export interface Advertised {
  readonly mechanisms: readonly string[];
  /** Absent when the server announced no channel bindings at all (XEP-0440). */
  readonly channelBindings?: readonly string[];
}

const GS2 = 'n,,';

/** One authentication: first(), then final() with the server's first message, then verify() with its last. */
export class ScramClient {
  private readonly firstBare: string;
  private serverSignature: Bytes | undefined;

  constructor(
    private readonly mechanism: ScramMechanism,
    username: string,
    private readonly password: string,
    private readonly advertised: Advertised | undefined,
    private readonly nonce: string = toBase64(crypto.getRandomValues(new Uint8Array(24))),
  ) {
    this.firstBare = `n=${username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
  }

  first(): Bytes {
    return utf8(GS2 + this.firstBare);
  }

  /** The client's proof; rejects with ProtocolError when the server's message is not to be trusted. */
  async final(challenge: Uint8Array): Promise<Bytes> {
    const serverFirst = decode(challenge);
    const { nonce, salt, iterations, downgrade } = parseServerFirst(serverFirst);
    if (!nonce.startsWith(this.nonce) || nonce.length <= this.nonce.length) throw new ProtocolError('SCRAM: nonce not ours');
    if (iterations < MIN_ITERATIONS || iterations > MAX_ITERATIONS) throw new ProtocolError('SCRAM: iteration count out of bounds');
    if (downgrade !== undefined && this.advertised) {
      const expected = toBase64(await digest(this.mechanism, utf8(downgradeString(this.advertised))));
      if (downgrade !== expected) throw new ProtocolError('SCRAM: the list of mechanisms was changed on the way');
    }
    const salted = await saltPassword(this.mechanism, this.password, salt, iterations);
    const clientKey = await hmac(this.mechanism, salted, utf8('Client Key'));
    const storedKey = await digest(this.mechanism, clientKey);
    const finalBare = `c=${toBase64(utf8(GS2))},r=${nonce}`;
    const authMessage = utf8(`${this.firstBare},${serverFirst},${finalBare}`);
    const signature = await hmac(this.mechanism, storedKey, authMessage);
    const serverKey = await hmac(this.mechanism, salted, utf8('Server Key'));
    this.serverSignature = await hmac(this.mechanism, serverKey, authMessage);
    return utf8(`${finalBare},p=${toBase64(clientKey.map((byte, i) => byte ^ (signature[i] ?? 0)))}`);
  }

  /** Throws when the server cannot prove that it knows the verifier. */
  verify(outcome: Uint8Array | undefined): void {
    const message = outcome && decode(outcome);
    const signature = message === undefined ? undefined : /^v=([^,]+)/.exec(message)?.[1];
    if (!this.serverSignature || signature === undefined || !equalBytes(base64(signature), this.serverSignature)) {
      throw new ProtocolError('SCRAM: the server did not prove that it knows the password');
    }
  }
}

function parseServerFirst(message: string): { nonce: string; salt: Bytes; iterations: number; downgrade: string | undefined } {
  const match = /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/=]+),i=([1-9]\d{0,8})((?:,[A-Za-z]=[^,]*)*)$/.exec(message);
  if (!match) throw new ProtocolError('SCRAM: malformed challenge');
  const salt = base64(match[2] ?? '');
  if (salt.length === 0) throw new ProtocolError('SCRAM: empty salt');
  const downgrade = /,h=([^,]*)/.exec(match[4] ?? '')?.[1];
  return { nonce: match[1] ?? '', salt, iterations: Number(match[3]), downgrade };
}

function downgradeString(advertised: Advertised): string {
  // Names of mechanisms and bindings are ASCII, so that the order of UTF-16 units is i;octet.
  const sorted = (list: readonly string[]): string => [...list].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)).join('\x1e');
  return sorted(advertised.mechanisms) + (advertised.channelBindings ? '\x1f' + sorted(advertised.channelBindings) : '');
}

/** What the server stores for one mechanism instead of the password (RFC 5802 section 3). */
export interface ScramVerifier {
  readonly mechanism: ScramMechanism;
  readonly salt: Bytes;
  readonly iterations: number;
  readonly storedKey: Bytes;
  readonly serverKey: Bytes;
}

export async function computeVerifier(
  mechanism: ScramMechanism, password: string, salt: Bytes, iterations: number,
): Promise<ScramVerifier> {
  const salted = await saltPassword(mechanism, password, salt, iterations);
  const clientKey = await hmac(mechanism, salted, utf8('Client Key'));
  return {
    mechanism, salt, iterations,
    storedKey: await digest(mechanism, clientKey),
    serverKey: await hmac(mechanism, salted, utf8('Server Key')),
  };
}

/** Verifiers for all mechanisms, each with a salt of its own. `password` is prepared already. */
export function computeVerifiers(password: string, iterations: number): Promise<ScramVerifier[]> {
  return Promise.all(PREFERENCE.map((mechanism) =>
    computeVerifier(mechanism, password, crypto.getRandomValues(new Uint8Array(16)), iterations)));
}

async function saltPassword(mechanism: ScramMechanism, password: string, salt: Bytes, iterations: number): Promise<Bytes> {
  const key = await crypto.subtle.importKey('raw', utf8(password), 'PBKDF2', false, ['deriveBits']);
  const parameters = { name: 'PBKDF2', hash: HASHES[mechanism], salt, iterations };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, BITS[mechanism]));
}

async function hmac(mechanism: ScramMechanism, key: Bytes, data: Bytes): Promise<Bytes> {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: HASHES[mechanism] }, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, data));
}

async function digest(mechanism: ScramMechanism, data: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest(HASHES[mechanism], data));
}

function decode(message: Uint8Array): string {
  if (message.length > MAX_MESSAGE) throw new ProtocolError('SCRAM: message too long');
  try {
    return fromUtf8(message);
  } catch {
    throw new ProtocolError('SCRAM: not UTF-8');
  }
}

function base64(text: string): Bytes {
  try {
    return fromBase64(text);
  } catch {
    throw new ProtocolError('SCRAM: not base64');
  }
}
