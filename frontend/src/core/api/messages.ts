/** Messages and what is in them. */
import type { Lock } from './chats';
import type { Reason } from './errors';
import type { Address } from './session';

/**
 * `sending`: stored here, not yet acknowledged by the server. `sent`: durably on the server.
 * `delivered`: reached a device of the other side. `read`: shown there. `failed`: refused; see `reason`.
 * Incoming messages are `received`.
 */
export type MessageState = 'sending' | 'sent' | 'delivered' | 'read' | 'failed' | 'received';

/** Why there is no text. */
export type MessageProblem =
  | 'not-for-this-device'   // sent before this device existed, or its key was left out
  | 'undecryptable'         // broken or out of a lost session
  | 'openpgp'               // encrypted with OpenPGP (XEP-0373, XEP-0027)
  | 'misdirected'           // written for another chat, or by somebody else than the server says
  | 'unsupported';          // an encryption that Kith does not speak

export interface Message {
  readonly id: string;
  readonly chat: Address;
  readonly from: Address;
  /** What the sender was called in the group; contacts are better called as one calls them. */
  readonly name?: string;
  /** It names the own person. */
  readonly mention?: true;
  /** What it answers; `id` if that is here. */
  readonly reply?: { readonly id?: string; readonly from?: Address; readonly name?: string; readonly text: string };
  /** Those of most people first. */
  readonly reactions?: readonly Reaction[];
  /** It shares a file; `text` is what is said beside it, mostly nothing. `fetchFile` gives it. */
  readonly file?: SharedFile;
  /** It says where something is, and nothing else; `text` is that as a `geo:` URI. */
  readonly location?: SharedLocation;
  /** It only says for how many seconds messages are kept from then on; 0: for good. */
  readonly timerSet?: number;
  /** It is no message but asks to go on without encryption. */
  readonly optOut?: { readonly reason?: string };
  /** It is no message but says who reads along in a private group from then on. */
  readonly came?: readonly Address[];
  /** It goes so many seconds after it was read or sent. */
  readonly timer?: number;
  /** It stands above the chat. */
  readonly pinned?: true;
  /** A question with answers to choose from; `text` is the question. */
  readonly poll?: Poll;
  /** It was corrected; `editsOf` tells what it said before. */
  readonly edited?: true;
  /** It was taken back; `by`: not by its sender. */
  readonly retracted?: { readonly at: number; readonly by?: string };
  /** The others know it: it can be answered, reacted to, corrected and taken back. */
  readonly known: boolean;
  readonly outgoing: boolean;
  readonly text: string;
  /** Position in the chat; ascending; unique within the chat. */
  readonly order: number;
  /** When it was sent, milliseconds since epoch. */
  readonly at: number;
  readonly state: MessageState;
  readonly reason?: Reason;
  readonly problem?: MessageProblem;
  /** How this message was protected on its way. `verified` if the sending device was verified. */
  readonly lock: Exclude<Lock, 'unknown'>;
  /** The device that sent it, for "message info". */
  readonly device?: number;
  /**
   * How much of it was protected. 0: nothing. 1: the text (OMEMO 0.3; also when only some got it so). 2: all of it (omemo:2).
   * 3: all, and that it was encrypted for exactly those for whom its sender wanted it. Absent while it is not known.
   */
  readonly level?: 0 | 1 | 2 | 3;
  /** What is suspicious about it. */
  readonly findings?: readonly Finding[];
  /** It came encrypted, from a device that the person had not confirmed or did not trust: somebody else may have written it. */
  readonly unconfirmed?: true;
  /** It is the first one of its device of which that is so: to be told in the chat. */
  readonly alarm?: true;
}

/** Something that does not fit between what a sender says and what the server shows. */
export interface Finding {
  readonly kind: FindingKind;
  /** The device that it is about; empty and 0 where it is about none. */
  readonly address: Address;
  readonly device: number;
}

export type FindingKind =
  | 'key-stripped'      // the sender encrypted for it, and its key was taken out on the way
  | 'key-added'         // the sender did not encrypt for it
  | 'device-injected'   // the sender thinks that it is ours
  | 'key-replaced'      // the sender has another key for it
  | 'own-without-key'   // it is ours and cannot read the message
  | 'changed'           // what came back of an own message is not what was sent
  | 'device-unvouched'  // the server lists it for the sender, who does not know it
  | 'device-unlisted'   // the sender has it, and the server does not list it
  | 'sender-unlisted'   // the sending device is not listed
  | 'wrong-time';       // it was written at another time than the server says

export interface SharedFile {
  readonly name: string;
  readonly kind: 'image' | 'video' | 'audio' | 'file';
  /** Bytes, where that is known before it is fetched. */
  readonly size?: number;
  /** Of pictures, in pixels. */
  readonly width?: number;
  readonly height?: number;
  /** Of sound and video, in milliseconds. */
  readonly length?: number;
  /** It is a voice message; and how loud it is from its beginning to its end, 0 to 255, if its sender says so. */
  readonly voice?: { readonly levels?: Uint8Array<ArrayBuffer> };
  /** It is being sent. */
  readonly uploading: boolean;
  /** It is a sticker: what it shows, in words (perhaps none), and whether its sender has named a pack of which it is one. */
  readonly sticker?: { readonly description: string; readonly pack: boolean };
}

/**
 * A file to be sent. `id` as in `send`; `replyTo`: what it answers. Sizes in pixels, `length` in milliseconds. `caption`: what is said
 * beside it; where somebody's program cannot show both in one, a message of its own.
 */
export interface NewFile {
  readonly id: string;
  readonly name: string;
  readonly width?: number;
  readonly height?: number;
  readonly length?: number;
  readonly voice?: { readonly levels?: Uint8Array<ArrayBuffer> };
  readonly replyTo?: string;
  readonly caption?: string;
}

/** A voice message that was recorded and not sent yet. */
export interface VoiceDraft {
  readonly data: Blob;
  /** In milliseconds. */
  readonly length: number;
  /** How loud it is from its beginning to its end, 0 to 255; perhaps none. */
  readonly levels: Uint8Array<ArrayBuffer>;
}

/** A place on Earth, in WGS 84. */
export interface SharedLocation {
  /** Degrees, north and east. */
  readonly latitude: number;
  readonly longitude: number;
  /** Metres by which it may be off, if its sender said so. */
  readonly accuracy?: number;
  /** As its sender calls it. */
  readonly name?: string;
}

/** A square of a map: `z` says how close, `x` and `y` count from the north-west. */
export interface Tile {
  readonly z: number;
  readonly x: number;
  readonly y: number;
}

export interface MapFacts {
  /** The closest view that there is. */
  readonly zoom: number;
  /** Whose the maps are: stands on every one. */
  readonly attribution: string;
}

/** A sticker that one has. */
export interface Sticker {
  readonly id: string;
  /** What it shows, in words; perhaps none. */
  readonly description: string;
  /** In pixels. */
  readonly width?: number;
  readonly height?: number;
}

/** Stickers that somebody publishes together. */
export interface StickerPack {
  readonly id: string;
  readonly name: string;
  readonly summary: string;
  /** Its owner does not want others to have it. */
  readonly restricted: boolean;
  readonly stickers: readonly Omit<Sticker, 'id'>[];
}

export interface Poll {
  readonly options: readonly { readonly text: string; readonly from: readonly Address[]; readonly own: boolean }[];
  readonly several: boolean;
  readonly closed: boolean;
  /** How many people have chosen something. */
  readonly people: number;
}

export interface NewPoll {
  readonly question: string;
  readonly options: readonly string[];
  readonly several: boolean;
}

export interface Reaction {
  readonly emoji: string;
  readonly from: readonly Address[];
  /** One is among them. */
  readonly own: boolean;
}
