/** What own devices keep in private nodes under keys that only they have, and how they give them to each other. No XEP has a form for this. */
import { attr, children, define, optional, text } from './codec';
import { NS } from './ns';

/** An item of a private node. `data`: 12 bytes of nonce, then AES-256-GCM with the tag at the end. */
export const sealed = define(NS.kithVault, 'sealed', { key: attr('key'), data: text.bytes() });

const key = define(NS.kithVault, 'key', { id: attr('id'), made: attr.date('made'), secret: text.bytes() });

/** In an envelope of omemo:2 from one own device to the others. `ask`: this one lacks some. */
export const vaultKeys = define(NS.kithVault, 'keys', { ask: optional(attr.bool('ask')), keys: children(key) });
