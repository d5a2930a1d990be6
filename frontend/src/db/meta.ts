/** Single values of an account, each under a fixed name and type. */
import type { Database } from './database';
import type { SealedRecord, Tx } from './schema';

export interface Meta {
  /** UUID v4 of this installation (XEP-0388 user-agent). */
  agentId: string;
  /** Encrypts what lies in `omemo` and the token. Cannot be exported. */
  sealKey: CryptoKey;
  /** The FAST token, sealed; with its expiry in milliseconds. */
  token: { readonly sealed: SealedRecord; readonly expiry: number };
  displayName: string;
  role: 'admin' | 'member' | 'limited';
  rosterVersion: string;
  /** Id in the archive up to which everything is here, and when that was. */
  cursor: { readonly id: string; readonly at: number };
  deviceId: number;
  fingerprint: string;
  /** What this device is called on its public list; empty: nothing. */
  deviceLabel: string;
  /** The bundles that this device has published, the last ones, see `core/omemo/copies`. */
  bundles: readonly string[];
  /** When all sessions were begun anew because this profile was an old copy; milliseconds since epoch. */
  begunAnew: number;
  /** Another own device came, and the person has not looked yet. */
  newDevice: true;
  blocked: readonly string[];
  /** What one lets others see. */
  privacy: { readonly read: boolean; readonly typing: boolean; readonly contactsOnly?: boolean };
  /** When the prekeys and the signed prekey were last looked after. */
  keysChecked: number;
  /** Name of this browser at the service that wakes it; empty: it is not to be woken. */
  pushNode: string;
}

type Mode = 'readonly' | 'readwrite';

export async function getMeta<K extends keyof Meta>(tx: Tx<Mode>, key: K): Promise<Meta[K] | undefined> {
  return tx.objectStore('meta').get(key) as Promise<Meta[K] | undefined>;
}

export async function putMeta<K extends keyof Meta>(tx: Tx, key: K, value: Meta[K]): Promise<void> {
  await tx.objectStore('meta').put(value, key);
}

export async function deleteMeta(tx: Tx, key: keyof Meta): Promise<void> {
  await tx.objectStore('meta').delete(key);
}

export function readMeta<K extends keyof Meta>(db: Database, key: K): Promise<Meta[K] | undefined> {
  return db.read(['meta'], (tx) => getMeta(tx, key));
}

export function writeMeta<K extends keyof Meta>(db: Database, key: K, value: Meta[K]): Promise<void> {
  return db.write([], (tx) => putMeta(tx, key, value), 'strict');
}
