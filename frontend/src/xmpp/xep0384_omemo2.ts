/** XEP-0384 0.8 (`urn:xmpp:omemo:2`): what OMEMO puts on the wire. The cryptography is in `crypto`, the envelope in `xep0420_sce`. */
import { attr, child, children, define, leafText, optional, text, type Of } from './codec';
import { NS } from './ns';

export const DEVICES_NODE = `${NS.omemo2}:devices`;
/** All bundles of an account; the id of an item is that of the device. */
export const BUNDLES_NODE = `${NS.omemo2}:bundles`;

/** A label counts only with a good `labelsig` (section 5.3.1). */
const device = define(NS.omemo2, 'device', { id: attr.uint('id'), label: optional(attr('label')), labelsig: optional(attr('labelsig')) });
export const devices = define(NS.omemo2, 'devices', { devices: children(device) });
export type AnnouncedDevice = Of<typeof device>;

const signedPreKey = define(NS.omemo2, 'spk', { id: attr.uint('id'), key: text.bytes() });
const preKey = define(NS.omemo2, 'pk', { id: attr.uint('id'), key: text.bytes() });
const preKeys = define(NS.omemo2, 'prekeys', { keys: children(preKey) });

export const bundle = define(NS.omemo2, 'bundle', {
  signedPreKey: child(signedPreKey),
  signature: leafText.bytes(NS.omemo2, 'spks'),
  identityKey: leafText.bytes(NS.omemo2, 'ik'),
  preKeys: child(preKeys),
});

const key = define(NS.omemo2, 'key', {
  rid: attr.uint('rid'),
  kex: optional(attr.bool('kex')),
  data: text.bytes(),
});
const keys = define(NS.omemo2, 'keys', { jid: attr('jid'), keys: children(key) });
const header = define(NS.omemo2, 'header', { sid: attr.uint('sid'), keys: children(keys) });

/** Without `payload` it only moves the ratchet. */
export const encrypted = define(NS.omemo2, 'encrypted', {
  header: child(header),
  payload: optional(leafText.bytes(NS.omemo2, 'payload')),
});

/** Somebody wants to be written to in the clear (section 5.7); only in an envelope. */
export const optOut = define(NS.omemo2, 'opt-out', { reason: optional(leafText(NS.omemo2, 'reason')) });
