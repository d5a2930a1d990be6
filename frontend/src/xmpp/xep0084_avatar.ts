/** XEP-0084: User Avatar: the picture in one node, what it is in another. */
import { attr, children, define, optional, text, type Of } from './codec';
import { NS } from './ns';

export const info = define(NS.avatarMetadata, 'info', {
  /** SHA-1 of the picture, in hex: the id of its item. */
  id: attr('id'),
  type: attr('type'),
  bytes: attr.uint('bytes'),
  width: optional(attr.uint('width')),
  height: optional(attr.uint('height')),
  /** Where the picture lies if not in the node. */
  url: optional(attr('url')),
});
export type AvatarInfo = Of<typeof info>;

/** Without anything in it: there is no picture (section 4.4). */
export const avatarMetadata = define(NS.avatarMetadata, 'metadata', { infos: children(info) });
export const avatarData = define(NS.avatarData, 'data', { data: text.bytes() });
