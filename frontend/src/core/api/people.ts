/** People: contacts, those who are invited, and the family. */
import type { Address } from './session';

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

/** Why somebody is blocked; their last messages can be looked up by those who look after the server, as far as it can read them. */
export interface Report {
  readonly reason: 'spam' | 'abuse';
  readonly text?: string;
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
