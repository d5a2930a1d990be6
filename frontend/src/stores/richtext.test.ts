import { expect, test } from 'vitest';
import { type Block, blocks, type Piece } from './richtext';

const piece = (it: Piece): unknown => (it.kind === 'text' ? it.text : it.kind === 'link' ? `<${it.text}>` : it.kind === 'code' ? { code: it.text } : { [it.kind]: it.pieces.map(piece) });
const block = (it: Block): unknown => (it.kind === 'plain' ? it.pieces.map(piece) : it.kind === 'quote' ? { quote: it.blocks.map(block) } : { pre: it.text });
const plain = (text: string): unknown => blocks(text).map(block)[0];

/** Mostly the examples of XEP-0393. */
test.each([
  ['*bold*', [{ strong: ['bold'] }]],
  ['some *bold* and _soft_ words', ['some ', { strong: ['bold'] }, ' and ', { emphasis: ['soft'] }, ' words']],
  ['~gone~ `code *here*`', [{ strike: ['gone'] }, ' ', { code: 'code *here*' }]],
  ['*strong*plain*', [{ strong: ['strong'] }, 'plain*']],
  ['not *strong', ['not *strong']], ['*not \n strong*', ['*not \n', ' strong*']], ['**', ['**']], ['****', ['****']],
  ['* not strong*', ['* not strong*']], ['not*strong*', ['not*strong*']], ['*this *is strong*', [{ strong: ['this *is strong'] }]],
  ['*_both_*', [{ strong: [{ emphasis: ['both'] }] }]],
  ['2 * 3 * 4', ['2 * 3 * 4']], ['snake_case_name', ['snake_case_name']],
  ['see https://x.example/a_b_c_d now', ['see ', '<https://x.example/a_b_c_d>', ' now']],
  ['*https://x.example*', [{ strong: ['<https://x.example>'] }]],
] as const)('%j', (text, expected) => expect(plain(text)).toEqual(expected));

test('blocks', () => {
  expect(blocks('```js\nlet a = *1*;\n```\nafter').map(block)).toEqual([{ pre: 'let a = *1*;' }, ['after']]);
  expect(blocks('```\nnever closed').map(block)).toEqual([{ pre: 'never closed' }]);
  expect(blocks('> said\n>> before\nanswer').map(block)).toEqual([{ quote: [['said'], { quote: [['before']] }] }, ['answer']]);
  expect(blocks('a\n\nb').map(block)).toEqual([['a\n', '\n', 'b']]);
});

test('what nobody writes is left as it is', () => {
  expect(plain('*a '.repeat(5_000))).toEqual(['*a '.repeat(5_000)]);
  let depth = 0;
  for (let at = blocks('>'.repeat(5_000))[0]; at?.kind === 'quote'; at = at.blocks[0]) depth++;
  expect(depth).toBeLessThan(10);
});

test('what takes long where somebody means to make it take long', () => {
  const link = `http://example.org/${')'.repeat(200_000)}`;
  expect(plain(link)).toEqual(['<http://example.org/>', ')'.repeat(200_000)]);
  const unclosed = '*a _a ~a '.repeat(550);
  expect(blocks(`${unclosed}\n`.repeat(50)).map(block)).toEqual([Array.from({ length: 50 }, () => `${unclosed}\n`)]);
  expect(blocks('```\n'.repeat(60_000)).length).toBe(30_001);
});
