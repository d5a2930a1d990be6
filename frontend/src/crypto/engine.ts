/**
 * What the core needs of OMEMO (XEP-0384): pure functions from records and wire bytes to wire bytes and changed
 * records. The real one is Go compiled to WebAssembly (`wasm.ts`); nothing here knows that.
 *
 * Use: ask which records an operation needs, read exactly these (null: does not exist), call it, commit all changes
 * together with what the result is for, and only then send or acknowledge. An operation that throws changed nothing.
 */

export type Bytes = Uint8Array<ArrayBuffer>;

/** 1: `eu.siacs.conversations.axolotl` (0.3). 2: `urn:xmpp:omemo:2`. */
export type Version = 1 | 2;
export const V03: Version = 1;

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
  /** Messages of the archive are being read: used prekeys stay until `maintain` without it. */
  readonly catchUp: boolean;
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
  /** Device that showed the key last; 0: only named, by a scanned code. */
  readonly device: number;
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

  encryptNeeds(recipients: readonly Recipient[]): readonly string[];
  encrypt(records: Records, request: EncryptRequest): EncryptResult;

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
