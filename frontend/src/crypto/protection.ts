/**
 * How well a message was protected, and what follows for messages that change or answer it. The rules are those of the
 * core (omemo/protection.go); they are needed where messages are stored, without the core.
 */
import type { KeyTrust } from './engine';

/**
 * 0: plain. 1: OMEMO 0.3; only the text is encrypted, and another recipient could have replaced it. 2: omemo:2. 3: omemo:2, and
 * the stanza agrees with the sender about whom it was encrypted for.
 */
export type Level = 0 | 1 | 2 | 3;

export interface Protection {
  readonly level: Level;
  /** Of the sending device's key when the message came; of no matter for a plain message. */
  readonly trust: KeyTrust;
}

const RANK: Readonly<Record<KeyTrust, number>> = { verified: 3, trusted: 2, undecided: 1, distrusted: 0 };

export function atLeast(protection: Protection, other: Protection): boolean {
  return protection.level >= other.level && (other.level === 0 || RANK[protection.trust] >= RANK[other.trust]);
}

export interface Authored extends Protection {
  /** Bare address, in a room the real one; absent if it is not known. */
  readonly from: string | undefined;
}

/** Whether a message may correct or retract an earlier one: same sender, and at least as well protected. */
export function mayChange(earlier: Authored, change: Authored): boolean {
  return earlier.from !== undefined && earlier.from !== '' && change.from === earlier.from && atLeast(change, earlier);
}

/** Whether a reaction or a reply counts for a message: anybody's, but encrypted if that is encrypted, and from a key that is trusted. */
export function mayReact(message: Protection, reaction: Protection): boolean {
  return message.level === 0 || (reaction.level !== 0 && RANK[reaction.trust] >= RANK.trusted);
}
