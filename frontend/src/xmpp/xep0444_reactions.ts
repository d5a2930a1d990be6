/** XEP-0444: Message Reactions. */
import { attr, define, leafTexts } from './codec';
import { NS } from './ns';

/** All reactions of the sender to one message; none takes earlier ones back. */
export const reactions = define(NS.reactions, 'reactions', { id: attr('id'), emojis: leafTexts(NS.reactions, 'reaction') });
