/** The account of this browser: how it stands, and what one may decide about it. */
import type { Reason } from './errors';

export type Address = string;

/** What a person must know about their own session. One object, replaced as a whole. */
export interface SessionState {
  /** `none`: nobody is signed in. `locked`: the password or token was refused; sign in again. */
  readonly phase: 'starting' | 'none' | 'connecting' | 'online' | 'offline' | 'locked';
  readonly address?: Address;
  readonly displayName?: string;
  readonly privacy?: Privacy;
  /** Hash of the own picture; `picture` gives it. */
  readonly picture?: string | undefined;
  readonly role?: 'admin' | 'member' | 'limited';
  /** Set while `offline`: when the next attempt is made (ms since epoch), and why it failed. */
  readonly retryAt?: number;
  readonly reason?: Reason;
  /** The server gives maps. */
  readonly maps?: boolean;
  /** True until the messages missed while away have been fetched. */
  readonly catchingUp: boolean;
  /** Fingerprint of this device: 64 lower-case hex digits; absent until the keys exist. */
  readonly fingerprint?: string;
  readonly deviceId?: number;
  /** What everybody can read that this device is called; absent: nothing. */
  readonly deviceLabel?: string | undefined;
  /** Another device reads along since the person last said that they have seen all of theirs. */
  readonly newDevice?: true;
  /** The keys of this device could not be made or loaded: the app cannot encrypt. */
  readonly cryptoError?: Reason;
}

/** One of the accounts of this browser, as those see it who look at another one. */
export interface AccountInfo {
  readonly address: Address;
  readonly displayName?: string;
  /** Hash of its picture; `picture` gives it. */
  readonly picture?: string;
  readonly phase: SessionState['phase'];
  /** New messages in its list of chats; of what is muted only what may be told. */
  readonly unread: number;
  /** How much of it somebody may be waiting for an answer to: in groups only what names one. */
  readonly waiting: number;
}

/** What one lets others see and do. */
export interface Privacy {
  /** That one has read something. */
  readonly read: boolean;
  /** That one is typing. */
  readonly typing: boolean;
  /** Only contacts may write to one; missing where the server cannot see to that. */
  readonly contactsOnly?: boolean;
}

/** A signed-in program of one's own account (token or live session), for "Devices". */
export interface Login {
  readonly id: string;
  readonly name: string;
  readonly current: boolean;
  readonly online: boolean;
  readonly lastUsed?: number;
}

/** Where a browser is woken, and the keys to encrypt with for it; all in base64url. */
export interface BrowserSubscription {
  readonly endpoint: string;
  readonly key: string;
  readonly auth: string;
}

/** How files and their parts are called in an export; `about` stands in the one that explains. */
export type ExportWords = Readonly<Record<
  'readme' | 'about' | 'profile' | 'contacts' | 'groups' | 'chats' | 'pictures' | 'stickers' | 'sticker' | 'you' | 'deleted' | 'unreadable' | 'file', string
>>;
