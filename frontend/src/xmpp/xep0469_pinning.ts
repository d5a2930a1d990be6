/** XEP-0469: Bookmark Pinning. */
import { NS } from './ns';
import { xml, type XmlElement } from './xml';

export function isPinned(extensions: XmlElement | undefined): boolean {
  return extensions?.child('pinned', NS.bookmarksPinning) !== undefined;
}

/** The extensions of a bookmark with or without the mark; what else stands there stays. */
export function withPinned(extensions: XmlElement | undefined, pinned: boolean): XmlElement {
  const others = (extensions?.elements ?? []).filter((element) => !element.is(NS.bookmarksPinning, 'pinned'));
  return xml(NS.bookmarks, 'extensions', {}, ...others, pinned && xml(NS.bookmarksPinning, 'pinned'));
}
