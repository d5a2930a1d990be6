/** The hashed token mechanism without channel binding, HT-SHA-256-NONE (draft-schmaus-kitten-sasl-ht). */
import { concat, equalBytes, utf8, type Bytes } from './bytes';
import { ProtocolError } from './errors';

async function hashed(token: string, role: 'Initiator' | 'Responder'): Promise<Bytes> {
  const key = await crypto.subtle.importKey('raw', utf8(token), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, utf8(role)));
}

export async function htFirst(username: string, token: string): Promise<Bytes> {
  return concat(utf8(username), new Uint8Array(1), await hashed(token, 'Initiator'));
}

/** Rejects when the server cannot prove that it knows the token. */
export async function htVerify(token: string, outcome: Uint8Array | undefined): Promise<void> {
  if (!outcome || !equalBytes(outcome, await hashed(token, 'Responder'))) {
    throw new ProtocolError('the server did not prove that it knows the token');
  }
}
