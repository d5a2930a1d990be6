/** Kith's own elements: what an account may know of itself (`kith:account:0`) and new verifiers (`kith:credentials:0`). */
import { attr, children, define, leafText, optional, type Of } from './codec';
import { NS } from './ns';

export const account = define(NS.kithAccount, 'account', {
  role: optional(attr.oneOf('role', 'admin', 'member', 'limited')),
  /** Rules for a new password: shortest length, and how often it is hashed at least. */
  minPassword: optional(attr.uint('min-password')),
  iterations: optional(attr.uint('iterations')),
});

/** RFC 5802 section 3: StoredKey and ServerKey, from which the password cannot be had back cheaply. */
export const verifier = define(NS.kithCredentials, 'verifier', {
  mechanism: attr.oneOf('mechanism', 'SCRAM-SHA-1', 'SCRAM-SHA-256', 'SCRAM-SHA-512'),
  salt: attr('salt'),
  iterations: attr.uint('iterations'),
  storedKey: leafText(NS.kithCredentials, 'stored-key'),
  serverKey: leafText(NS.kithCredentials, 'server-key'),
});
export type Verifier = Of<typeof verifier>;

export const credentials = define(NS.kithCredentials, 'credentials', { verifiers: children(verifier) });
