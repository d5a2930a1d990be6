/** XEP-0153: in presence, which picture is in the vCard. */
import { define, leafText, optional } from './codec';

const ns = 'vcard-temp:x:update';

/** `photo`: its SHA-1 in hex; empty: there is none; not there: the client does not know yet (section 4.1). */
export const vCardUpdate = define(ns, 'x', { photo: optional(leafText(ns, 'photo')) });
