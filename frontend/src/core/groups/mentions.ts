/** Whom a text names: `@name`, by what people are called in the group. */
import type { Mentioned } from '../../xmpp/xep0372_references';
import type { Address } from '../api';

const LETTER = /[\p{L}\p{N}]/u;

/** Longer names first: "@Anna Lena" does not name Anna. Positions count code points. */
export function mentionsIn(text: string, people: readonly { readonly address: Address; readonly names: readonly string[] }[]): readonly Mentioned[] {
  const all = people.flatMap(({ address, names }) => names.map((name) => ({ address, name: [...name.trim().toLocaleLowerCase()] })))
    .filter(({ name }) => name.length > 0).sort((a, b) => b.name.length - a.name.length);
  const letters = [...text], folded = letters.map((letter) => letter.toLocaleLowerCase());
  const out: Mentioned[] = [];
  for (let at = 0; at < letters.length; at++) {
    if (letters[at] !== '@' || LETTER.test(letters[at - 1] ?? '')) continue;
    const found = all.find(({ name }) => name.every((letter, i) => folded[at + 1 + i] === letter) && !LETTER.test(letters[at + 1 + name.length] ?? ''));
    if (!found) continue;
    out.push({ address: found.address, begin: at, end: at + 1 + found.name.length });
    at += found.name.length;
  }
  return out;
}
