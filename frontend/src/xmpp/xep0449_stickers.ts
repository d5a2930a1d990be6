/** XEP-0449 Stickers: what makes a shared file one, and packs of them as their owners publish them. */
import { attr, child, children, define, flag, leafTexts, optional, text, type Of } from './codec';
import { NS } from './ns';
import { hash, metadata, sources } from './xep0447_sfs';

/** Beside `<file-sharing/>` (section 4.1); with the place of its pack, if it belongs to one (section 4.5). */
export const sticker = define(NS.stickers, 'sticker', {
  /** Id of the item. */
  pack: optional(attr('pack')),
  /** Of the node; absent: its sender's own one of the usual name. */
  jid: optional(attr('jid')),
  node: optional(attr('node')),
});

const words = (name: 'name' | 'summary') => define(NS.stickers, name, { lang: optional(attr('xml:lang')), text: text() });

const packItem = define(NS.stickers, 'item', {
  file: child(metadata), sources: optional(child(sources)), suggestions: leafTexts(NS.stickers, 'suggest'),
});

/** Section 4.3.1: an item of a node. */
export const pack = define(NS.stickers, 'pack', {
  names: children(words('name')),
  summaries: children(words('summary')),
  items: children(packItem),
  hash: optional(child(hash)),
  /** It may not be imported. */
  restricted: flag(NS.stickers, 'restricted'),
});
export type Pack = Of<typeof pack>;

/** What stands there without a language, else whatever comes first. */
export function anyLanguage(all: Pack['names']): string | undefined {
  return (all.find(({ lang }) => lang === undefined) ?? all[0])?.text;
}
