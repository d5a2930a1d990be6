/** XEP-0466: Ephemeral Messages. */
import { attr, define } from './codec';
import { NS } from './ns';

/** For so many seconds a message is kept. In a message without a text it says how it is from now on; 0: no more. */
export const ephemeral = define(NS.ephemeral, 'ephemeral', { timer: attr.uint('timer') });
