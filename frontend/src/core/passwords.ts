/** New passwords: only what SCRAM needs leaves this browser, never the password. */
import { toBase64 } from '../xmpp/bytes';
import type { Verifier } from '../xmpp/kith_account';
import { saslprep } from '../xmpp/saslprep';
import { computeVerifiers, type ScramVerifier } from '../xmpp/scram';
import { fail } from './reasons';

const MIN_ITERATIONS = 10_000;
const MAX_ITERATIONS = 1_000_000;
const MAX_LENGTH = 1024;
export const DEFAULT_MIN_PASSWORD = 8;

/** Verifiers for every mechanism. Rejects with CoreError `password-weak`. */
export async function verifiersFor(password: string, minimum: number, iterations: number): Promise<ScramVerifier[]> {
  let prepared: string;
  try {
    prepared = saslprep(password);
  } catch (error) {
    throw fail('password-weak', error instanceof Error ? error.message : undefined);
  }
  const { length } = [...prepared];
  if (length < minimum) throw fail('password-weak', `at least ${minimum} characters`);
  if (length > MAX_LENGTH) throw fail('password-weak', `at most ${MAX_LENGTH} characters`);
  return computeVerifiers(prepared, Math.min(MAX_ITERATIONS, Math.max(MIN_ITERATIONS, iterations)));
}

/** As it travels, in the element `kith:credentials:0` as in the HTTP API. */
export function verifierData(verifier: ScramVerifier): Verifier {
  return {
    mechanism: verifier.mechanism, salt: toBase64(verifier.salt), iterations: verifier.iterations,
    storedKey: toBase64(verifier.storedKey), serverKey: toBase64(verifier.serverKey),
  };
}
