import { describe, expect, test } from 'vitest';
import { de } from './de';
import { en } from './en';
import { es } from './es';
import { fr } from './fr';
import { formatsFor } from './format';
import { chooseLanguage, english, languages, localeFor } from './languages';

test.each([
  ['system', ['de-AT', 'en'], 'de'], ['system', ['ja-JP', 'de'], 'de'], ['system', ['ja-JP'], 'en'], ['de', ['en-GB'], 'de'], ['xx', ['de'], 'de'], ['system', [], 'en'],
] as const)('wishing %s with %j gives %s', (wish, preferred, tag) => expect(chooseLanguage(wish, preferred).tag).toBe(tag));

test('dates follow the person’s own variant of the language', () => {
  expect(localeFor(english, ['de', 'en-GB'])).toBe('en-GB');
  expect(localeFor(english, ['de'])).toBe('en');
});

describe('dates', () => {
  const now = new Date(2026, 4, 12, 10, 30).getTime();
  const before = (days: number, hour = 9): number => new Date(2026, 4, 12 - days, hour, 5).getTime();
  const words = formatsFor('en-GB', en.time);

  test('in the list they get shorter with distance', () => {
    expect(words.brief(before(0), now)).toBe('09:05');
    expect(words.brief(before(1, 23), now)).toBe('Yesterday');
    expect(words.brief(before(3), now)).toBe('Sat');
    expect(words.brief(before(20), now)).toBe('22 Apr');
    expect(words.brief(before(400), now)).toBe('07/04/25');
  });

  test('between days they have a name', () => {
    expect(words.day(before(0), now)).toBe('Today');
    expect(words.day(before(1), now)).toBe('Yesterday');
    expect(words.day(before(30), now)).toBe('Sunday 12 April');
    expect(words.day(before(400), now)).toBe('7 April 2025');
    expect(formatsFor('de', de.time).day(before(1), now)).toBe('Gestern');
  });

  test('ago', () => {
    expect(words.ago(now - 10_000, now)).toBe('just now');
    expect(words.ago(now - 5 * 60_000, now)).toBe('5 minutes ago');
    expect(words.ago(before(1), now)).toBe('yesterday');
    expect(words.ago(before(60), now)).toBe('2 months ago');
    expect(words.ago(now + 60_000, now)).toBe('just now'); // a clock that is ahead
    expect(formatsFor('de', de.time).ago(now - 3 * 3_600_000, now)).toBe('vor 3 Stunden');
  });
});

/** Every text, with its path; functions are called with plausible things. */
function texts(node: unknown, path = ''): [string, string][] {
  if (typeof node === 'string') return [[path, node]];
  if (typeof node === 'function') {
    if (path === '.reason') {
      const codes = ['network', 'server', 'credentials', 'throttled', 'policy', 'not-found', 'conflict', 'invite-invalid', 'name-invalid', 'password-weak', 'too-large', 'cannot-encrypt', 'untrusted', 'link-invalid', 'group-link-invalid', 'denied', 'approval', 'last-admin', 'not-member', 'blocked', 'picture-unreadable', 'storage', 'unsupported', 'internal'];
      return codes.map((code) => [`${path}.${code}`, String(node({ code, seconds: 5 }))]);
    }
    return [0, 1, 2, 5].map((n) => [`${path}(${n})`, String(node(n, n))]);
  }
  return Object.entries(node as Record<string, unknown>).flatMap(([key, value]) => texts(value, `${path}.${key}`));
}

describe.each(languages.map((language) => [language.tag, language] as const))('the words of %s', (_, language) => {
  test('are all there, and none is jargon outside of "Advanced"', async () => {
    for (const [path, text] of texts(await language.load())) {
      expect(text.trim(), path).not.toBe('');
      expect(text, path).not.toMatch(/undefined|\[object/);
      if (path.startsWith('.settings.about.') || path === '.invite.nativeText') continue;
      expect(text, path).not.toMatch(/\b(JID|MUC|OMEMO|stanza|XMPP|roster|PEP|MAM|resource|token)\b/i);
    }
  });

  test('use the typographic marks of print', async () => {
    for (const [path, text] of texts(await language.load())) {
      expect(text, path).not.toMatch(/\w'\w|\.\.\./);
    }
  });
});

test('no German text was left in English', () => {
  const same = texts(de).filter(([path, text]) => new Map(texts(en)).get(path) === text).map(([path]) => path);
  // Names and words that are the same in both.
  expect(same.filter((path) => !/^\.(app|notification\.title|shortcuts\.keys|signIn\.address$|settings\.about\.server|settings\.data\.words\.(chats|sticker$)|sticker\.(kind|named)|newChat\.|list\.(title|label)|details\.status|connection\.offline$|presence\.online|chat\.(arrived|fileKinds\.video)|group\.says|location\.coordinates|poll\.by|password\.|signIn\.on)/.test(path))).toEqual([]);
});

test('French keeps narrow spaces before its double marks and inside guillemets', () => {
  for (const [path, text] of texts(fr)) {
    if (path === '.invite.userNameWrong') continue; // lists bare characters
    expect(text.replaceAll('https://', ''), path).not.toMatch(/(?<!\u202f)[;:!?»]|«(?!\u202f)|["“”]/u);
  }
});

test('French elides before a vowel', () =>
  expect(['Élise', 'Yves', 'Yann', 'Paul', 'Hugo'].map(fr.lock.devicesOf)).toEqual(['Appareils d’Élise', 'Appareils d’Yves', 'Appareils de Yann', 'Appareils de Paul', 'Appareils de Hugo']));

test('Spanish opens its questions', () => {
  for (const [path, text] of texts(es)) expect(text.split('¿').length, path).toBe(text.split('?').length);
});

test('Spanish gives times their article', () => expect(['1:05', '01:05', '13:05'].map(es.chat.time)).toEqual(['a la 1:05', 'a la 01:05', 'a las 13:05']));
