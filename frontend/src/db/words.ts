/**
 * The words by which messages are found. Every message carries its own, and the database keeps an index of them: what is
 * changed, taken back or deleted is found by its new words or not at all, without anybody looking after a second store.
 */

/** What is looked at of a message. */
interface Findable {
  readonly text: string;
  readonly file?: { readonly name: string; readonly description?: string; readonly caption?: string; readonly sticker?: unknown };
  readonly retracted?: unknown;
  readonly problem?: string;
  readonly poll?: { readonly question: string };
}

const MAX_WORDS = 400;
const MAX_WORD = 32;
/** In these scripts words are not set apart: one looks for any part of a run of letters. */
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;
const RUNS = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu;

/** Lower case, without marks: "muller" finds "Müller". */
export function foldWord(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}+/gu, '').toLowerCase().replaceAll('ß', 'ss');
}

/** What somebody looks for: each is the beginning of a word. */
export function queryWords(query: string): readonly string[] {
  return [...new Set((query.match(RUNS) ?? []).map((run) => foldWord(run).slice(0, MAX_WORD)).filter((word) => word !== ''))];
}

/** The words of a text, each once. */
export function wordsOf(text: string): readonly string[] {
  const words = new Set<string>();
  for (const [run] of text.matchAll(RUNS)) {
    const word = foldWord(run);
    if (UNSPACED.test(run)) for (let i = 0; i < word.length; i++) words.add(word.slice(i, i + MAX_WORD));
    else words.add(word.slice(0, MAX_WORD));
    if (words.size >= MAX_WORDS) break;
  }
  words.delete('');
  return [...words].slice(0, MAX_WORDS);
}

/** What stands for a file where only text is: its name; of a sticker what it shows. */
export function fileText({ name, description, sticker }: NonNullable<Findable['file']>): string {
  return sticker ? description ?? '' : name;
}

/** What of a message can be found: what it says, and the name of its file. */
export function searchText({ text, file, retracted, problem, poll }: Findable): string {
  if (retracted || problem !== undefined) return '';
  if (poll) return poll.question;
  if (file) return file.caption === undefined ? fileText(file) : `${file.caption} · ${fileText(file)}`;
  // A place is found by what it is called.
  if (/^\s*geo:-?\d/i.test(text)) return decoded(/^\s*geo:[^\s?]*;name=([^\s;?]*)/i.exec(text)?.[1]);
  const shared = /^aesgcm:\/\/[^#\s]*\/([^/#\s]+)/.exec(text);
  return shared ? decoded(shared[1]) : text;
}

function decoded(part = ''): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}

export function indexed(message: Findable): readonly string[] {
  return wordsOf(searchText(message));
}

/** Where in a text the words stand that begin so: pairs of positions, ascending. */
export function marksIn(text: string, words: readonly string[]): readonly (readonly [number, number])[] {
  const marks: [number, number][] = [];
  for (const match of text.matchAll(RUNS)) {
    const [run] = match, folded = foldWord(run);
    const found = words.map((word) => (UNSPACED.test(run) ? [folded.indexOf(word), word.length] as const : [folded.startsWith(word) ? 0 : -1, run.length] as const)).find(([at]) => at >= 0);
    if (!found) continue;
    const [at, length] = found;
    marks.push(folded.length === run.length ? [match.index + at, match.index + Math.min(run.length, at + length)] : [match.index, match.index + run.length]);
  }
  return marks;
}
