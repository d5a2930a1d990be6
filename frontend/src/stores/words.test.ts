import { describe, expect, test } from 'vitest';
import { hueOf, tintOf } from './colour';
import { completeAddress } from './contacts';
import { groups } from './fingerprint';
import { fold, score } from './fuzzy';
import { initials } from './initials';
import { strengthOf, suggestPassword } from './password';
import { emojiOnly, pieces } from './richtext';
import { suggestUserName, userNameFits } from './username';

describe('colours of people', () => {
  // XEP-0392 section 13.2.
  test.each([
    ['Romeo', 327.255249], ['juliet@capulet.lit', 209.4104], ['😺', 331.199341], ['council', 359.994507], ['Board', 171.430664],
  ])('%s has the hue of the specification', (text, hue) => {
    expect(hueOf(text)).toBeCloseTo(hue, 4);
  });

  const luminance = (hex: string): number => {
    const [r, g, b] = [1, 3, 5].map((i) => {
      const c = parseInt(hex.slice(i, i + 2), 16) / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  test('every tint is legible in light and dark', () => {
    for (let i = 0; i < 500; i++) {
      const { light, dark } = tintOf(`person${i}@linden.example`);
      for (const { ground, ink } of [light, dark]) {
        const [bright, dim] = [luminance(ground), luminance(ink)].sort((a, b) => b - a) as [number, number];
        expect((bright + 0.05) / (dim + 0.05)).toBeGreaterThan(5.5);
      }
    }
  });
});

test.each([
  ['Anna', 'A'], ['Anna Maria Müller', 'AM'], ['anna.mueller', 'AM'], ['  ', '?'], ['سمير', 'س'], ['👩‍👩‍👧 Family', '👩‍👩‍👧F'], ['(Bob)', 'B'], ['O’Neill', 'O'],
])('the initials of "%s" are "%s"', (name, letters) => expect(initials(name)).toBe(letters));

describe('links', () => {
  const links = (text: string): string[] => pieces(text).flatMap((piece) => (piece.kind === 'link' ? [piece.href] : []));

  test.each([
    ['see https://linden.example/a?b=c#d.', ['https://linden.example/a?b=c#d']],
    ['(https://en.wikipedia.org/wiki/Kin_(disambiguation))', ['https://en.wikipedia.org/wiki/Kin_(disambiguation)']],
    ['www.linden.example!', ['https://www.linden.example']],
    ['write to mailto:anna@linden.example, please', ['mailto:anna@linden.example']],
    ['https://a.example and https://b.example', ['https://a.example', 'https://b.example']],
    ['javascript:alert(1) data:text/html,x file:///etc/passwd', []],
    ['https:// http://', []],
    ['"https://a.example/x"', ['https://a.example/x']],
    ['https://مثال.example/صفحة', ['https://مثال.example/صفحة']],
  ])('%s', (text, expected) => expect(links(text)).toEqual(expected));

  test('nothing of the text is lost, and direction marks end a link', () => {
    const text = 'a https://a.example/\u202Egpj.exe b';
    expect(pieces(text).map((piece) => piece.text).join('')).toBe(text);
    expect(links(text)).toEqual(['https://a.example/']);
  });

  test('markup stays text', () => {
    expect(pieces('<img src=x onerror=alert(1)>')).toEqual([{ kind: 'text', text: '<img src=x onerror=alert(1)>' }]);
  });
});

test.each([
  ['👍', 1], ['❤️', 1], ['👨‍👩‍👧‍👦🇺🇦', 2], ['👋🏽 🎉', 2], ['1️⃣', 1], ['12', 0], ['#', 0], ['ok 👍', 0], ['©', 0], ['', 0], ['🎉🎉🎉🎉🎉🎉', 0], ['🏴󠁧󠁢󠁳󠁣󠁴󠁿', 1],
])('"%s" is %i emoji and nothing else', (text, count) => expect(emojiOnly(text)).toBe(count));

describe('passwords', () => {
  test.each([
    ['short', 'too-short'], ['aaaaaaaaaaaa', 'weak'], ['1234567890', 'weak'], ['password1234', 'weak'], ['qwertyuiop', 'weak'], ['annamueller1', 'weak'],
    ['sunflower field', 'good'], ['Kf9!xq2#Lp', 'fair'], ['bread lake house rain', 'good'],
  ] as const)('%s is %s', (password, strength) => expect(strengthOf(password, 10, ['anna', 'mueller'])).toBe(strength));

  test('a suggestion is strong, sayable and never the same', () => {
    const made = Array.from({ length: 200 }, () => suggestPassword((bytes) => void crypto.getRandomValues(bytes)));
    expect(new Set(made).size).toBe(200);
    for (const password of made) {
      expect(password).toMatch(/^([bdfghklmnprstwz][aeiou]){2}(-([bdfghklmnprstwz][aeiou]){2}){3}$/);
      expect(strengthOf(password, 10)).toBe('good');
    }
  });

  test('a suggestion uses every syllable alike', () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 4000; i++) {
      const first = suggestPassword((bytes) => void crypto.getRandomValues(bytes)).slice(0, 2);
      counts.set(first, (counts.get(first) ?? 0) + 1);
    }
    expect(counts.size).toBe(75);
    expect(Math.max(...counts.values())).toBeLessThan(120); // 53 expected; 120 is nine deviations away
  });
});

test.each([
  ['Anna Müller', 'anna.mueller'], ['  Jörg ', 'joerg'], ['Zoë', 'zoe'], ['Олена Коваль', 'olena.koval'], ['O’Neill', 'oneill'], ['María-José', 'maria.jose'], ['🙂', ''],
])('"%s" is suggested as "%s"', (name, user) => expect(suggestUserName(name)).toBe(user));

test.each([['anna', true], ['anna.m', true], ['an na', false], ['an@na', false], ['a/b', false], ['', false], ['a\u0007', false], ['سمير', true]])(
  'the user name "%s" fits: %s', (name, fits) => expect(userNameFits(name)).toBe(fits),
);

test.each([
  ['anna', 'anna@linden.example'], [' Anna@Brook.example ', 'anna@brook.example'], ['xmpp:anna@brook.example?message', 'anna@brook.example'],
  ['anna@', undefined], ['an na', undefined], ['anna@brook.example/phone', undefined], ['', undefined],
])('"%s" becomes the address %s', (typed, address) => expect(completeAddress(typed, 'linden.example')).toBe(address));

test('a fingerprint is eight groups of eight', () => {
  expect(groups('0123456789abcdef'.repeat(4))).toHaveLength(8);
  expect(groups('ABCDEF01'.repeat(8))[0]).toBe('abcdef01');
});

test('finding is blind to marks and case, and prefers beginnings', () => {
  expect(fold('Müller ÉTÉ Straße')).toBe('muller ete strasse');
  expect(score('an', 'Anna')).toBeGreaterThan(score('an', 'Maria Anna'));
  expect(score('an', 'Maria Anna')).toBeGreaterThan(score('an', 'Stefan'));
  expect(score('an', 'Stefan')).toBeGreaterThan(score('an', 'Aaron'));
  expect(score('xy', 'Anna')).toBe(0);
});
