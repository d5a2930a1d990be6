/** Text of a message cut into what is shown differently. Everything stays text; nothing is ever HTML. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'link'; readonly text: string; readonly href: string };

const links = /\b(?:https?:\/\/|mailto:|www\.)[^\s<>"'`\u200b-\u200f\u202a-\u202e\u2066-\u2069]+/giu;

/** Closing punctuation belongs to the sentence, unless the link itself opened the bracket. */
function trimEnd(url: string): string {
  for (;;) {
    const last = url.at(-1) ?? '';
    if (/[.,;:!?…'"»”’*_~]/u.test(last)) url = url.slice(0, -1);
    else if (last === ')' && url.split('(').length <= url.split(')').length - 1) url = url.slice(0, -1);
    else if (last === ']' && url.split('[').length <= url.split(']').length - 1) url = url.slice(0, -1);
    else return url;
  }
}

export function pieces(text: string): readonly Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(links)) {
    const url = trimEnd(match[0]);
    const href = /^www\./i.test(url) ? `https://${url}` : url;
    if (!URL.canParse(href) || !/^(https?|mailto):$/.test(new URL(href).protocol) || /^(https?:\/\/|mailto:)$/i.test(href)) continue;
    if (match.index > end) found.push({ kind: 'text', text: text.slice(end, match.index) });
    found.push({ kind: 'link', text: url, href });
    end = match.index + url.length;
  }
  if (end < text.length) found.push({ kind: 'text', text: text.slice(end) });
  return found;
}

const emoji = /^(?:\p{RI}\p{RI}|[#*0-9]\uFE0F?\u20E3|\p{Emoji}(?:\p{EMod}|\uFE0F)?[\u{E0020}-\u{E007F}]*(?:\u200D\p{Emoji}(?:\p{EMod}|\uFE0F)?)*)$/u;
// Made when it is first needed: a browser without it must get as far as being told so.
let segmenter: Intl.Segmenter | undefined;
const graphemes = (): Intl.Segmenter => (segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' }));

/** The number of emoji when the text is nothing else and at most five of them, otherwise 0. */
export function emojiOnly(text: string): number {
  if (text.length > 100) return 0;
  let count = 0;
  for (const { segment } of graphemes().segment(text)) {
    if (/^\s+$/u.test(segment)) continue;
    // Digits, # and * are \p{Emoji} too, but only become one with a keycap.
    if (!emoji.test(segment) || /^[#*0-9]$/.test(segment)) return 0;
    // Signs like © and ™ are text unless asked to be a picture.
    if (!/\p{Emoji_Presentation}|\uFE0F|\u20E3/u.test(segment)) return 0;
    count += 1;
  }
  return count <= 5 ? count : 0;
}
