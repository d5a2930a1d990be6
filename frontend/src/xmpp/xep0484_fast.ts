/** XEP-0484: Fast Authentication Streamlining Tokens. */
import { attr, define, leafTexts, optional } from './codec';
import { NS } from './ns';

/** A browser cannot see its TLS channel, so it can only use the mechanism without channel binding. */
export const FAST_MECHANISM = 'HT-SHA-256-NONE';

export const fastFeature = define(NS.fast, 'fast', { mechanisms: leafTexts(NS.fast, 'mechanism') });
export const requestToken = define(NS.fast, 'request-token', { mechanism: attr('mechanism') });
export const fast = define(NS.fast, 'fast', { invalidate: optional(attr.bool('invalidate')) });
export const token = define(NS.fast, 'token', { token: attr('token'), expiry: attr.date('expiry') });
