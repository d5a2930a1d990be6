/** Kith's own elements with which a browser subscribes to be woken (`kith:webpush:0`), at the server's `push.` address. */
import { attr, define, text, type Of } from './codec';
import { NS } from './ns';

/** The key to which a browser ties its subscription (RFC 8292 section 4), in base64url; empty when asked for. */
export const pushKey = define(NS.kithWebPush, 'key', { key: text() });

/** What the browser gave for it: where to send, and the keys to encrypt with (RFC 8291), in base64url. */
export const subscribe = define(NS.kithWebPush, 'subscribe', { endpoint: attr('endpoint'), key: attr('key'), auth: attr('auth') });
export type PushSubscription = Of<typeof subscribe>;

/** The node by which the subscription is enabled (XEP-0357). */
export const subscribed = define(NS.kithWebPush, 'subscribed', { node: attr('node') });
export const unsubscribe = define(NS.kithWebPush, 'unsubscribe', { node: attr('node') });
