// Made when it is first needed: a browser without it must get as far as being told so.
let segmenter: Intl.Segmenter | undefined;
const graphemes = (): Intl.Segmenter => (segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' }));

const firstOf = (word: string): string => graphemes().segment(word)[Symbol.iterator]().next().value?.segment ?? '';

/** One or two letters that stand for a name where there is no picture. */
export function initials(name: string): string {
  const words = name.split(/[\s._-]+/u).map((word) => word.replace(/^[^\p{L}\p{N}\p{Extended_Pictographic}]+/u, '')).filter((word) => word !== '');
  const first = words[0];
  if (!first) return '?';
  const second = words.length > 1 ? words.at(-1) : undefined;
  return (firstOf(first) + (second ? firstOf(second) : '')).toLocaleUpperCase();
}
