/** The functions that the WebAssembly module offers, as the core wants them. */
import type {
  Address, Bundle, Change, CheckRequest as RawCheck, DecryptRequest as RawDecrypt, Encrypted, EncryptResult as RawEncryptResult, KithOmemo,
  Recipient as RawRecipient, Result, Target as RawTarget, Trust, Version as Namespace,
} from '../../../webclient/kith-omemo';
import {
  OmemoError, type BundleData, type Bytes, type CheckRequest, type DecryptRequest, type DeviceAddress, type EncryptResult, type KeyTrust,
  type OmemoEngine, type Recipient, type RecordChange, type Records, type SealedElement, type Target, type Version,
} from './engine';

const NAMESPACES: Readonly<Record<Version, Namespace>> = { 1: 'eu.siacs.conversations.axolotl', 2: 'urn:xmpp:omemo:2' };
/** Blind trust before verification. */
const policy = 'btbv';

export function bridge(core: KithOmemo): OmemoEngine {
  return {
    newDeviceId: (taken) => get(core.newDeviceId([...taken])).device,
    create: (jid, device, now) => changes(get(core.create({ jid, device, now }))),
    identity(records) {
      const { device, key } = get(core.identity(plain(records)));
      return { device, fingerprint: hex(key) };
    },
    bundle: (records, version) => bundleData(get(core.bundle(plain(records), { version: NAMESPACES[version] })), version),
    maintain(records, now, catchUp) {
      const answer = get(core.maintain(plain(records), { now, catchUp }));
      return { publish: answer.publish, changes: changes(answer) };
    },
    signLabel: (records, label) => bytes(get(core.signLabel(plain(records), label)).signature),
    verifyLabel: (fingerprint, label, signature) => core.verifyLabel(unhex(fingerprint), label, signature).error === undefined,
    encryptNeeds: (recipients) => get(core.encryptNeeds(recipients.map(rawRecipient))).keys,
    encrypt(records, { kind, body, recipients, now }) {
      return encryptResult(get(core.encrypt(plain(records), { kind, body, recipients: recipients.map(rawRecipient), policy, now })));
    },
    sealNeeds: (targets) => get(core.sealNeeds(targets.map(rawTarget))).keys,
    planSeal: (records, targets) => get(core.planSeal(plain(records), { targets: targets.map(rawTarget), policy })).devices
      .map(({ jid, device, version, trust, key, reason }) => ({
        jid, device, version: versionOf(version), trust: trustOf(trust), ...(key && { fingerprint: hex(key) }), ...(reason !== null && { reason }),
      })),
    seal(records, { kind, body, content, to, targets, dropStale, now }) {
      const answer = get(core.seal(plain(records), { kind, body, content, to, targets: targets.map(rawTarget), dropStale, policy, now }));
      return { ...encryptResult(answer), withdrawn: answer.withdrawn.map(address), fallback: answer.fallback.map(address) };
    },
    checkNeeds: (request) => get(core.checkNeeds(rawCheck(request))).keys,
    check(records, request) {
      // A message of 0.3 out of the archive: it says nothing that could be checked, and there are no lists to compare it with.
      if (!request.affixes && !request.ownListed && !request.senderListed) return { level: 1, findings: [] };
      const { level, findings } = get(core.check(plain(records), rawCheck(request)));
      return { level, findings };
    },
    decryptNeeds: (request) => get(core.decryptNeeds(rawIncoming(request))).keys,
    decrypt(records, request) {
      const answer = get(core.decrypt(plain(records), rawIncoming(request)));
      return {
        ...(answer.plaintext && { plaintext: bytes(answer.plaintext) }),
        fingerprint: hex(answer.key), trust: trustOf(answer.trust),
        newKey: answer.newKey, keyChanged: answer.keyChanged, preKeyUsed: answer.preKeyUsed, due: answer.due,
        changes: changes(answer),
      };
    },
    settleNeeds: (records) => get(core.settleNeeds(plain(records))).keys,
    settle(records) {
      const answer = get(core.settle(plain(records)));
      return {
        device: answer.device,
        messages: answer.messages.map((message) => ({ to: message.to, element: element(message.element) })),
        changes: changes(answer),
      };
    },
    knownKeys: (records, jid) => get(core.knownKeys(plain(records), jid)).known
      .map(({ key, trust, device }) => ({ fingerprint: hex(key), trust: trustOf(trust), device })),
    setTrust: (records, jid, fingerprint, trust, now) =>
      changes(get(core.setTrust(plain(records), { jid, key: unhex(fingerprint), trust: trust === 'trusted' ? 'blind' : trust, now }))),
    formatUri: (jid, keys) =>
      get(core.formatUri(jid, keys.map(({ device, fingerprint }) => ({ device, key: unhex(fingerprint) })))).text,
    parseUri(uri) {
      const { jid, keys } = get(core.parseUri(uri));
      return { jid, keys: keys.map(({ device, key }) => ({ device, fingerprint: hex(key) })) };
    },
  };
}

/** The module never throws; a failure is part of the answer. */
function get<T>(result: Result<T>): T {
  if (result.error) throw new OmemoError(result.error.code, result.error.message);
  return result;
}

/** Records as an object; a key that was read and does not exist is null. */
function plain(records: Records): Record<string, Bytes | null> {
  return Object.fromEntries(records);
}

/** What comes out of WebAssembly was copied: its buffer is ordinary memory. */
function bytes(value: Uint8Array): Bytes {
  return value as Bytes;
}

function changes(answer: { readonly changes: readonly Change[] }): RecordChange[] {
  return answer.changes.map(({ key, value }) => ({ key, value: value && bytes(value) }));
}

function bundleData(raw: Bundle, version: Version): BundleData {
  return {
    version, identityKey: bytes(raw.identityKey), signedPreKeyId: raw.signedPreKeyId, signedPreKey: bytes(raw.signedPreKey),
    signature: bytes(raw.signedPreKeySignature), preKeys: raw.preKeys.map(({ id, key }) => ({ id, key: bytes(key) })),
  };
}

function element(raw: Encrypted): SealedElement {
  return {
    version: versionOf(raw.version),
    ...(raw.iv && { iv: bytes(raw.iv) }),
    ...(raw.payload && { payload: bytes(raw.payload) }),
    keys: raw.keys.map(({ jid, device, data, keyExchange, key, trust }) =>
      ({ jid, device, data: bytes(data), keyExchange, fingerprint: hex(key), trust: trustOf(trust) })),
  };
}

function rawRecipient({ jid, device, version, renew, bundle }: Recipient): RawRecipient {
  return { jid, device, version: NAMESPACES[version], renew, bundle: bundle && rawBundle(bundle) };
}

function rawTarget({ jid, device, v03, v2, bundle, v2Failed, allowWeaker, renew }: Target): RawTarget {
  return {
    jid, device, v03, v2, v2Failed, allowWeaker, renew,
    bundle: bundle && { ...rawBundle(bundle), version: NAMESPACES[bundle.version] },
  };
}

function rawBundle({ identityKey, signedPreKeyId, signedPreKey, signature, preKeys }: BundleData): Bundle {
  return { identityKey, signedPreKeyId, signedPreKey, signedPreKeySignature: signature, preKeys: [...preKeys] };
}

function rawCheck({ fingerprint, affixes, keys, ownListed, senderListed, ...rest }: CheckRequest): RawCheck {
  return {
    ...rest, key: unhex(fingerprint),
    affixes: affixes && { ...affixes, recipients: affixes.recipients && [...affixes.recipients] },
    keys: keys.map(({ version, jid, device }) => ({ version: NAMESPACES[version], jid, device })),
    ownListed: ownListed && [...ownListed], senderListed: senderListed && [...senderListed],
  };
}

function encryptResult(answer: RawEncryptResult): EncryptResult {
  return {
    device: answer.device,
    elements: answer.elements.map(element),
    skipped: answer.skipped.map(({ jid, device, version, reason, key }) =>
      ({ jid, device, version: versionOf(version), reason, ...(key && { fingerprint: hex(key) }) })),
    changes: changes(answer),
  };
}

function address({ jid, device }: Address): DeviceAddress {
  return { jid, device };
}

function rawIncoming({ version, from, key, iv, payload, now }: DecryptRequest): RawDecrypt {
  return { ...from, version: NAMESPACES[version], data: key, iv, payload, policy, now };
}

function versionOf(namespace: Namespace): Version {
  return namespace === NAMESPACES[2] ? 2 : 1;
}

function trustOf(level: Trust): KeyTrust {
  return level === 'blind' ? 'trusted' : level;
}

function hex(key: Uint8Array): string {
  let out = '';
  for (const byte of key) out += byte.toString(16).padStart(2, '0');
  return out;
}

function unhex(text: string): Bytes {
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return out;
}
