import { expect, test } from 'vitest';
import { namedParts } from './mentions';

const named = (text: string, names: readonly string[]): string[] => namedParts(text, names).filter((part) => part.name).map((part) => part.text);

test('names are found after an @, whole and the longest first', () => {
  expect(named('@anna lena and (@Anna), not mail@anna or @annabelle', ['Anna', 'Anna Lena'])).toEqual(['@anna lena', '@Anna']);
  expect(named('@Müller-(Sr.)!', ['Müller-(Sr.)'])).toEqual(['@Müller-(Sr.)']);
  expect(named('@Anna', [])).toEqual([]);
});

test('the parts are the text', () => {
  const text = 'a @Bob b @Bob';
  expect(namedParts(text, ['Bob']).map((part) => part.text).join('')).toBe(text);
});
