/** Both versions of OMEMO on the wire as one thing: where lists and bundles are, and what stands in a stanza. */
import { V03, V2, type BundleData, type SealedElement, type Version } from '../../crypto/engine';
import type { SeenElement } from '../../crypto/sent';
import { bareOf } from '../../xmpp/jid';
import { NS } from '../../xmpp/ns';
import type { FormValues } from '../../xmpp/xep0004_form';
import type { PubsubItem } from '../../xmpp/xep0060_pubsub';
import * as v03 from '../../xmpp/xep0384_omemo';
import * as v2 from '../../xmpp/xep0384_omemo2';
import type { XmlElement } from '../../xmpp/xml';

/** The better one first: whoever is told of both is told of it first. */
export const VERSIONS: readonly Version[] = [V2, V03];

export const NAMESPACES: Readonly<Record<Version, string>> = { 1: NS.omemoLegacy, 2: NS.omemo2 };

/** What an account announces of a device. */
export interface Announced {
  readonly id: number;
  readonly label?: string;
  readonly labelsig?: string;
}

export const LIST_NODES: Readonly<Record<Version, string>> = { 1: v03.DEVICES_NODE, 2: v2.DEVICES_NODE };

export const LIST_OPTIONS: FormValues = { 'pubsub#persist_items': 'true', 'pubsub#max_items': '1', 'pubsub#access_model': 'open' };
const BUNDLE_OPTIONS: Readonly<Record<Version, FormValues>> = {
  1: LIST_OPTIONS,
  2: { ...LIST_OPTIONS, 'pubsub#max_items': 'max' },
};

export interface BundlePlace {
  readonly node: string;
  readonly item: string;
  readonly options: FormValues;
  /** The item is one of many in its node. */
  readonly shared: boolean;
}

/** Where the bundle of a device is: 0.3 has a node for each, omemo:2 an item for each. */
export function bundlePlace(version: Version, device: number): BundlePlace {
  const shared = version === V2;
  return {
    node: shared ? v2.BUNDLES_NODE : v03.bundleNode(device), item: shared ? String(device) : 'current',
    options: BUNDLE_OPTIONS[version], shared,
  };
}

/** The devices on a list; `undefined`: it is none. One item, of any id: clients differ about it. */
export function readList(version: Version, items: readonly PubsubItem[] | null): readonly Announced[] | undefined {
  const payload = items?.[items.length - 1]?.payload;
  return version === V2 ? v2.devices.read(payload)?.devices : v03.deviceList.read(payload)?.devices;
}

export function writeList(version: Version, devices: readonly Announced[]): XmlElement {
  return version === V2 ? v2.devices.write({ devices }) : v03.deviceList.write({ devices: devices.map(({ id }) => ({ id })) });
}

export function readBundle(version: Version, element: XmlElement | undefined): BundleData | undefined {
  if (version === V2) {
    const found = v2.bundle.read(element);
    return found && {
      version, identityKey: found.identityKey, signedPreKeyId: found.signedPreKey.id, signedPreKey: found.signedPreKey.key,
      signature: found.signature, preKeys: found.preKeys.keys,
    };
  }
  const found = v03.bundle.read(element);
  return found && {
    version, identityKey: found.identityKey, signedPreKeyId: found.signedPreKey.id, signedPreKey: found.signedPreKey.key,
    signature: found.signature, preKeys: found.preKeys.keys,
  };
}

export function writeBundle(data: BundleData): XmlElement {
  return (data.version === V2 ? v2 : v03).bundle.write({
    signedPreKey: { id: data.signedPreKeyId, key: data.signedPreKey }, signature: data.signature,
    identityKey: data.identityKey, preKeys: { keys: data.preKeys },
  });
}

/** A `<key>` as it was received; `jid` in omemo:2 only. */
export interface SeenKey {
  readonly jid?: string;
  readonly device: number;
  readonly data: SeenElement['keys'][number]['data'];
}

/** The `<encrypted>` elements of a stanza: at most one of each version. */
export function readEncrypted(message: XmlElement): readonly SeenElement[] {
  const out: SeenElement[] = [];
  const two = v2.encrypted.in(message);
  if (two) {
    const keys = two.header.keys.flatMap((account) => {
      const jid = bareOf(account.jid);
      return jid === undefined ? [] : account.keys.map(({ rid, data }): SeenKey => ({ jid, device: rid, data }));
    });
    out.push({ version: V2, sid: two.header.sid, keys, ...(two.payload && { payload: two.payload }) });
  }
  const old = v03.encrypted.in(message);
  if (old) {
    out.push({
      version: V03, sid: old.header.sid, iv: old.header.iv, keys: old.header.keys.map(({ rid, data }) => ({ device: rid, data })),
      ...(old.payload && { payload: old.payload }),
    });
  }
  return out;
}

/** Whether a stanza carries OMEMO at all, readable or not. */
export function isEncrypted(message: XmlElement): boolean {
  return VERSIONS.some((version) => message.child('encrypted', NAMESPACES[version]) !== undefined);
}

export function writeEncrypted(sid: number, element: SealedElement): XmlElement {
  const payload = element.payload && { payload: element.payload };
  if (element.version === V2) {
    const accounts = new Map<string, { rid: number; kex?: true; data: SealedElement['keys'][number]['data'] }[]>();
    for (const { jid, device, data, keyExchange } of element.keys) {
      const key = { rid: device, data, ...(keyExchange && { kex: true as const }) };
      const list = accounts.get(jid);
      if (list) list.push(key);
      else accounts.set(jid, [key]);
    }
    return v2.encrypted.write({ header: { sid, keys: [...accounts].map(([jid, keys]) => ({ jid, keys })) }, ...payload });
  }
  return v03.encrypted.write({
    header: {
      sid, iv: element.iv ?? new Uint8Array(),
      keys: element.keys.map(({ device, data, keyExchange }) => ({ rid: device, data, ...(keyExchange && { prekey: true }) })),
    },
    ...payload,
  });
}
