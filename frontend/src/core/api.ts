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
import type { Chat, ChatArrangement, FoundMessages, Page, Place } from './api/chats';
import type { Device, DeviceLink, Trust } from './api/devices';
import type { GroupInfo, GroupLink, GroupsPage, Member, NewGroup, Role } from './api/groups';
import type { MapFacts, Message, NewFile, NewPoll, SharedLocation, Sticker, StickerPack, Tile, VoiceDraft } from './api/messages';
import type { Contact, Family, InviteInfo, InviteLink, Report } from './api/people';
import type { AccountInfo, Address, BrowserSubscription, ExportWords, Login, Privacy, SessionState } from './api/session';

export type * from './api/chats';
export type * from './api/devices';
export * from './api/counts';
export * from './api/errors';
export type * from './api/groups';
export type * from './api/messages';
export type * from './api/people';
export type * from './api/session';

export interface Commands {
  // ── accounts ──
  /** Somebody may come in soon: what is needed then is fetched, if it is not here. Rejects `network`; coming in fetches it again. */
  warmUp(): Promise<void>;
  /** Signs in to an account of this browser, or adds one; the page looks at it then. */
  signIn(address: Address, password: string): Promise<void>;
  /** This page looks at another account of this browser. `looking` comes before the answer. Rejects `not-found`. */
  switchAccount(address: Address): Promise<void>;
  /** Ends the session of the account looked at, revokes its token and deletes everything this browser stores of it. */
  signOut(): Promise<void>;

  // ── session ──
  /** Try to connect now instead of at `retryAt`, with every account. */
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
  /** Says where something is, encrypted like a text. `id` as in `send`. */
  sendLocation(chat: Address, location: SharedLocation, options: { id: string }): Promise<Message>;
  /** Sends a file, encrypted. Resolves when it is stored here; how far it is follows by events. */
  sendFile(chat: Address, file: Blob, facts: NewFile): Promise<Message>;
  /** The largest file that the server takes, in bytes; `undefined` while that is not known. */
  fileLimit(): Promise<number | undefined>;
  fetchFile(chat: Address, id: string): Promise<Blob>;
  /** The stickers that one has, those used last first. */
  stickers(): Promise<readonly Sticker[]>;
  stickerPicture(id: string): Promise<Blob>;
  /** Keeps a picture as it is, on all own devices. Rejects `too-large`, `unsupported`. */
  addSticker(picture: Blob, facts: { description: string; width?: number; height?: number }): Promise<Sticker>;
  removeSticker(id: string): Promise<void>;
  /** Sends one of them, encrypted. `id` as in `send`. */
  sendSticker(chat: Address, sticker: string, options: { id: string; replyTo?: string }): Promise<Message>;
  /** The pack of which somebody has sent a sticker. Whoever keeps it learns that it was asked for. */
  stickerPack(chat: Address, message: string): Promise<StickerPack>;
  /** A picture of a pack that was looked at, by its number from 0. */
  packPicture(pack: string, index: number): Promise<Blob>;
  /** For how many seconds messages are kept from now on, on all devices of all; 0: for good. */
  setTimer(chat: Address, seconds: number): Promise<void>;
  /** The person goes on in the clear, as the other side asks (`Chat.optOut`), or encrypts (again). */
  answerOptOut(chat: Address, agreed: boolean): Promise<void>;
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
  /** This recording and no other waits in the chat to be sent; `null`: none. */
  stageVoice(chat: Address, voice: VoiceDraft | null): Promise<void>;
  stagedVoice(chat: Address): Promise<VoiceDraft | undefined>;
  /** Looks for messages that have all these words, among those that are here. `chat`: only there. */
  findMessages(query: string, where: { chat?: Address; limit: number }): Promise<FoundMessages>;
  /** What to know of the maps. Rejects `unsupported` where the server has none. */
  mapFacts(): Promise<MapFacts>;
  /** A picture of a map. The server learns the square that is looked at. */
  mapTile(tile: Tile): Promise<Blob>;
  /** The first message from a time on (ms since epoch); fetches older ones where they are missing. The last one when all are older. */
  placeAt(chat: Address, at: number): Promise<Place | undefined>;
  /** A message that is here. */
  message(chat: Address, id: string): Promise<Message | undefined>;
  setTyping(chat: Address, typing: boolean): Promise<void>;
  /** The chat came to the front (or left it): keys are fetched before the first message. */
  focus(chat: Address | null): Promise<void>;

  // ── groups ──
  /** Makes a group and asks these people in. Gives its address. */
  createGroup(name: string, people: readonly Address[], options?: NewGroup): Promise<Address>;
  /** The public groups of the own server, page by page. */
  publicGroups(after?: string): Promise<GroupsPage>;
  /**
   * What there is at this address. Rejects `not-found`, and `not-member` where only members may know. `key`: what a link into a
   * private group has; `group-link-invalid`: it opens nothing, or not any more.
   */
  lookupGroup(address: Address, key?: string): Promise<GroupInfo>;
  /** Enters a group by its address. Gives the address in the form in which it is compared. `key`: as `lookupGroup`. */
  joinGroup(address: Address, key?: string): Promise<Address>;
  /** The links into a private group that work now. */
  groupLinks(group: Address): Promise<readonly GroupLink[]>;
  /** `seconds`: how long it works; `max`: how many may come by it. */
  makeGroupLink(group: Address, options: { readonly seconds?: number; readonly max?: number }): Promise<GroupLink>;
  /** It works from now on for as long as it did at first, or for `seconds`. */
  renewGroupLink(group: Address, id: string, seconds?: number): Promise<GroupLink>;
  revokeGroupLink(group: Address, id: string): Promise<void>;
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
  /** What this device is called on its list, which everybody can read who knows the address; empty: nothing. Cut at 52 characters. */
  nameDevice(name: string): Promise<void>;
  /** The person knows which devices of theirs there are. */
  seenOwnDevices(): Promise<void>;
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
  /** This browser is woken from now on, for each of its accounts. Doing it again renews it. */
  enablePush(subscription: BrowserSubscription): Promise<void>;
  disablePush(): Promise<void>;
}

/** Of the account that the page looks at, but for those that say otherwise. */
export interface Events {
  /** The page looks at another account from now on, or at none: this is in the place of all that it was told before. */
  looking: Snapshot;
  /** All accounts of this browser, in the order in which they were added. */
  accounts: readonly AccountInfo[];
  session: SessionState;
  contacts: { readonly changed: readonly Contact[]; readonly removed: readonly Address[] };
  chats: { readonly changed: readonly Chat[]; readonly removed: readonly Address[] };
  messages: { readonly chat: Address; readonly changed: readonly Message[]; readonly removed: readonly string[] };
  typing: { readonly chat: Address; readonly from: Address; readonly typing: boolean };
  /** How far a file has been sent, in bytes. */
  transfer: { readonly chat: Address; readonly id: string; readonly done: number; readonly total: number };
  /** The stickers that one has changed: ask `stickers` again. */
  stickers: Readonly<Record<string, never>>;
  /** Who belongs to the group, or what is known of them, changed: ask `members` again. */
  members: { readonly chat: Address };
  /** The devices of this address changed (new one, trust, gone): ask `devices` again. */
  devices: { readonly address: Address; readonly news?: 'new-device' | 'key-changed' };
  /** Something about children, guardians or circles changed: ask `family` again. `decided`: about a wish of one's own. */
  family: { readonly decided?: { readonly address: Address; readonly approved: boolean } };
  /** Another device has opened the link that this one shows, and shows this number. */
  pairing: { readonly token: string; readonly number: string; readonly device: string };
  /** Someone wrote, to whichever account, and no window is looking at it: show a notification. `location`: of a place without a name; `text` ends with a sign for it. */
  notify: { readonly account: Address; readonly chat: Address; readonly title: string; readonly text: string; readonly location?: true };
  /** Of whichever account, all of this chat has been read, here or elsewhere: take its notification away. */
  read: { readonly account: Address; readonly chat: Address };
}

/** What a page gets on attaching: everything that the first paint needs, from the local database. */
export interface Snapshot {
  /** The domain that this page's server serves: what a name without an @ belongs to. */
  readonly domain: string;
  readonly accounts: readonly AccountInfo[];
  readonly session: SessionState;
  readonly contacts: readonly Contact[];
  readonly chats: readonly Chat[];
}

export interface Core extends Commands {
  /**
   * Attach this page. Events that follow the snapshot are delivered in order, none is missed. `account`: the one to look
   * at, if this browser has it; otherwise the one that was looked at last.
   */
  attach(listener: <K extends keyof Events>(event: K, data: Events[K]) => void, account?: Address): Promise<Snapshot>;
  detach(): void;
  /** The commands, for the account that is looked at now, whichever it is when they are given. */
  bound(): Commands;
}
