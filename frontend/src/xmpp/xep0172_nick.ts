/** XEP-0172: User Nickname. */
import { define, text } from './codec';
import { NS } from './ns';

export const nick = define(NS.nick, 'nick', { name: text() });
