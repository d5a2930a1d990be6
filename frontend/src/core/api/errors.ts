/** Why something did not work. */
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
  | 'opt-out'            // the other side asks to go on without encryption, and that is not decided
  | 'not-member'         // one does not belong to this group, or not any more
  | 'group-link-invalid' // the link into a group is wrong, over, used up or was turned off
  | 'link-invalid'       // the link for this device was used, or its time is over
  | 'denied'             // the other device did not agree, or not in time
  | 'last-admin'         // nobody else looks after the server
  | 'approval'           // a guardian has to agree first, and was asked
  | 'contacts-only'      // they take messages from their contacts only
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
