/**
 * What one account keeps in the browser. Migrations only append: the version of the database is their number, and a
 * database from the future is not opened.
 */
import type { DBSchema, IDBPDatabase, IDBPTransaction, StoreNames } from 'idb';
import { indexed } from './words';

export type MessageState = 'sending' | 'sent' | 'delivered' | 'read' | 'failed' | 'received';
export type MessageProblem = 'not-for-this-device' | 'undecryptable' | 'unsupported' | 'openpgp' | 'misdirected';
export type Protection = 'verified' | 'encrypted' | 'unencrypted';

/** As in `crypto/protection`: 0 plain, 1 OMEMO 0.3, 2 omemo:2, 3 the same with the sender's word for whom it was encrypted. */
export type Level = 0 | 1 | 2 | 3;
export type KeyTrust = 'undecided' | 'trusted' | 'verified' | 'distrusted';

/** What does not fit between what a sender says and what the server shows; of which device. */
export interface Finding {
  readonly kind: string;
  readonly jid: string;
  readonly device: number;
}

export interface StoredReason {
  readonly code: string;
  readonly detail?: string;
  readonly seconds?: number;
}

export interface MessageRecord {
  readonly id: string;
  readonly chat: string;
  /** Bare address of the sender; in a group that does not say who its people are, the address of the occupant. */
  readonly from: string;
  /** What the sender was called in the group. */
  readonly nick?: string;
  readonly outgoing: boolean;
  readonly text: string;
  readonly order: number;
  readonly at: number;
  readonly state: MessageState;
  readonly reason?: StoredReason;
  readonly problem?: MessageProblem;
  readonly lock: Protection;
  /** How well it was protected, and the trust in the sending device then. Absent: OMEMO 0.3 if `lock` says that it was encrypted at all. */
  readonly level?: Level;
  readonly trust?: KeyTrust;
  /** It also went out in OMEMO 0.3, to those who have nothing better. */
  readonly mixed?: true;
  /** What is suspicious about it. */
  readonly findings?: readonly Finding[];
  /** That was not so with what came before from the same device: the chat tells. */
  readonly alarm?: true;
  /** Hash over what was sent, of messages of this device (`crypto/sent`). */
  readonly digest?: Uint8Array<ArrayBuffer>;
  readonly device?: number;
  /** Id in the archive of the account or of the group (XEP-0359). Unique. See `archiveKey`. */
  readonly stanzaId?: string;
  /** Sender and the id that the sender gave: what tells two copies of one message. See `originKey`. */
  readonly origin?: string;
  /** The id by which receipts and markers refer to the message. */
  readonly wireId?: string;
  /** The chat, on incoming messages only: what unread messages are counted by. */
  readonly incomingIn?: string;
  /** The chat, on incoming messages that name the own person. */
  readonly mentionIn?: string;
  /** What it answers: the id by which the other side knows that, and what was said. */
  readonly reply?: { readonly ref: string; readonly id?: string; readonly from?: string; readonly nick?: string; readonly text: string };
  /** The file that it shares, of own messages and those of omemo:2; the file itself may be in `files`. Without a text it is not uploaded yet. */
  readonly file?: FileFacts;
  /** By whom, and with what. */
  readonly reactions?: Readonly<Record<string, readonly string[]>>;
  /** What it said before, oldest first. */
  readonly edits?: readonly { readonly text: string; readonly at: number }[];
  /** Id of the latest correction: it may come more than once. */
  readonly editId?: string;
  /** It was taken back, by its sender or by somebody who looks after the group. */
  readonly retracted?: { readonly at: number; readonly by?: string };
  /** The sender wants to know when it was shown (XEP-0333). */
  readonly markable?: boolean;
  /** By which it is found, see `words.ts`. */
  readonly words?: readonly string[];
  /** The chat, on messages that are pinned there. */
  readonly pinnedIn?: string | undefined;
  /** For so many seconds it stays once it was read, or sent (XEP-0466). */
  readonly timer?: number;
  /** When it goes, milliseconds since epoch: it was read or sent by now. */
  readonly expires?: number;
  /** It is no message but says for how many seconds messages are kept from now on; 0: for good. */
  readonly timerSet?: number;
  /** It is no message but asks to go on without encryption (XEP-0384 section 5.7). */
  readonly optOut?: { readonly reason?: string };
  /** It is no message but says who reads along in a private group from then on. */
  readonly came?: readonly string[];
  /** A question with answers to choose from. */
  readonly poll?: PollRecord;
}

/** `votes`: by whom, the numbers of the answers. */
export interface PollRecord {
  readonly question: string;
  readonly options: readonly string[];
  readonly several: boolean;
  readonly closed?: true;
  readonly votes?: Readonly<Record<string, readonly number[]>>;
}

export interface Preview {
  readonly id: string;
  readonly from?: string;
  readonly nick?: string;
  readonly text: string;
  readonly outgoing: boolean;
  readonly state: MessageState;
  readonly at: number;
  readonly order: number;
  readonly problem?: MessageProblem;
  /** `text` is the name of a file, or what a sticker shows. */
  readonly file?: true;
  readonly caption?: string;
  readonly sticker?: true;
  readonly voice?: true;
  readonly retracted?: true;
  readonly timerSet?: number;
  readonly optOut?: true;
  readonly poll?: true;
}

export interface FileFacts {
  readonly name: string;
  readonly size: number;
  /** Of the file; what is fetched must have it. Known once it is encrypted, or from the sender's envelope. */
  readonly sha256?: Uint8Array<ArrayBuffer>;
  readonly width?: number;
  readonly height?: number;
  /** Of sound and video, in milliseconds. */
  readonly length?: number;
  /** It is a voice message; and how loud it is from its beginning to its end, 0 to 255, if its sender says so. */
  readonly voice?: { readonly levels?: Uint8Array<ArrayBuffer> };
  /** What it shows, in words. */
  readonly description?: string;
  /** What its sender says beside it. */
  readonly caption?: string;
  /** It is a sticker; and where its pack is, if its sender says so. */
  readonly sticker?: { readonly pack?: string; readonly jid?: string; readonly node?: string };
}

/** A sticker that one has. */
export interface StickerRecord {
  /** Of its items in the private nodes. */
  readonly id: string;
  /** Of the picture, in hex. */
  readonly sha256: string;
  readonly data: Blob;
  readonly description: string;
  readonly width?: number;
  readonly height?: number;
  readonly addedAt: number;
  /** By this device. */
  readonly usedAt: number;
  /** The other own devices do not know yet that it is there. */
  readonly untold?: true;
  /** It was removed, and they do not know that yet. */
  readonly gone?: true;
}

export interface ChatRecord {
  readonly id: string;
  readonly kind: 'direct' | 'group';
  readonly unread: number;
  /** Unread messages that name the own person. */
  readonly mentions?: number;
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
  /** Position in the group's archive up to which everything is here. The account's own is in `meta`. */
  readonly archive?: { readonly id: string; readonly at: number };
  /** How far each member of the group has read, as an `order`. */
  readonly readers?: Readonly<Record<string, number>>;
  /** A read position not yet told to the server: archive id and, if the sender asked for it, the message's id. */
  readonly untoldRead?: { readonly stanzaId?: string; readonly wireId?: string };
  /** A read position of another own device whose message is not here yet (XEP-0490). */
  readonly awaitedRead?: string;
  /** Id of the message that the draft answers, and the files that wait with it (in `files`). */
  readonly draftReply?: string;
  readonly draftFiles?: readonly { readonly name: string; readonly type: string }[];
  /** A voice message that was recorded and not sent yet; the sound is in `files`. */
  readonly draftVoice?: { readonly type: string; readonly length: number; readonly levels: Uint8Array<ArrayBuffer> };
  /** One has written there oneself. */
  readonly answered?: true;
  /** Where it stands in the list, see `core/arrangement.ts`. */
  readonly place?: ChatPlace;
  /** `place` was changed here and the other own devices do not know it yet. */
  readonly untoldPlace?: true;
  /** Messages go after so many seconds (XEP-0466), and by whose word. */
  readonly timer?: { readonly seconds: number; readonly at: number; readonly by?: string };
  /** The other side wants to go on without encryption. Until the person has `agreed`, or has decided against it, nothing is sent. */
  readonly optOut?: { readonly at: number; readonly reason?: string; readonly agreed?: true };
}

/** Where a chat stands in the list, on all own devices. */
export interface ChatPlace {
  readonly pinned?: true;
  /** Put away at this time, until something new is there. */
  readonly archivedAt?: number;
  /** Nothing is told of it until this time; `Infinity`: for good. */
  readonly mutedUntil?: number;
  /** Muted, but not what names the own person. */
  readonly exceptMentions?: true;
  /** To be read later, whatever was read. */
  readonly marked?: true;
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

export type Affiliation = 'owner' | 'admin' | 'member' | 'none' | 'outcast';

export interface MemberRecord {
  readonly address: string;
  readonly affiliation: Affiliation;
  /** Name in the group, once heard. */
  readonly nick?: string;
}

/** What becomes of a group: one is asked to join, wants to be in it, or is not any more. */
export type Standing = 'invited' | 'wanted' | 'left' | 'removed' | 'banned' | 'ended';

export interface GroupRecord {
  readonly address: string;
  readonly standing: Standing;
  /** As it stands in the account's bookmarks (XEP-0402); `extensions` as XML. */
  readonly bookmark?: {
    readonly name?: string; readonly autojoin: boolean; readonly nick?: string; readonly password?: string; readonly extensions?: string;
  };
  readonly invite?: { readonly from: string; readonly text?: string; readonly password?: string; readonly at: number };
  /** What the room tells of itself. */
  readonly room?: RoomFacts;
  readonly subject?: string;
  /** The own affiliation. */
  readonly affiliation: Affiliation;
  /** Members, admins and owners. */
  readonly members: readonly MemberRecord[];
  /** Why it is over, in the words of who ended it. */
  readonly reason?: string;
  /** Who belongs to it, or did when it was looked at: who comes to a private group after that is told of. Absent until it was entered. */
  readonly seen?: readonly string[];
  /** When one came to it, if that is known here. */
  readonly since?: number;
  /** It is or was private, and the person has not agreed to write there in the clear since. */
  readonly closed?: true;
  /** The secrets of the links into it that were made on this device: the server does not know them. */
  readonly links?: readonly { readonly id: string; readonly token: string }[];
}

export interface RoomFacts {
  readonly name?: string;
  readonly description?: string;
  readonly membersOnly: boolean;
  /** Everybody in it knows who the others are. */
  readonly open: boolean;
  readonly hidden: boolean;
  readonly archived: boolean;
  readonly mayInvite: boolean;
  readonly maySetSubject: boolean;
  /** There can be links into it; it asks for a password. */
  readonly linkable?: boolean;
  readonly secret?: boolean;
  /** Hash of its picture. */
  readonly picture?: string;
}

/** What changes a message that was said before; `ref`: the id by which everybody knows that. */
export type Deed =
  | { readonly kind: 'edit'; readonly ref: string; readonly text: string; readonly lock: Protection }
  | { readonly kind: 'react'; readonly ref: string; readonly emojis: readonly string[] }
  | { readonly kind: 'retract'; readonly ref: string; readonly by?: string }
  | { readonly kind: 'pin'; readonly ref: string; readonly pinned: boolean }
  /** All answers that somebody chooses; `text`: the same in words, for those who see only that. */
  | { readonly kind: 'vote'; readonly ref: string; readonly choices: readonly number[]; readonly text: string }
  | { readonly kind: 'close'; readonly ref: string };

/** Deeds about a message that is not here yet. */
export interface PendingRecord {
  /** See `pendingKey`. */
  readonly key: string;
  readonly deeds: readonly {
    readonly deed: Deed; readonly from: string; readonly at: number; readonly id?: string; readonly level?: Level; readonly trust?: KeyTrust;
  }[];
}

/** A message on its way out. Without `stanza` it still has to be encrypted. */
export interface OutboxRecord {
  readonly seq: number;
  /** Id of the message, or of what is done to one. */
  readonly message: string;
  readonly deed?: Deed;
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
  /** On a published list of its owner now. */
  readonly listed: boolean;
  /** Of which versions; absent: of OMEMO 0.3 only, as long as it is listed. */
  readonly lists?: readonly (1 | 2)[];
  /** What its owner calls it, and the signature over that (omemo:2). */
  readonly announced?: { readonly label?: string; readonly labelsig?: string };
  readonly firstSeen: number;
  readonly lastSeen?: number;
  /** Identity key, 64 hex digits, once known. */
  readonly fingerprint?: string;
  /** Copy of what the cryptographic core keeps about that key. */
  readonly trust?: KeyTrust;
  /** Its bundle (of that version) cannot be used: do not ask again before this time. */
  readonly badUntil?: number;
  readonly badV2Until?: number;
  /** Nothing was heard of it for months: it gets no messages. */
  readonly silent?: boolean;
  /** It has spoken omemo:2 and does not announce it any more; and the person agreed to 0.3 for it. */
  readonly withdrawn?: boolean;
  readonly allowWeaker?: boolean;
  /** What its last message has brought up, so that the chat tells it once. */
  readonly findings?: readonly string[];
}

export interface DeviceListRecord {
  readonly address: string;
  readonly devices: readonly DeviceEntry[];
  /** When the list was last fetched or pushed; 0: never. */
  readonly fetchedAt: number;
}

/** A picture of somebody or of a group, by its SHA-1 in hex. */
export interface PictureRecord {
  readonly hash: string;
  readonly data: Blob;
}

/** Whose picture is which. */
export interface FaceRecord {
  readonly address: string;
  readonly hash: string;
}

export interface KithSchema extends DBSchema {
  meta: { key: string; value: unknown };
  contacts: { key: string; value: ContactRecord };
  chats: { key: string; value: ChatRecord };
  messages: {
    key: string;
    value: MessageRecord;
    indexes: {
      order: [string, number]; stanza: string; origin: string; incoming: [string, number]; mention: [string, number];
      words: string; at: number; pinned: string; expires: number;
    };
  };
  outbox: { key: number; value: OutboxRecord; indexes: { message: string; lane: [string, number] } };
  omemo: { key: string; value: SealedRecord };
  devices: { key: string; value: DeviceListRecord };
  groups: { key: string; value: GroupRecord };
  pending: { key: string; value: PendingRecord };
  /** By the id of the message. */
  files: { key: string; value: Blob };
  pictures: { key: string; value: PictureRecord };
  faces: { key: string; value: FaceRecord };
  stickers: { key: string; value: StickerRecord };
}

export type Store = StoreNames<KithSchema>;
export type Tx<Mode extends IDBTransactionMode = 'readwrite'> = IDBPTransaction<KithSchema, Store[], Mode>;

type Migration = (db: IDBPDatabase<KithSchema>, tx: IDBPTransaction<KithSchema, Store[], 'versionchange'>) => void | Promise<void>;

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
  (db, tx) => {
    db.createObjectStore('groups', { keyPath: 'address' });
    tx.objectStore('messages').createIndex('mention', ['mentionIn', 'order']);
  },
  (db) => void db.createObjectStore('pending', { keyPath: 'key' }),
  (db) => void db.createObjectStore('files'),
  async (_, tx) => {
    const messages = tx.objectStore('messages');
    messages.createIndex('words', 'words', { multiEntry: true });
    messages.createIndex('at', 'at');
    messages.createIndex('pinned', 'pinnedIn');
    messages.createIndex('expires', 'expires');
    const answered = new Set<string>();
    for (let cursor = await messages.openCursor(); cursor; cursor = await cursor.continue()) {
      if (cursor.value.outgoing) answered.add(cursor.value.chat);
      await cursor.update({ ...cursor.value, words: indexed(cursor.value) });
    }
    const chats = tx.objectStore('chats');
    for (const record of await chats.getAll()) if (answered.has(record.id)) await chats.put({ ...record, answered: true });
  },
  (db) => {
    db.createObjectStore('pictures', { keyPath: 'hash' });
    db.createObjectStore('faces', { keyPath: 'address' });
  },
  (db) => void db.createObjectStore('stickers', { keyPath: 'id' }),
];

/** Key of `MessageRecord.origin`: an id means something only together with who gave it. */
export function originKey(from: string, id: string): string {
  return `${from}\n${id}`;
}

/** Key of `MessageRecord.stanzaId`: every archive gives its own ids. Those of the account stand alone. */
export function archiveKey(self: string, archive: string, id: string): string {
  return archive === self ? id : `${archive}\n${id}`;
}

/** The id as the archive gave it. */
export function archiveId(key: string): string {
  return key.slice(key.lastIndexOf('\n') + 1);
}

export function pendingKey(chat: string, ref: string): string {
  return `${chat}\n${ref}`;
}
