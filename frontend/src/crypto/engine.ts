/**
 * What the core needs of OMEMO (XEP-0384): pure functions from records and wire bytes to wire bytes and changed
 * records. The real one is Go compiled to WebAssembly (`wasm.ts`); nothing here knows that.
 *
 * Use: ask which records an operation needs, read exactly these (null: does not exist), call it, commit all changes
 * together with what the result is for, and only then send or acknowledge. An operation that throws changed nothing.
 */

import type { Level } from './protection';

export type Bytes = Uint8Array<ArrayBuffer>;

/** 1: `eu.siacs.conversations.axolotl` (0.3). 2: `urn:xmpp:omemo:2`. */
export type Version = 1 | 2;
export const V03: Version = 1;
export const V2: Version = 2;

export type Records = ReadonlyMap<string, Bytes | null>;

export interface RecordChange {
  readonly key: string;
  /** null: delete. */
  readonly value: Bytes | null;
}

export type KeyTrust = 'undecided' | 'trusted' | 'verified' | 'distrusted';

export interface DeviceAddress {
  /** Bare address. */
  readonly jid: string;
  readonly device: number;
}

export interface BundleData {
  readonly version: Version;
  readonly identityKey: Bytes;
  readonly signedPreKeyId: number;
  readonly signedPreKey: Bytes;
  readonly signature: Bytes;
  readonly preKeys: readonly { readonly id: number; readonly key: Bytes }[];
}

export interface Recipient extends DeviceAddress {
  readonly version: Version;
  readonly bundle?: BundleData;
  /** Start a new session from the bundle even if there is one. */
  readonly renew?: boolean;
}

export interface SealedKey extends DeviceAddress {
  readonly data: Bytes;
  readonly keyExchange: boolean;
  readonly fingerprint: string;
  readonly trust: KeyTrust;
}

/** Content of one `<encrypted>`. */
export interface SealedElement {
  readonly version: Version;
  readonly iv?: Bytes;
  readonly payload?: Bytes;
  readonly keys: readonly SealedKey[];
}

export interface SkippedDevice extends DeviceAddress {
  readonly version: Version;
  /** `no-session`, `undecided`, `distrusted`, `own-device`, or what is wrong with its bundle. */
  readonly reason: string;
  /** Absent when the key is not known. */
  readonly fingerprint?: string;
}

export interface EncryptRequest {
  /** `empty` moves the sessions on and carries nothing; trust does not apply to it. */
  readonly kind: 'message' | 'empty';
  readonly body?: Bytes;
  readonly recipients: readonly Recipient[];
  /** Seconds since epoch. */
  readonly now: number;
}

export interface EncryptResult {
  /** Our device id. */
  readonly device: number;
  readonly elements: readonly SealedElement[];
  readonly skipped: readonly SkippedDevice[];
  readonly changes: readonly RecordChange[];
}

export interface DecryptRequest {
  readonly version: Version;
  readonly from: DeviceAddress;
  /** The `<key>` that is for this device. */
  readonly key: Bytes;
  readonly iv?: Bytes;
  readonly payload?: Bytes;
  readonly now: number;
}

export interface DecryptResult {
  /** Absent on a message without payload. */
  readonly plaintext?: Bytes;
  readonly fingerprint: string;
  readonly trust: KeyTrust;
  /** This identity key was not known for the sender before. */
  readonly newKey: boolean;
  /** This device had another identity key until now. */
  readonly keyChanged: boolean;
  readonly preKeyUsed: boolean;
  /** An empty message is owed; `settle` makes it. */
  readonly due: boolean;
  readonly changes: readonly RecordChange[];
}

export interface KnownKey {
  readonly fingerprint: string;
  readonly trust: KeyTrust;
  /** Device that showed the key first; 0: only named, by a scanned code. */
  readonly device: number;
}

/** A device to encrypt for, with the versions on whose device lists it stands. */
export interface Target extends DeviceAddress {
  readonly v03: boolean;
  readonly v2: boolean;
  /** Starts a session if there is none; of the version that `planSeal` has told. */
  readonly bundle?: BundleData;
  /** The bundle for omemo:2 was asked for and could not be had: use 0.3. */
  readonly v2Failed?: boolean;
  /** The user agreed that this device, which has spoken omemo:2 and no longer announces it, gets 0.3. */
  readonly allowWeaker?: boolean;
  readonly renew?: boolean;
}

/** What `seal` would do for one device. */
export interface PlannedDevice extends DeviceAddress {
  readonly version: Version;
  readonly trust: KeyTrust;
  /** Absent when the key is not known. */
  readonly fingerprint?: string;
  /** Absent: it would get the message. `no-session`: the bundle of this version is to be fetched. */
  readonly reason?: string;
}

export interface SealRequest {
  readonly kind: 'message' | 'empty';
  /** The text for devices of 0.3; without it they are skipped as `weaker`. */
  readonly body?: Bytes;
  /** For devices of omemo:2: elements as XML, each with its namespace. The envelope around them is made here. */
  readonly content?: Bytes;
  /** Bare address of the chat: the contact's or the room's. */
  readonly to: string;
  /** Every device once, the own other devices included. */
  readonly targets: readonly Target[];
  /** Leave out devices that were sent 106 messages and have been silent for 12 weeks, as `stale`. */
  readonly dropStale?: boolean;
  /** Seconds since epoch. */
  readonly now: number;
}

export interface SealResult extends EncryptResult {
  /** Still addressed in omemo:2 although they no longer announce it: the user may allow 0.3. */
  readonly withdrawn: readonly DeviceAddress[];
  /** Addressed in 0.3 for want of a bundle, although they announce omemo:2. */
  readonly fallback: readonly DeviceAddress[];
}

/** The affixes of an envelope (`xmpp/xep0420_sce`). */
export interface Affixes {
  readonly from?: string;
  readonly to?: string;
  /** Seconds since epoch. */
  readonly time?: number;
  readonly recipients?: readonly { readonly jid: string; readonly devices: Bytes }[];
  readonly devices?: Bytes;
}

export interface CheckRequest {
  readonly from: DeviceAddress;
  /** As `decrypt` has returned it. */
  readonly fingerprint: string;
  /** Bare address of the own account. */
  readonly self: string;
  /** Bare address to which the stanza was sent; in a group the room's. */
  readonly to: string;
  readonly group: boolean;
  /** When the stanza was sent by the word of the server, in seconds since epoch. */
  readonly sentAt: number;
  /** Absent for a message of 0.3. */
  readonly affixes?: Affixes;
  /** Every `<key>` of every `<encrypted>` in the stanza; `jid` in omemo:2 only. */
  readonly keys: readonly { readonly version: Version; readonly jid?: string; readonly device: number }[];
  /** Ids on the device lists of both versions. Absent if not known, and for messages out of the archive. */
  readonly ownListed?: readonly number[];
  readonly senderListed?: readonly number[];
}

/** `jid` and `device` say which device it is about; empty and 0 for `wrong-time`. */
export interface Finding extends DeviceAddress {
  readonly kind: 'key-stripped' | 'key-added' | 'device-injected' | 'key-replaced' | 'own-without-key' | 'device-unvouched'
    | 'device-unlisted' | 'sender-unlisted' | 'wrong-time';
}

export interface CheckResult {
  readonly level: Level;
  readonly findings: readonly Finding[];
}

export interface OmemoEngine {
  newDeviceId(taken: readonly number[]): number;
  create(jid: string, device: number, now: number): readonly RecordChange[];
  /** Needs `identity`. */
  identity(records: Records): { readonly device: number; readonly fingerprint: string };
  /** Needs `identity` and `prekeys`. */
  bundle(records: Records, version: Version): BundleData;
  /** Needs `identity` and `prekeys`. */
  maintain(records: Records, now: number, catchUp: boolean): { readonly publish: boolean; readonly changes: readonly RecordChange[] };

  /** Signs what this device is called on the list of omemo:2. Needs `identity`. Throws OmemoError `argument` where it has 32 or 33 bytes, as keys do. */
  signLabel(records: Records, label: string): Bytes;
  /** Whether the device with this key has signed that name. */
  verifyLabel(fingerprint: string, label: string, signature: Bytes): boolean;

  encryptNeeds(recipients: readonly Recipient[]): readonly string[];
  encrypt(records: Records, request: EncryptRequest): EncryptResult;

  sealNeeds(targets: readonly Target[]): readonly string[];
  /** In which version each device would be addressed, and which bundles are to be fetched for that. */
  planSeal(records: Records, targets: readonly Target[]): readonly PlannedDevice[];
  /** Encrypts for each device in the best version that it announces; both elements belong into one stanza. */
  seal(records: Records, request: SealRequest): SealResult;

  checkNeeds(request: CheckRequest): readonly string[];
  /**
   * Checks what was decrypted: for whom and by whom it was written, and what header and device lists show against what the
   * sender says. Throws OmemoError `envelope` when it belongs to another chat or sender: then it must not be shown.
   */
  check(records: Records, request: CheckRequest): CheckResult;

  decryptNeeds(request: DecryptRequest): readonly string[];
  decrypt(records: Records, request: DecryptRequest): DecryptResult;

  /** Needs `due`; tells what `settle` needs. */
  settleNeeds(records: Records): readonly string[];
  settle(records: Records): {
    readonly device: number;
    readonly messages: readonly { readonly to: string; readonly element: SealedElement }[];
    readonly changes: readonly RecordChange[];
  };

  /** Both need `trust/<jid>`. */
  knownKeys(records: Records, jid: string): readonly KnownKey[];
  setTrust(records: Records, jid: string, fingerprint: string, trust: KeyTrust, now: number): readonly RecordChange[];

  formatUri(jid: string, keys: readonly { readonly device: number; readonly fingerprint: string }[]): string;
  /** Throws OmemoError `malformed`. */
  parseUri(uri: string): { readonly jid: string; readonly keys: readonly { readonly device: number; readonly fingerprint: string }[] };
}

export const KEY_IDENTITY = 'identity';
export const KEY_PREKEYS = 'prekeys';
export const KEY_DUE = 'due';
export const trustKey = (jid: string): string => `trust/${jid}`;
export const sessionKey = (to: DeviceAddress, version: Version): string => `session/${to.jid}/${to.device}/${version}`;

/** Codes by which the core decides; the others are only told. */
export type OmemoCode = 'duplicate' | 'no-session' | 'own-device' | 'not-read' | 'no-identity' | 'malformed' | (string & {});

export class OmemoError extends Error {
  constructor(readonly code: OmemoCode, detail = '') {
    super(detail === '' ? `omemo: ${code}` : `omemo: ${code}: ${detail}`);
    this.name = 'OmemoError';
  }
}
