/** XEP-0308: Last Message Correction. */
import { attr, define } from './codec';
import { NS } from './ns';

/** `id`: the attribute of the message that this one takes the place of. */
export const replace = define(NS.replace, 'replace', { id: attr('id') });
