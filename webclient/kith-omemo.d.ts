// SPDX-License-Identifier: AGPL-3.0-or-later

/**
 * The face of kith-omemo.js: the OMEMO core (package omemo compiled to WebAssembly) for a worker. How to use
 * it: README.md.
 *
 * Every function is synchronous, keeps no reference to its arguments, and never throws: it returns its result
 * object or {error}. All byte strings are Uint8Array, decoded from base64 where they come from XML. All times
 * are whole seconds since 1970.
 */

/**
 * Instantiates the module and returns its functions. wasm_exec.js of the Go release that compiled the module
 * must have run before (it defines globalThis.Go). source is a fetch of the module, or its bytes.
 */
export function load(
  source: Response | BufferSource | PromiseLike<Response | BufferSource>,
): Promise<KithOmemo>;

/** The XML namespace of a version of OMEMO. */
export type Version = "eu.siacs.conversations.axolotl" | "urn:xmpp:omemo:2";

/** Undecided and distrusted keys get no messages. */
export type Trust = "undecided" | "blind" | "verified" | "distrusted";

/** What happens to an identity key seen for the first time: blind trust before verification, or ask. */
export type Policy = "btbv" | "ask";

export type Code =
  // decrypt
  | "duplicate" // decrypted before: ignore silently
  | "expired" // genuine perhaps, but so late that its key is no longer kept
  | "no-session" // build a session from the bundle and send an empty message
  | "authentication" // not from the peer of any session, or changed on the way
  | "payload" // the key is genuine, the payload is not what the sender encrypted
  | "too-many-skipped"
  | "no-prekey" // key exchange, or bundle, without one-time prekey
  | "unknown-prekey" // key exchange with a prekey that is used up or was never ours
  | "own-device"
  // encrypt: reasons for leaving out a device (besides no-session, no-prekey, own-device, bad-*)
  | "undecided"
  | "distrusted"
  | "stale" // silent for long
  | "weaker" // reachable in 0.3 only, and there is no body
  // check
  | "envelope" // of another chat or sender: not to be shown
  // general
  | "malformed"
  | "bad-key"
  | "bad-signature"
  | "argument" // a mistake of the caller
  | "not-read" // a record that is needed is missing from records; message names it
  | "no-identity" // create has not run
  | "record" // a stored record is damaged or of a newer release
  | "limit"
  | "internal"; // a defect of the core

export interface Failure {
  /** code is stable; message is English, for the log, and contains no secret. */
  error: { code: Code; message: string };
}

export type Result<T> = (T & { error?: undefined }) | Failure;

/**
 * Stored records by key, as read for one call: null for a record that does not exist. A key that is absent
 * (undefined) counts as not read and makes a call that needs it fail with "not-read".
 */
export type Records = Record<string, Uint8Array | null>;

/** One write to commit: value under key, or deletion for null. */
export interface Change {
  key: string;
  value: Uint8Array | null;
}

export interface Changes {
  /** To be committed in one transaction, together with what the call was for. */
  changes: Change[];
}

export interface Keys {
  keys: string[];
}

/** A device: a bare JID, normalised, and a device id from 1 to 2^31-1. */
export interface Address {
  jid: string;
  device: number;
}

export interface PreKey {
  id: number;
  key: Uint8Array;
}

/** The keys of a bundle as they stand in the XML of a version. */
export interface Bundle {
  identityKey: Uint8Array;
  signedPreKeyId: number;
  signedPreKey: Uint8Array;
  signedPreKeySignature: Uint8Array;
  preKeys: PreKey[];
}

export interface Recipient extends Address {
  version: Version;
  /** Starts a session if there is none that can be used. */
  bundle?: Bundle | undefined;
  /** Starts a new session from the bundle in any case ("replace broken session"). */
  renew?: boolean | undefined;
}

export interface EncryptRequest {
  /**
   * message: with body and/or envelope. empty: moves sessions on; trust does not apply. keyTransport: carries
   * a fresh key for use outside (0.3 only).
   */
  kind: "message" | "empty" | "keyTransport";
  /** UTF-8 text, needed if a recipient has version 0.3. */
  body?: Uint8Array | undefined;
  /** SCE envelope element (XEP-0420), needed if a recipient has omemo:2. */
  envelope?: Uint8Array | undefined;
  /** Every device once, in the better of the versions that it announces; own other devices included. */
  recipients: Recipient[];
  policy: Policy;
  now: number;
}

/** Content of one <key> element. */
export interface EncryptedKey extends Address {
  data: Uint8Array;
  /** Value of the attribute prekey (0.3) or kex (omemo:2). */
  keyExchange: boolean;
  /** Identity key of the device in Curve25519 form. */
  key: Uint8Array;
  trust: Trust;
  /** Messages sent since the device was last heard of; a large number marks a stale device. */
  unanswered: number;
}

/** Content of one <encrypted> element. */
export interface Encrypted {
  version: Version;
  /** <iv>, 0.3 only. */
  iv: Uint8Array | null;
  /** <payload>; null: no such element. */
  payload: Uint8Array | null;
  keys: EncryptedKey[];
  transportKey: Uint8Array | null;
}

/** A device that was left out. */
export interface Skipped extends Address {
  version: Version;
  key: Uint8Array | null;
  reason: Code;
}

export interface EncryptResult extends Changes {
  /** Own device id: the attribute sid. */
  device: number;
  /** At most one per version, both for the same stanza; empty if every device was skipped. */
  elements: Encrypted[];
  skipped: Skipped[];
}

export interface Planned extends Address {
  version: Version;
  key: Uint8Array | null;
  trust: Trust;
  /** A session would be started from the bundle; key is the bundle's claim. */
  newSession: boolean;
  /** null: the device would get the message. */
  reason: Code | null;
}

/** A device to encrypt for, with the versions on whose device lists it stands. */
export interface Target extends Address {
  v03?: boolean | undefined;
  v2?: boolean | undefined;
  /** Starts a session if there is none that can be used; of the version that planSeal has told. */
  bundle?: (Bundle & { version: Version }) | undefined;
  /** The omemo:2 bundle was asked for and could not be had: use 0.3. */
  v2Failed?: boolean | undefined;
  /** The user agreed that this device, which has spoken omemo:2 and no longer announces it, gets 0.3. */
  allowWeaker?: boolean | undefined;
  /** Starts a new session from the bundle in any case. */
  renew?: boolean | undefined;
}

export interface SealRequest {
  /** empty: moves sessions on; trust does not apply. */
  kind: "message" | "empty";
  /** UTF-8 text for devices of 0.3; without it they are skipped as "weaker". */
  body?: Uint8Array | undefined;
  /** UTF-8 XML for the <content/> of the SCE envelope: elements, each with its namespace. */
  content?: Uint8Array | undefined;
  /** Bare JID of the chat: the contact's or the room's. */
  to: string;
  /** Every device once, own other devices included. */
  targets: Target[];
  /** Leave out devices that were sent 106 messages and not heard of for 12 weeks, as "stale". */
  dropStale?: boolean | undefined;
  policy: Policy;
  now: number;
}

export interface SealResult extends EncryptResult {
  /** Still addressed in omemo:2, although they no longer announce it. */
  withdrawn: Address[];
  /** Addressed in 0.3 for want of an omemo:2 bundle, although they announce it. */
  fallback: Address[];
}

export interface CheckRequest {
  /** The sending device as given to decrypt, and the key that decrypt returned. */
  from: Address;
  key: Uint8Array;
  /** Bare JID of the own account. */
  self: string;
  /** Bare JID to which the stanza was sent; in a group the room's. */
  to: string;
  group?: boolean | undefined;
  /** When the stanza was sent by the word of the server, in seconds. */
  sentAt: number;
  /** Of the envelope; left out for a message of 0.3. */
  affixes?: {
    /** Bare JIDs, normalised. */
    from?: string | undefined;
    to?: string | undefined;
    time?: number | undefined;
    recipients?: { jid: string; devices: Uint8Array }[] | undefined;
    devices?: Uint8Array | undefined;
  } | undefined;
  /** Every <key> of every <encrypted> of the stanza; jid in omemo:2 only. */
  keys: { version: Version; jid?: string | undefined; device: number }[];
  /** Ids on the device lists of both versions; left out if not known, or for a message out of the archive. */
  ownListed?: number[] | undefined;
  senderListed?: number[] | undefined;
}

export type FindingKind =
  | "key-stripped" | "key-added" | "device-injected" | "key-replaced" | "own-without-key" | "device-unvouched"
  | "device-unlisted" | "sender-unlisted" | "wrong-time";

export interface CheckResult {
  /** 0 plain, 1 omemo 0.3, 2 omemo:2, 3 omemo:2 whose recipients are as the sender says. */
  level: 0 | 1 | 2 | 3;
  findings: ({ kind: FindingKind } & Address)[];
}

export interface DecryptRequest extends Address {
  /** jid and device are the sender: the real bare JID, also in a room, and the sid. */
  version: Version;
  /** Content of the <key> element for this device. */
  data: Uint8Array;
  /** <iv>, 0.3 only. */
  iv?: Uint8Array | null | undefined;
  /** <payload>; null or undefined: no such element. */
  payload?: Uint8Array | null | undefined;
  policy: Policy;
  now: number;
}

export interface DecryptResult extends Changes {
  /** null for an empty message: nothing to show. */
  plaintext: Uint8Array | null;
  /** Key of a 0.3 message without payload. */
  transportKey: Uint8Array | null;
  /** Identity key of the sending device in Curve25519 form. */
  key: Uint8Array;
  trust: Trust;
  /** The key was not known for this JID before. */
  newKey: boolean;
  /** The new session is with another identity key than the one before. */
  keyChanged: boolean;
  /** The message made a new session. */
  newSession: boolean;
  /** Call maintain (at once, or at the end of catch-up). */
  preKeyUsed: boolean;
  /** Call settle (at once, or at the end of catch-up). */
  due: boolean;
}

export interface KnownKey {
  key: Uint8Array;
  trust: Trust;
  /** Device id with which the key was seen first, 0 if never. */
  device: number;
  firstSeen: number;
}

export interface KithOmemo {
  // Identity and bundle

  /** A random device id that is not among those taken (the ids on the account's published lists). */
  newDeviceId(taken: number[]): Result<{ device: number }>;
  /**
   * Makes identity and prekeys. seed (from exportSeed) restores an identity. All session records must be
   * deleted in the same transaction.
   */
  create(request: Address & { seed?: Uint8Array | undefined; now: number }): Result<Changes>;
  /** Needs "identity". */
  identity(records: Records): Result<Address & { key: Uint8Array }>;
  /** Private seed of the identity for a backup. Needs "identity". */
  exportSeed(records: Records): Result<{ seed: Uint8Array }>;
  /** What to publish. Needs "identity" and "prekeys". */
  bundle(records: Records, request: { version: Version }): Result<Bundle>;
  /**
   * Refills and rotates prekeys. If publish is set, publish the bundle in both versions after the commit.
   * To be called after preKeyUsed, when catch-up has ended, and once a day. Needs "identity" and "prekeys".
   */
  maintain(
    records: Records,
    request: { now: number; catchUp?: boolean | undefined },
  ): Result<Changes & { publish: boolean }>;
  /** labelsig of this device's label (omemo:2). Needs "identity". "argument": a label of 32 or 33 bytes, as long as a prekey. */
  signLabel(records: Records, label: string): Result<{ signature: Uint8Array }>;
  /** {} if the signature is good; key is the identity key of the device. */
  verifyLabel(key: Uint8Array, label: string, signature: Uint8Array): Result<object>;

  // Sending

  /** Records that encrypt needs for these recipients. */
  encryptNeeds(recipients: Recipient[]): Result<Keys>;
  encrypt(records: Records, request: EncryptRequest): Result<EncryptResult>;

  /** Records that planSeal and seal need for these targets. */
  sealNeeds(targets: Target[]): Result<Keys>;
  /**
   * What seal would do: in which version each device would be addressed; "no-session" with the version whose bundle is
   * to be fetched.
   */
  planSeal(records: Records, request: { targets: Target[]; policy: Policy }): Result<{ devices: Planned[] }>;
  /**
   * Encrypts for each device in the best version that it announces, and makes the SCE envelope for omemo:2 with padding,
   * time, chat, sender and the signed view of recipients and own devices.
   */
  seal(records: Records, request: SealRequest): Result<SealResult>;

  // Receiving

  /** Records that decrypt needs for this message. */
  decryptNeeds(message: DecryptRequest): Result<Keys>;
  /** A failure changes nothing. */
  decrypt(records: Records, message: DecryptRequest): Result<DecryptResult>;

  /** Records that check needs. */
  checkNeeds(request: CheckRequest): Result<Keys>;
  /**
   * Checks a message that was decrypted: for whom and by whom it was written, and header and device lists against what
   * the sender says of them. Error "envelope": it belongs to another chat or sender and is not to be shown.
   */
  check(records: Records, request: CheckRequest): Result<CheckResult>;

  // Empty messages that the protocol owes

  /** Records that settle needs. Needs "due" itself. */
  settleNeeds(records: Records): Result<Keys>;
  /** Makes the empty messages: one <message/> with <store/> hint and without body for each. */
  settle(records: Records): Result<Changes & { device: number; messages: { to: string; element: Encrypted }[] }>;

  // Trust

  /** Needs the record "trust/<jid>". */
  knownKeys(records: Records, jid: string): Result<{ known: KnownKey[] }>;
  /** Records the user's decision. Needs the record "trust/<jid>". */
  setTrust(
    records: Records,
    request: { jid: string; key: Uint8Array; trust: Trust; now: number },
  ): Result<Changes>;

  // Fingerprints

  /** xmpp:user@example.org?omemo-sid-123=...;omemo-sid-456=... for a QR code. */
  formatUri(jid: string, keys: { device: number; key: Uint8Array }[]): Result<{ text: string }>;
  parseUri(uri: string): Result<{ jid: string; keys: { device: number; key: Uint8Array }[] }>;
}
