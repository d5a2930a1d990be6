/**
 * The seam between the app that one sees (views, stores) and the core that runs in a worker
 * (XMPP, OMEMO, database). Everything that crosses it is plain structured-cloneable data:
 * commands go in and are answered by a promise, events come out.
 *
 * - Events are sent only after what they tell of was committed to the local database.
 * - The order of messages in a chat is decided by the core (`Message.order`) and never changes
 *   once a message has been shown as sent.
 * - An address is a bare JID ("alice@example.org"); the word JID does not reach the views.
 */

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
  /** True until the messages missed while away have been fetched. */
  readonly catchingUp: boolean;
  /** Fingerprint of this device: 64 lower-case hex digits; absent until the keys exist. */
  readonly fingerprint?: string;
  readonly deviceId?: number;
  /** The keys of this device could not be made or loaded: the app cannot encrypt. */
  readonly cryptoError?: Reason;
}

/** Errors in the words of the program; `i18n` turns them into words for people. */
export type ReasonCode =
  | 'network'            // no connection, or it was cut
  | 'server'             // the server answered something it should not, or is shutting down
  | 'credentials'        // wrong name or password, or the token was revoked
  | 'throttled'          // too many attempts: `seconds` tells how long to wait
  | 'policy'             // the server refuses this to this person
  | 'not-found'
  | 'conflict'           // the name is taken; the session was replaced
  | 'invite-invalid'     // unknown, used up, expired or revoked
  | 'name-invalid'
  | 'password-weak'
  | 'too-large'
  | 'cannot-encrypt'     // no device of the other side can be encrypted to
  | 'untrusted'          // a new device of a verified contact waits for a decision
  | 'not-member'         // one does not belong to this group, or not any more
  | 'link-invalid'       // the link for this device was used, or its time is over
  | 'denied'             // the other device did not agree, or not in time
  | 'last-admin'         // nobody else looks after the server
  | 'approval'           // a guardian has to agree first, and was asked
  | 'blocked'
  | 'picture-unreadable' // the browser cannot read this picture
  | 'storage'            // the browser's database failed or is full
  | 'unsupported'        // this browser lacks something that Kith needs
  | 'internal';

export interface Reason {
  readonly code: ReasonCode;
  /** Technical detail for "Advanced"; never needed to understand the error. */
  readonly detail?: string;
  readonly seconds?: number;
}

/** Every rejected command rejects with this. */
export class CoreError extends Error {
  constructor(readonly reason: Reason) {
    super(reason.detail ?? reason.code);
    this.name = 'CoreError';
  }
}

export type Availability = 'online' | 'away' | 'busy' | 'offline';

export interface Contact {
  readonly address: Address;
  readonly name: string;
  readonly availability: Availability;
  readonly status?: string;
  /** `pending`: we asked, they have not answered. `request`: they asked us. `none`: known only from messages. */
  readonly relation: 'mutual' | 'pending' | 'request' | 'none';
  readonly blocked: boolean;
  /** Hash of their picture; `picture` gives it. */
  readonly picture?: string;
  /** Text of a contact request, if they wrote one. */
  readonly requestText?: string;
}

/** The lock of a chat: what will happen to the next message sent. */
export type Lock = 'verified' | 'encrypted' | 'unencrypted' | 'unknown';

/**
 * `invited`: asked to come. `joining`: on the way in. `here`: in it. `out`: sent out, or kept out by something that may
 * pass; one can try again. `left`: of one's own will. `removed`, `banned`: by somebody else. `ended`: there is no such
 * group any more.
 */
export type GroupState = 'invited' | 'joining' | 'here' | 'out' | 'left' | 'removed' | 'banned' | 'ended';

/** `owner` may do everything, `admin` adds and removes people, `guest` is in a public group without belonging to it. */
export type Role = 'owner' | 'admin' | 'member' | 'guest';

export interface Group {
  readonly state: GroupState;
  /** Only its members may enter and read: then everything is encrypted. A public group is not. */
  readonly privacy: 'private' | 'public' | 'unknown';
  readonly role: Role;
  /** How many belong to it, oneself included; in a public group how many are there. */
  readonly people: number;
  /** What is said about it. */
  readonly description?: string;
  /** Hash of its picture; `picture` gives it. */
  readonly picture?: string;
  readonly may: { readonly add: boolean; readonly remove: boolean; readonly configure: boolean };
  /** Members whose devices cannot read what is encrypted. */
  readonly cannotRead: readonly Address[];
  /** Who asks one to come. */
  readonly invitedBy?: Address;
  /** What they say to it; or why it is over. */
  readonly note?: string;
}

/** A group as it shows itself to those who are not in it. */
export interface GroupInfo {
  readonly address: Address;
  readonly name: string;
  readonly description?: string;
  readonly privacy: 'private' | 'public';
  /** How many are in it now, where it says so. */
  readonly people?: number;
}

export interface GroupsPage {
  readonly groups: readonly GroupInfo[];
  /** What to ask with for the next page; absent on the last one. */
  readonly next?: string;
}

export interface Member {
  readonly address: Address;
  readonly name: string;
  /** What they call themselves there: by this one names them. */
  readonly nick?: string;
  readonly role: Role;
  readonly self: boolean;
  /** In the group with some program now. */
  readonly here: boolean;
  /** Has devices that can read what is encrypted; `undefined`: not known yet. */
  readonly canRead?: boolean;
}

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
  /** Milliseconds since epoch of the last activity; the list is sorted by it, newest first. */
  readonly activeAt: number;
  /** True when the archive on the server may hold older messages than the local database. */
  readonly hasOlder: boolean;
  /** It stands before those that are not. */
  readonly pinned?: true;
  /** What is written goes after so many seconds; absent: it stays. */
  readonly timer?: number;
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
  /** It shares a file. */
  readonly file?: SharedFile['kind'];
  /** It only says for how many seconds messages are kept from then on; 0: for good. */
  readonly timerSet?: number;
  /** `text` is a question with answers to choose from. */
  readonly poll?: true;
}

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
  /** It shares a file; there is no text then. `fetchFile` gives it. */
  readonly file?: SharedFile;
  /** It only says for how many seconds messages are kept from then on; 0: for good. */
  readonly timerSet?: number;
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
  /** It is being sent. */
  readonly uploading: boolean;
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
  /** The part of it that has the words; of a file its name. */
  readonly text: string;
  /** Where in `text` the words stand: from, to. */
  readonly marks: readonly (readonly [number, number])[];
  readonly file?: SharedFile['kind'];
}

export interface FoundMessages {
  /** Newest first. */
  readonly messages: readonly FoundMessage[];
  /** There are more. */
  readonly more: boolean;
}

export type Trust = 'undecided' | 'trusted' | 'verified' | 'distrusted';

export interface Device {
  readonly id: number;
  readonly address: Address;
  readonly fingerprint: string;
  readonly trust: Trust;
  readonly own: boolean;
  readonly current: boolean;
  /** No longer announced by its owner. */
  readonly stale: boolean;
  /** It knows only the older encryption (OMEMO 0.3), which protects only the text. */
  readonly older?: true;
  /** Nothing was heard of it for months: it gets no messages until it writes again. */
  readonly silent?: true;
  /** It knew the newer encryption and no longer says so. It still gets that, until the person allows the older one (`allowOlder`). */
  readonly withdrawn?: true;
  readonly label?: string;
  readonly lastSeen?: number;
}

/** What another own device opens to be signed in; once, and for minutes. */
export interface DeviceLink {
  readonly token: string;
  readonly url: string;
  readonly expires: number;
}

/** What waits for a guardian: somebody asks the child (`in`), or the child asks somebody or to enter a group (`out`). */
export interface FamilyRequest {
  readonly address: Address;
  readonly kind: 'contact' | 'group';
  readonly direction: 'in' | 'out';
  readonly at: number;
  /** What a stranger says of themselves; who invites to a group; and what they write. */
  readonly name?: string;
  readonly by?: Address;
  readonly text?: string;
}

/** An account for which guardians decide. */
export interface Child {
  readonly address: Address;
  readonly name: string;
  readonly guardians: readonly Address[];
  /** One is a guardian. */
  readonly mayDecide: boolean;
  readonly requests: readonly FamilyRequest[];
  /** With whom and where it may talk. */
  readonly approved: readonly { readonly address: Address; readonly kind: 'contact' | 'group'; readonly by?: Address }[];
}

/** People who are contacts of each other without having asked, and share a group. */
export interface Circle {
  readonly id: string;
  readonly name: string;
  readonly group: Address;
  readonly members: readonly Address[];
}

export interface Family {
  /** Those one looks after; for administrators all. */
  readonly children: readonly Child[];
  /** Of a limited account: who decides, and what of its own wishes waits. */
  readonly guardians: readonly Address[];
  readonly waiting: readonly FamilyRequest[];
  /** The own ones; for administrators all. */
  readonly circles: readonly Circle[];
}

/** What one lets others see. */
export interface Privacy {
  /** That one has read something. */
  readonly read: boolean;
  /** That one is typing. */
  readonly typing: boolean;
}

/** How files and their parts are called in an export; `about` stands in the one that explains. */
export type ExportWords = Readonly<Record<
  'readme' | 'about' | 'profile' | 'contacts' | 'groups' | 'chats' | 'pictures' | 'you' | 'deleted' | 'unreadable' | 'file', string
>>;

/** A signed-in program of one's own account (token or live session), for "Devices". */
export interface Login {
  readonly id: string;
  readonly name: string;
  readonly current: boolean;
  readonly online: boolean;
  readonly lastUsed?: number;
}

export interface InviteInfo {
  readonly token: string;
  /** Who invites; absent for the link of the first start and those made on the command line. */
  readonly inviter?: Address;
  readonly inviterName?: string;
  readonly domain: string;
  readonly role: 'admin' | 'member' | 'limited';
  /** True for the one-time link of the first start: it makes the admin account. */
  readonly firstAccount: boolean;
  readonly expires: number;
  /** Shortest password that is accepted. */
  readonly minPassword: number;
  /** It is no invitation but sets a new password, of the account of this user name. */
  readonly reset?: string;
  /** xmpp:… that hands the same invitation to a native app. */
  readonly uri: string;
}

export interface InviteLink {
  readonly token: string;
  /** https://… page that works on every device. */
  readonly url: string;
  /** xmpp:… for native apps. */
  readonly uri: string;
  readonly expires: number;
}

/** Where a browser is woken, and the keys to encrypt with for it; all in base64url. */
export interface BrowserSubscription {
  readonly endpoint: string;
  readonly key: string;
  readonly auth: string;
}

/** Why somebody is blocked; their last messages can be looked up by those who look after the server, as far as it can read them. */
export interface Report {
  readonly reason: 'spam' | 'abuse';
  readonly text?: string;
}

export interface Commands {
  // ── session ──
  signIn(address: Address, password: string): Promise<void>;
  /** Ends the session here, revokes its token and deletes everything this browser stores. */
  signOut(): Promise<void>;
  /** Try to connect now instead of at `retryAt`. */
  reconnect(): Promise<void>;
  changePassword(current: string, next: string): Promise<void>;
  setDisplayName(name: string): Promise<void>;
  /** The own picture, for one's contacts: square, written anew without anything about where it was taken. `null`: none. */
  setPicture(picture: Blob | null): Promise<void>;
  setPrivacy(privacy: Privacy): Promise<void>;
  /** Everything that this browser has of the account, readable, as a ZIP archive. */
  exportData(words: ExportWords): Promise<Blob>;
  /** Removes the account from the server and everything from this browser. Rejects with `credentials` when the password is wrong. */
  deleteAccount(password: string): Promise<void>;
  /** A picture by its hash; `undefined` when it is not here any more. */
  picture(hash: string): Promise<Blob | undefined>;
  /** What the page knows: true while the window is visible and in use. */
  setActive(active: boolean): Promise<void>;

  // ── invitations ──
  lookupInvite(token: string): Promise<InviteInfo>;
  /** Creates the account and signs in. `name` is the part before the @. */
  acceptInvite(token: string, name: string, password: string, displayName: string): Promise<void>;
  /** Sets a new password with a link for that, and signs in. All devices were signed out by it. */
  resetPassword(token: string, password: string): Promise<void>;
  /** Signed in already: only makes the inviter a contact. */
  acceptInviteAsContact(token: string): Promise<Address>;
  createInvite(): Promise<InviteLink>;

  // ── contacts ──
  addContact(address: Address, name?: string): Promise<void>;
  renameContact(address: Address, name: string): Promise<void>;
  acceptContact(address: Address): Promise<void>;
  declineContact(address: Address): Promise<void>;
  removeContact(address: Address): Promise<void>;
  /** `report`: tells those who look after the server why. */
  block(address: Address, report?: Report): Promise<void>;
  unblock(address: Address): Promise<void>;

  // ── chats ──
  /** Newest page when neither bound is given. Fetches from the server when the local database ends. */
  page(chat: Address, bound: { before?: number; after?: number; around?: number; limit: number }): Promise<Page>;
  /**
   * Resolves when the message is stored here and will be sent; its state follows by events.
   * `id`: chosen by the caller (unique), so that the message can be shown before it is stored; it becomes `Message.id`.
   */
  send(chat: Address, text: string, options?: { allowUnencrypted?: boolean; id?: string; replyTo?: string }): Promise<Message>;
  /** Sends a file, encrypted. Resolves when it is stored here; how far it is follows by events. */
  sendFile(chat: Address, file: Blob, facts: { id: string; name: string; width?: number; height?: number }): Promise<Message>;
  fetchFile(chat: Address, id: string): Promise<Blob>;
  /** For how many seconds messages are kept from now on, on all devices of all; 0: for good. */
  setTimer(chat: Address, seconds: number): Promise<void>;
  /** Puts a message above the chat for everybody, or takes it from there. */
  pin(chat: Address, id: string, pinned: boolean): Promise<void>;
  /** What stands above a chat, newest first. */
  pinned(chat: Address): Promise<readonly Message[]>;
  askPoll(chat: Address, poll: NewPoll): Promise<Message>;
  /** All of one's answers, by their numbers from 0. */
  vote(chat: Address, id: string, choices: readonly number[]): Promise<void>;
  closePoll(chat: Address, id: string): Promise<void>;
  /** Corrects an own message. */
  edit(chat: Address, id: string, text: string): Promise<void>;
  /** What it said before, oldest first. */
  editsOf(chat: Address, id: string): Promise<readonly { readonly text: string; readonly at: number }[]>;
  /** All of one's reactions to a message; none takes earlier ones back. */
  react(chat: Address, id: string, emojis: readonly string[]): Promise<void>;
  /** Takes an own message back, or as an admin of a group somebody else's. */
  retract(chat: Address, id: string): Promise<void>;
  retry(chat: Address, id: string): Promise<void>;
  /** Delete here only. */
  discard(chat: Address, id: string): Promise<void>;
  markRead(chat: Address, order: number): Promise<void>;
  /** Pins, archives, mutes or marks a chat, on all own devices. */
  arrangeChat(chat: Address, change: ChatArrangement): Promise<void>;
  /** `replyTo`: what it answers. */
  setDraft(chat: Address, text: string, replyTo?: string): Promise<void>;
  /** These files and no others wait in the chat to be sent. */
  stageFiles(chat: Address, files: readonly File[]): Promise<void>;
  stagedFiles(chat: Address): Promise<readonly File[]>;
  /** Looks for messages that have all these words, among those that are here. `chat`: only there. */
  findMessages(query: string, where: { chat?: Address; limit: number }): Promise<FoundMessages>;
  /** The first message from a time on (ms since epoch); fetches older ones where they are missing. The last one when all are older. */
  placeAt(chat: Address, at: number): Promise<Place | undefined>;
  /** A message that is here. */
  message(chat: Address, id: string): Promise<Message | undefined>;
  setTyping(chat: Address, typing: boolean): Promise<void>;
  /** The chat came to the front (or left it): keys are fetched before the first message. */
  focus(chat: Address | null): Promise<void>;

  // ── groups ──
  /** Makes a group and asks these people in. It is private, unless it shall be public. Gives its address. */
  createGroup(name: string, people: readonly Address[], options?: { readonly public?: boolean; readonly description?: string }): Promise<Address>;
  /** The public groups of the own server, page by page. */
  publicGroups(after?: string): Promise<GroupsPage>;
  /** What there is at this address. Rejects `not-found`, and `not-member` where only members may know. */
  lookupGroup(address: Address): Promise<GroupInfo>;
  /** Enters a group by its address. Gives the address in the form in which it is compared. */
  joinGroup(address: Address): Promise<Address>;
  /** What one was asked to, or was sent out of. */
  enterGroup(group: Address): Promise<void>;
  declineGroup(group: Address): Promise<void>;
  /** `heir`: who owns the group afterwards, needed where nobody else does. The last one ends it. */
  leaveGroup(group: Address, heir?: Address): Promise<void>;
  /** For everybody, for good. */
  endGroup(group: Address): Promise<void>;
  renameGroup(group: Address, name: string): Promise<void>;
  setGroupPicture(group: Address, picture: Blob | null): Promise<void>;
  members(group: Address): Promise<readonly Member[]>;
  addMembers(group: Address, people: readonly Address[]): Promise<void>;
  removeMember(group: Address, person: Address): Promise<void>;
  setRole(group: Address, person: Address, role: Exclude<Role, 'guest'>): Promise<void>;
  /** The members who have read this message, as far as they say so. */
  readers(group: Address, id: string): Promise<readonly Address[]>;

  // ── children and circles ──
  family(): Promise<Family>;
  /** Answers for a child. `revoke`: they may not talk any more. */
  decideFor(child: Address, address: Address, answer: 'approve' | 'deny' | 'revoke', kind: 'contact' | 'group'): Promise<void>;
  /** Administrators only, as everything about circles. */
  setGuardians(child: Address, guardians: readonly Address[]): Promise<void>;
  createCircle(name: string): Promise<void>;
  renameCircle(id: string, name: string): Promise<void>;
  deleteCircle(id: string): Promise<void>;
  addToCircle(id: string, people: readonly Address[]): Promise<void>;
  removeFromCircle(id: string, person: Address): Promise<void>;

  // ── devices and trust ──
  devices(address: Address): Promise<readonly Device[]>;
  setTrust(address: Address, device: number, trust: Exclude<Trust, 'undecided'>): Promise<void>;
  /** From now on this device gets messages in OMEMO 0.3, if it announces no more. */
  allowOlder(address: Address, device: number): Promise<void>;
  /** Text of the QR code that shows one's own devices (`xmpp:…?omemo-sid-…`). */
  verificationUri(): Promise<string>;
  /** Result of a scanned code: how many devices became verified; rejects `not-found` when a key differs. */
  verifyUri(uri: string): Promise<{ address: Address; verified: number }>;
  /** A link for another own device. The one before is no good any more. */
  createDeviceLink(): Promise<DeviceLink>;
  /** A device has opened the link (`pairing`): it is signed in, or not. */
  answerDeviceLink(token: string, agreed: boolean): Promise<void>;
  /** On the new device: opens a link, once. Both devices show the number. Rejects `link-invalid`. */
  openDeviceLink(token: string): Promise<{ readonly address: Address; readonly number: string }>;
  /** Resolves when the other device has agreed and this one is signed in. Rejects `denied`. */
  awaitDeviceLink(token: string): Promise<void>;
  logins(): Promise<readonly Login[]>;
  endLogin(id: string): Promise<void>;

  // ── being woken ──
  /** The key with which the browser subscribes at its vendor's service; `undefined`: this server wakes no browsers. */
  pushKey(): Promise<string | undefined>;
  /** This browser is woken from now on. Doing it again renews it. */
  enablePush(subscription: BrowserSubscription): Promise<void>;
  disablePush(): Promise<void>;
}

export interface Events {
  session: SessionState;
  contacts: { readonly changed: readonly Contact[]; readonly removed: readonly Address[] };
  chats: { readonly changed: readonly Chat[]; readonly removed: readonly Address[] };
  messages: { readonly chat: Address; readonly changed: readonly Message[]; readonly removed: readonly string[] };
  typing: { readonly chat: Address; readonly from: Address; readonly typing: boolean };
  /** How far a file has been sent, in bytes. */
  transfer: { readonly chat: Address; readonly id: string; readonly done: number; readonly total: number };
  /** Who belongs to the group, or what is known of them, changed: ask `members` again. */
  members: { readonly chat: Address };
  /** The devices of this address changed (new one, trust, gone): ask `devices` again. */
  devices: { readonly address: Address; readonly news?: 'new-device' | 'key-changed' };
  /** Something about children, guardians or circles changed: ask `family` again. `decided`: about a wish of one's own. */
  family: { readonly decided?: { readonly address: Address; readonly approved: boolean } };
  /** Another device has opened the link that this one shows, and shows this number. */
  pairing: { readonly token: string; readonly number: string; readonly device: string };
  /** Someone wrote and the window is not looking at it: show a notification. */
  notify: { readonly chat: Address; readonly title: string; readonly text: string };
}

/** What a page gets on attaching: everything that the first paint needs, from the local database. */
export interface Snapshot {
  /** The domain that this page's server serves: what a name without an @ belongs to. */
  readonly domain: string;
  readonly session: SessionState;
  readonly contacts: readonly Contact[];
  readonly chats: readonly Chat[];
}

export interface Core extends Commands {
  /** Attach this page. Events that follow the snapshot are delivered in order, none is missed. */
  attach(listener: <K extends keyof Events>(event: K, data: Events[K]) => void): Promise<Snapshot>;
  detach(): void;
}
