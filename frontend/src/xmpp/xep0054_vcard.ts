/** XEP-0054: vcard-temp, as far as it holds the picture of somebody or of a room (XEP-0153, XEP-0486). */
import { child, define, leafText, optional } from './codec';

const ns = 'vcard-temp';

export const photo = define(ns, 'PHOTO', {
  type: optional(leafText(ns, 'TYPE')),
  data: optional(leafText.bytes(ns, 'BINVAL')),
});

export const vCard = define(ns, 'vCard', { photo: optional(child(photo)) });
