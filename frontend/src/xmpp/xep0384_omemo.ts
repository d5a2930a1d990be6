/** XEP-0384 0.3 (`eu.siacs.conversations.axolotl`): what OMEMO puts on the wire. The cryptography is in `crypto`. */
import { attr, child, children, define, leafText, optional, text, type Of } from './codec';
import { NS } from './ns';

export const DEVICES_NODE = `${NS.omemoLegacy}.devicelist`;
export const bundleNode = (device: number): string => `${NS.omemoLegacy}.bundles:${device}`;

const device = define(NS.omemoLegacy, 'device', { id: attr.uint('id') });
export const deviceList = define(NS.omemoLegacy, 'list', { devices: children(device) });

const signedPreKey = define(NS.omemoLegacy, 'signedPreKeyPublic', { id: attr.uint('signedPreKeyId'), key: text.bytes() });
const preKey = define(NS.omemoLegacy, 'preKeyPublic', { id: attr.uint('preKeyId'), key: text.bytes() });
const preKeys = define(NS.omemoLegacy, 'prekeys', { keys: children(preKey) });

export const bundle = define(NS.omemoLegacy, 'bundle', {
  signedPreKey: child(signedPreKey),
  signature: leafText.bytes(NS.omemoLegacy, 'signedPreKeySignature'),
  identityKey: leafText.bytes(NS.omemoLegacy, 'identityKey'),
  preKeys: child(preKeys),
});
export type Bundle = Of<typeof bundle>;

const key = define(NS.omemoLegacy, 'key', {
  rid: attr.uint('rid'),
  prekey: optional(attr.bool('prekey')),
  data: text.bytes(),
});
const header = define(NS.omemoLegacy, 'header', {
  sid: attr.uint('sid'),
  keys: children(key),
  iv: leafText.bytes(NS.omemoLegacy, 'iv'),
});

/** Without `payload` it is a key transport: it only moves the ratchet. */
export const encrypted = define(NS.omemoLegacy, 'encrypted', {
  header: child(header),
  payload: optional(leafText.bytes(NS.omemoLegacy, 'payload')),
});
export type Encrypted = Of<typeof encrypted>;
