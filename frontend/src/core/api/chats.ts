/** Chats: the list of them, and their pages. */
import type { Group } from './groups';
import type { Message, MessageProblem, MessageState, SharedFile } from './messages';
import type { Address } from './session';

/** The lock of a chat: what will happen to the next message sent. */
export type Lock = 'verified' | 'encrypted' | 'unencrypted' | 'unknown';

export interface Chat {
  readonly id: Address;
  readonly kind: 'direct' | 'group';
  /** Of groups only. */
  readonly group?: Group;
  readonly title: string;
  readonly lock: Lock;
  readonly unread: number;
  /** Unread messages that name the own person. */
  readonly mentions: number;
  /** `order` of the last message that was read on any own device. */
  readonly readUpTo: number;
  readonly last?: MessagePreview;
  readonly draft: string;
  /** Id of the message that the draft answers. */
  readonly draftReply?: string;
  /** How many files wait with it. */
  readonly draftFiles?: number;
  /** A voice message waits there to be sent. */
  readonly draftVoice?: true;
  /** Milliseconds since epoch of the last activity; the list is sorted by it, newest first. */
  readonly activeAt: number;
  /** True when the archive on the server may hold older messages than the local database. */
  readonly hasOlder: boolean;
  /** It stands before those that are not. */
  readonly pinned?: true;
  /** What is written goes after so many seconds; absent: it stays. */
  readonly timer?: number;
  /** The other side asks to go on without encryption: nothing is sent until the person has decided (`answerOptOut`); or they have `agreed`. */
  readonly optOut?: { readonly agreed: boolean; readonly reason?: string };
  /** It was put away, and nothing new was said since. */
  readonly archived?: true;
  /** Nothing is told of it, for now or for good; save what names the own person. */
  readonly muted?: { readonly until?: number; readonly exceptMentions?: true };
  /** To be read later, whatever was read. */
  readonly marked?: true;
  /** One has written here oneself. */
  readonly answered?: true;
}

/** How a chat is to stand in the list; what is left out stays. */
export interface ChatArrangement {
  readonly pinned?: boolean;
  readonly archived?: boolean;
  /** `null`: not any more. `until`: milliseconds since epoch; for good without it. */
  readonly muted?: { readonly until?: number; readonly exceptMentions?: boolean } | null;
  /** False: everything is read. */
  readonly unread?: boolean;
}

export interface MessagePreview {
  /** Who wrote it, in a group. */
  readonly from?: Address;
  readonly name?: string;
  readonly text: string;
  readonly outgoing: boolean;
  readonly state: MessageState;
  readonly at: number;
  readonly problem?: MessageProblem;
  readonly retracted?: true;
  /** It shares a file; `text` is what is said beside it. */
  readonly file?: SharedFile['kind'];
  /** The file is a sticker; `text` is what it shows. */
  readonly sticker?: true;
  /** The file is a voice message. */
  readonly voice?: true;
  /** It only says for how many seconds messages are kept from then on; 0: for good. */
  readonly timerSet?: number;
  /** It only asks to go on without encryption. */
  readonly optOut?: true;
  /** It says where something is; `text` is what its sender calls that, or empty. */
  readonly location?: true;
  /** `text` is a question with answers to choose from. */
  readonly poll?: true;
}

export interface Page {
  /** Ascending by `order`. */
  readonly messages: readonly Message[];
  /** False when nothing older exists, here or on the server. */
  readonly hasOlder: boolean;
  /** False when `messages` ends with the newest one. */
  readonly hasNewer: boolean;
}

/** Where a message stands in its chat. */
export interface Place {
  readonly id: string;
  readonly order: number;
}

/** A message that was looked for. */
export interface FoundMessage extends Place {
  readonly chat: Address;
  readonly from: Address;
  readonly name?: string;
  readonly outgoing: boolean;
  readonly at: number;
  /** The part of it that has the words; of a file its name, of a sticker what it shows. */
  readonly text: string;
  /** Where in `text` the words stand: from, to. */
  readonly marks: readonly (readonly [number, number])[];
  readonly file?: SharedFile['kind'];
  readonly sticker?: true;
  /** It says where something is; `text` is what its sender calls that. */
  readonly location?: true;
}

export interface FoundMessages {
  /** Newest first. */
  readonly messages: readonly FoundMessage[];
  /** There are more. */
  readonly more: boolean;
}
