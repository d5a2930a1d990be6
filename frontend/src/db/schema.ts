/**
 * What one account keeps in the browser. Migrations only append: the version of the database is their number, and a
 * database from the future is not opened.
 */
import type { DBSchema, IDBPDatabase, IDBPTransaction, StoreNames } from 'idb';

export type MessageState = 'sending' | 'sent' | 'delivered' | 'read' | 'failed' | 'received';
export type MessageProblem = 'not-for-this-device' | 'undecryptable' | 'unsupported';
export type Protection = 'verified' | 'encrypted' | 'unencrypted';

export interface StoredReason {
  readonly code: string;
  readonly detail?: string;
  readonly seconds?: number;
}

export interface MessageRecord {
  readonly id: string;
  readonly chat: string;
  readonly from: string;
  readonly outgoing: boolean;
  readonly text: string;
  readonly order: number;
  readonly at: number;
  readonly state: MessageState;
  readonly reason?: StoredReason;
  readonly problem?: MessageProblem;
  readonly lock: Protection;
  readonly device?: number;
  /** Id in the account's archive (XEP-0359, by the own server). Unique. */
  readonly stanzaId?: string;
  /** Sender and the id that the sender gave: what tells two copies of one message. See `originKey`. */
  readonly origin?: string;
  /** The id by which receipts and markers refer to the message. */
  readonly wireId?: string;
  /** The chat, on incoming messages only: what unread messages are counted by. */
  readonly incomingIn?: string;
  /** The sender wants to know when it was shown (XEP-0333). */
  readonly markable?: boolean;
}

export interface Preview {
  readonly id: string;
  readonly text: string;
  readonly outgoing: boolean;
  readonly state: MessageState;
  readonly at: number;
  readonly order: number;
  readonly problem?: MessageProblem;
}

export interface ChatRecord {
  readonly id: string;
  readonly kind: 'direct';
  readonly unread: number;
  readonly readUpTo: number;
  /** `order` of the newest and oldest message; 0 and 0 while there is none. */
  readonly top: number;
  readonly bottom: number;
  /** How far the other side has displayed, as an `order`. */
  readonly peerRead: number;
  readonly last?: Preview;
  readonly draft: string;
  readonly activeAt: number;
  /** The server's archive holds nothing older than what is here. */
  readonly archiveStart: boolean;
  /** A read position not yet told to the server: archive id and, if the sender asked for it, the message's id. */
  readonly untoldRead?: { readonly stanzaId?: string; readonly wireId?: string };
  /** A read position of another own device whose message is not here yet (XEP-0490). */
  readonly awaitedRead?: string;
}

export interface ContactRecord {
  readonly address: string;
  /** As written in the roster. */
  readonly name?: string;
  /** As the contact calls themselves (XEP-0172). */
  readonly nick?: string;
  readonly subscription: 'none' | 'to' | 'from' | 'both';
  readonly asked: boolean;
  /** In the roster; otherwise known only from a request. */
  readonly listed: boolean;
  readonly request?: { readonly text?: string };
  readonly groups: readonly string[];
}

/** A message on its way out. Without `stanza` it still has to be encrypted. */
export interface OutboxRecord {
  readonly seq: number;
  readonly message: string;
  readonly chat: string;
  readonly plain: boolean;
  /** The finished stanza: sent again byte for byte after a crash, never encrypted again. */
  readonly stanza?: string;
}

export interface SealedRecord {
  readonly iv: Uint8Array<ArrayBuffer>;
  readonly data: Uint8Array<ArrayBuffer>;
}

export interface DeviceEntry {
  readonly id: number;
  /** On the published list of its owner now. */
  readonly listed: boolean;
  readonly firstSeen: number;
  readonly lastSeen?: number;
  /** Identity key, 64 hex digits, once known. */
  readonly fingerprint?: string;
  /** Copy of what the cryptographic core keeps about that key. */
  readonly trust?: 'undecided' | 'trusted' | 'verified' | 'distrusted';
  readonly label?: string;
  /** Its bundle cannot be used: do not ask again before this time. */
  readonly badUntil?: number;
}

export interface DeviceListRecord {
  readonly address: string;
  readonly devices: readonly DeviceEntry[];
  /** When the list was last fetched or pushed; 0: never. */
  readonly fetchedAt: number;
}

export interface KithSchema extends DBSchema {
  meta: { key: string; value: unknown };
  contacts: { key: string; value: ContactRecord };
  chats: { key: string; value: ChatRecord };
  messages: {
    key: string;
    value: MessageRecord;
    indexes: { order: [string, number]; stanza: string; origin: string; incoming: [string, number] };
  };
  outbox: { key: number; value: OutboxRecord; indexes: { message: string; lane: [string, number] } };
  omemo: { key: string; value: SealedRecord };
  devices: { key: string; value: DeviceListRecord };
}

export type Store = StoreNames<KithSchema>;
export type Tx<Mode extends IDBTransactionMode = 'readwrite'> = IDBPTransaction<KithSchema, Store[], Mode>;

type Migration = (db: IDBPDatabase<KithSchema>) => void;

/** Append only. A released migration is never changed. */
export const MIGRATIONS: readonly Migration[] = [
  (db) => {
    db.createObjectStore('meta');
    db.createObjectStore('contacts', { keyPath: 'address' });
    db.createObjectStore('chats', { keyPath: 'id' });
    const messages = db.createObjectStore('messages', { keyPath: 'id' });
    messages.createIndex('order', ['chat', 'order'], { unique: true });
    messages.createIndex('stanza', 'stanzaId', { unique: true });
    messages.createIndex('origin', 'origin');
    messages.createIndex('incoming', ['incomingIn', 'order']);
    const outbox = db.createObjectStore('outbox', { keyPath: 'seq', autoIncrement: true });
    outbox.createIndex('message', 'message', { unique: true });
    outbox.createIndex('lane', ['chat', 'seq']);
    db.createObjectStore('omemo');
    db.createObjectStore('devices', { keyPath: 'address' });
  },
];

/** Key of `MessageRecord.origin`: an id means something only together with who gave it. */
export function originKey(from: string, id: string): string {
  return `${from}\n${id}`;
}
