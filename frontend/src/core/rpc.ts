/** What pages and workers say to each other. Everything is plain data for structured clone. */
import type { Address, Commands, Events, Reason, Snapshot } from './api';

/**
 * Changes whenever pages and cores of two releases would not understand each other. A core steps down when a page of
 * a higher number appears; within a number any page works with any core.
 */
export const PROTOCOL = 5;

export type Method = keyof Commands;

const METHOD_TABLE: Readonly<Record<Method, true>> = {
  warmUp: true, signIn: true, switchAccount: true, signOut: true, reconnect: true, changePassword: true, setDisplayName: true, setPicture: true, setPrivacy: true, exportData: true, deleteAccount: true, picture: true, setGroupPicture: true, setActive: true,
  lookupInvite: true, acceptInvite: true, resetPassword: true, acceptInviteAsContact: true, createInvite: true,
  addContact: true, renameContact: true, acceptContact: true, declineContact: true, removeContact: true, block: true, unblock: true,
  page: true, send: true, sendLocation: true, sendFile: true, fileLimit: true, fetchFile: true, stickers: true, stickerPicture: true, addSticker: true, removeSticker: true, sendSticker: true, stickerPack: true, packPicture: true, edit: true, editsOf: true, react: true, retract: true, retry: true, discard: true, markRead: true, setDraft: true, stageFiles: true, stagedFiles: true, stageVoice: true, stagedVoice: true, arrangeChat: true, setTimer: true, answerOptOut: true, pin: true, pinned: true, askPoll: true, vote: true, closePoll: true, findMessages: true, mapFacts: true, mapTile: true, placeAt: true, message: true, setTyping: true, focus: true,
  createGroup: true, publicGroups: true, lookupGroup: true, joinGroup: true, groupLinks: true, makeGroupLink: true, renewGroupLink: true, revokeGroupLink: true, enterGroup: true, declineGroup: true, leaveGroup: true, endGroup: true, renameGroup: true,
  members: true, addMembers: true, removeMember: true, setRole: true, readers: true,
  family: true, decideFor: true, setGuardians: true, createCircle: true, deleteCircle: true, renameCircle: true, addToCircle: true, removeFromCircle: true,
  devices: true, setTrust: true, allowOlder: true, nameDevice: true, seenOwnDevices: true, verificationUri: true, verifyUri: true, createDeviceLink: true, answerDeviceLink: true, openDeviceLink: true, awaitDeviceLink: true, logins: true, endLogin: true, pushKey: true, enablePush: true, disablePush: true,
};
export const METHODS = Object.keys(METHOD_TABLE) as readonly Method[];

/** Doing these twice is not the same as doing them once: they are not repeated when the core was lost meanwhile. */
export const ONCE: ReadonlySet<Method> = new Set<Method>(['acceptInvite', 'resetPassword', 'changePassword', 'deleteAccount', 'createInvite', 'createGroup', 'makeGroupLink', 'createCircle', 'createDeviceLink', 'openDeviceLink']);

/** Nothing can be done about these without the server: given while the connection is being made, they wait for it. */
export const REMOTE: ReadonlySet<Method> = new Set<Method>([
  'changePassword', 'setDisplayName', 'setPicture', 'setGroupPicture', 'setPrivacy', 'deleteAccount', 'acceptInviteAsContact', 'createInvite',
  'addContact', 'renameContact', 'acceptContact', 'declineContact', 'removeContact', 'block', 'unblock', 'stickerPack', 'packPicture', 'mapFacts',
  'createGroup', 'publicGroups', 'lookupGroup', 'joinGroup', 'groupLinks', 'makeGroupLink', 'renewGroupLink', 'revokeGroupLink', 'declineGroup', 'leaveGroup', 'endGroup', 'renameGroup',
  'addMembers', 'removeMember', 'setRole', 'family', 'decideFor', 'setGuardians', 'createCircle', 'deleteCircle', 'renameCircle', 'addToCircle', 'removeFromCircle',
  'createDeviceLink', 'answerDeviceLink', 'logins', 'endLogin', 'pushKey', 'enablePush', 'disablePush',
]);

export type ToCore =
  /** `account`: the one to look at, if it is there. */
  | { readonly kind: 'attach'; readonly call: number; readonly account: Address | undefined }
  /** `account`: the one that the page looked at when it gave the command, which is for that one whatever comes in between. */
  | { readonly kind: 'call'; readonly call: number; readonly account: Address | undefined; readonly method: Method; readonly args: readonly unknown[] }
  | { readonly kind: 'detach' };

export type Event = { [K in keyof Events]: { readonly kind: 'event'; readonly event: K; readonly data: Events[K] } }[keyof Events];

export type ToPage =
  | { readonly kind: 'snapshot'; readonly call: number; readonly snapshot: Snapshot }
  | { readonly kind: 'result'; readonly call: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly call: number; readonly reason: Reason }
  | Event;

/** First word of a page to its worker: who it is. The page holds the lock `pageLock(page)` as long as it lives. */
export interface Hello {
  readonly kind: 'hello';
  readonly page: string;
}

/** The worker's words about itself. It holds `workerLock(worker)` as long as it lives. */
export type Greeting =
  | { readonly kind: 'ready'; readonly worker: string }
  /** There is a core (another one than before): attach. */
  | { readonly kind: 'core' };

export const CORE_LOCK = 'kith-core';
export const CHANNEL = 'kith-core';
export const pageLock = (page: string): string => `kith-page:${page}`;
export const workerLock = (worker: string): string => `kith-worker:${worker}`;

/** The part of the Web Locks API that is used. */
export interface Locks {
  request(name: string, options: { mode?: 'exclusive' | 'shared'; steal?: boolean; signal?: AbortSignal }, held: () => Promise<unknown>): Promise<unknown>;
}
