import { describe, expect, it } from 'vitest';
import { bareOf, formatJid, parseJid } from './jid';

describe('the bare form of an address', () => {
  const long = (n: number): string => 'a'.repeat(n);
  const given = [
    'bob@example.org', 'bob@example.org/phone', 'Bob@Example.ORG/Phone', 'bob@example.org/', 'bob@example.org//', 'bob@', '@example.org', 'example.org',
    'bob@example.org.', 'bob@ex..org', 'bob@-example.org', 'bob@example-.org', 'bob@ex--ample.org', 'bob@a.b-c.d', 'b.o-b_1@localhost', 'bob@[::1]',
    'b ob@example.org', 'b@ob@example.org', 'bob@exa mple.org', 'jürgen@example.org', 'bob@bücher.example', `bob@example.org/${long(1024)}`,
    `bob@example.org/${long(1023)}`, `${long(1023)}@example.org`, `${long(1024)}@example.org`, `bob@${long(1024)}`, `bob@example.org/${'ä'.repeat(600)}`, '',
  ];
  it.each(given)('%s is what parsing makes of it', (text) => {
    let expected: string | undefined;
    try {
      expected = formatJid({ ...parseJid(text), resource: '' });
    } catch {
      expected = undefined;
    }
    expect(bareOf(text)).toBe(expected);
  });
});
