import type { Address, Commands, Reason } from '../core/api';
import { reasonOf } from './reason';

/** What comparing a code with the keys we know told. */
export type Verdict =
  | { readonly kind: 'fits'; readonly verified: number }
  /** A code, but of somebody else. */
  | { readonly kind: 'other'; readonly address: Address }
  /** A key in the code is not the key we were given: somebody may sit in between. */
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'not-code' }
  | { readonly kind: 'failed'; readonly reason: Reason };

/** Checks a code that was scanned or pasted, for the person whose chat it was opened from. */
export async function verify(core: Pick<Commands, 'verifyUri'>, address: Address, text: string): Promise<Verdict> {
  const code = text.trim();
  const owner = /^xmpp:([^?;#]+)\?/i.exec(code)?.[1];
  if (!owner || !/omemo-sid-/i.test(code)) return { kind: 'not-code' };
  // Asked before the keys are looked at: a code of somebody else must not count as a verdict on this chat.
  const named = decodeURIComponent(owner).toLowerCase();
  if (named !== address.toLowerCase()) return { kind: 'other', address: named };
  try {
    const result = await core.verifyUri(code);
    return { kind: 'fits', verified: result.verified };
  } catch (error) {
    const reason = reasonOf(error);
    return reason.code === 'not-found' ? { kind: 'mismatch' } : { kind: 'failed', reason };
  }
}
