/** Lower case without marks, so that "muller" finds "Müller". */
export function fold(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}+/gu, '').toLocaleLowerCase().replaceAll('ß', 'ss');
}

/**
 * How well `query` is found in `text`: 0 not at all, otherwise more is better. A whole word's beginning beats
 * a piece, and a piece beats letters that only follow each other.
 */
export function score(query: string, text: string): number {
  const wanted = fold(query.trim());
  if (wanted === '') return 1;
  const where = fold(text);
  const at = where.indexOf(wanted);
  if (at === 0) return 1000 - Math.min(where.length, 200);
  if (at > 0) return (/[\p{L}\p{N}]/u.test(where[at - 1] ?? '') ? 400 : 700) - Math.min(where.length, 200);
  let from = 0;
  let gaps = 0;
  for (const letter of wanted) {
    if (letter === ' ') continue;
    const next = where.indexOf(letter, from);
    if (next < 0) return 0;
    gaps += next - from;
    from = next + letter.length;
  }
  return Math.max(1, 200 - gaps);
}
