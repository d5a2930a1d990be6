/** Text of a message cut into what is shown differently. Everything stays text; nothing is ever HTML. */
export type Leaf =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'link'; readonly text: string; readonly href: string };

export type Piece =
  | Leaf
  /** XEP-0393 section 5.3; the marks around it are shown as well. */
  | { readonly kind: 'strong' | 'emphasis' | 'strike'; readonly mark: string; readonly pieces: readonly Piece[] }
  | { readonly kind: 'code'; readonly mark: string; readonly text: string };

/** XEP-0393 section 5.1. */
export type Block =
  | { readonly kind: 'plain'; readonly text: string; readonly pieces: readonly Piece[] }
  | { readonly kind: 'quote'; readonly blocks: readonly Block[] }
  | { readonly kind: 'code'; readonly text: string };

const maxDepth = 6;
/** Longer lines are nobody's writing, and would take long. */
const maxLine = 5000;
const spans: Readonly<Record<string, 'strong' | 'emphasis' | 'strike' | 'code'>> = { '*': 'strong', _: 'emphasis', '~': 'strike', '`': 'code' };

/** Blocks first: preformatted text, quotations, and the rest, in which there are spans and links. */
export function blocks(text: string, depth = 0): readonly Block[] {
  const out: Block[] = [];
  let plain: string[] = [];
  const flush = (): void => {
    if (plain.length === 0) return;
    const joined = plain.join('\n');
    out.push({ kind: 'plain', text: joined, pieces: spansOf(joined) });
    plain = [];
  };
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? '';
    if (line.startsWith('```')) {
      flush();
      let end = i + 1;
      while (lines[end]?.startsWith('```') === false) end++;
      out.push({ kind: 'code', text: lines.slice(i + 1, end).join('\n') });
      i = end;
    } else if (line.startsWith('>') && depth < maxDepth) {
      flush();
      let end = i;
      while (lines[end]?.startsWith('>')) end++;
      out.push({ kind: 'quote', blocks: blocks(lines.slice(i, end).map((one) => one.replace(/^> ?/, '')).join('\n'), depth + 1) });
      i = end - 1;
    } else {
      plain.push(line);
    }
  }
  flush();
  return out;
}

/** Spans of one line each; what is a link is not looked into. */
function spansOf(text: string, depth = 0): readonly Piece[] {
  return text.split(/(?<=\n)/).flatMap((line) => spansOfLine(line, depth));
}

function spansOfLine(line: string, depth: number): readonly Piece[] {
  if (line.length > maxLine) return pieces(line);
  const out: Piece[] = [];
  /** Marks that nothing closes in the rest of the line. */
  const open = new Set<string>();
  let from = 0;
  for (let at = 0; at < line.length; at++) {
    const kind = spans[line[at] ?? ''];
    // An opening mark stands at the beginning, after a space or another mark, and before something else than a space.
    if (!kind || depth >= maxDepth || !(at === 0 || /[\s*_~]/.test(line[at - 1] ?? '')) || !/\S/.test(line[at + 1] ?? '') || line[at + 1] === line[at]) continue;
    const mark = line[at] ?? '';
    if (open.has(mark)) continue;
    const end = closing(line, at);
    if (end < 0) {
      open.add(mark);
      continue;
    }
    const inner = line.slice(at + 1, end);
    if (pieces(line.slice(from, end + 1)).some((piece) => piece.kind === 'link' && piece.text.includes(mark) && !inner.includes(piece.text))) continue;
    if (at > from) out.push(...pieces(line.slice(from, at)));
    out.push(kind === 'code' ? { kind, mark, text: inner } : { kind, mark, pieces: spansOfLine(inner, depth + 1) });
    from = end + 1;
    at = end;
  }
  if (from < line.length) out.push(...pieces(line.slice(from)));
  return out;
}

/** The nearest mark of the same kind that does not follow a space, with something between. */
function closing(line: string, at: number): number {
  for (let end = line.indexOf(line[at] ?? '', at + 1); end >= 0; end = line.indexOf(line[at] ?? '', end + 1)) {
    if (end > at + 1 && /\S/.test(line[end - 1] ?? '')) return end;
  }
  return -1;
}

const links = /\b(?:https?:\/\/|mailto:|www\.)[^\s<>"'`\u200b-\u200f\u202a-\u202e\u2066-\u2069]+/giu;

/** Closing punctuation belongs to the sentence, unless the link itself opened the bracket. */
function trimEnd(url: string): string {
  let end = url.length, round = 0, square = 0;
  for (const letter of url) {
    if (letter === '(') round++;
    else if (letter === ')') round--;
    else if (letter === '[') square++;
    else if (letter === ']') square--;
  }
  for (;;) {
    const last = url[end - 1] ?? '';
    if (last === ')' && round < 0) round++;
    else if (last === ']' && square < 0) square++;
    else if (!/[.,;:!?…'"»”’*_~]/u.test(last)) return url.slice(0, end);
    end--;
  }
}

export function pieces(text: string): readonly Leaf[] {
  const found: Leaf[] = [];
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

/** Signs like © and ™ are text unless asked to be a picture. */
const pictured = /\p{Emoji_Presentation}|\uFE0F|\u20E3/u;

/** The number of emoji when the text is nothing else and at most five of them, otherwise 0. */
export function emojiOnly(text: string): number {
  if (text.length > 100 || !pictured.test(text)) return 0;
  let count = 0;
  for (const { segment } of graphemes().segment(text)) {
    if (/^\s+$/u.test(segment)) continue;
    // Digits, # and * are \p{Emoji} too, but only become one with a keycap.
    if (!emoji.test(segment) || /^[#*0-9]$/.test(segment)) return 0;
    if (!pictured.test(segment)) return 0;
    count += 1;
  }
  return count <= 5 ? count : 0;
}
