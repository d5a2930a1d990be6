/** XEP-0380: Explicit Message Encryption. */
import { attr, define, optional } from './codec';
import { NS } from './ns';

export const encryption = define(NS.eme, 'encryption', { namespace: attr('namespace'), name: optional(attr('name')) });
