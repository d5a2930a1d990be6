/** Groups and who is in them. */
import type { Address } from './session';

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
  /** When one came to it, if that is known: nothing that was encrypted before was for one. Milliseconds since epoch. */
  readonly since?: number;
  /** What is said about it. */
  readonly description?: string;
  /** Hash of its picture; `picture` gives it. */
  readonly picture?: string;
  readonly may: { readonly add: boolean; readonly remove: boolean; readonly configure: boolean; readonly link: boolean };
  /** Members whose devices cannot read what is encrypted. */
  readonly cannotRead: readonly Address[];
  /** Who asks one to come. */
  readonly invitedBy?: Address;
  /** What they say to it; or why it is over. */
  readonly note?: string;
}

/** What a new group is besides its name. It is private, unless it shall be public; only a public one has a description. */
export interface NewGroup {
  readonly public?: boolean;
  readonly description?: string;
}

/** A group as it shows itself to those who are not in it. */
export interface GroupInfo {
  readonly address: Address;
  readonly name: string;
  readonly description?: string;
  readonly privacy: 'private' | 'public';
  /** How many are in it now, where it says so. */
  readonly people?: number;
  /** How many belong to it. */
  readonly members?: number;
  /** What one came with opens it, although it is private. */
  readonly admits?: boolean;
}

/** A link into a private group. */
export interface GroupLink {
  readonly id: string;
  /** For browsers, and for other apps. They are known on the device that made the link, and nowhere else. */
  readonly url?: string;
  readonly uri?: string;
  readonly by: Address;
  readonly expires: number;
  /** How many have come by it, and how many may; any number without. */
  readonly uses: number;
  readonly max?: number;
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
