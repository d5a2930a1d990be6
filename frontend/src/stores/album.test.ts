import { expect, test } from 'vitest';
import type { Message } from '../core/api';
import { beside, isGone, picturesOf } from './album';
import { layRows } from './rows';

const message = (order: number, part: Partial<Message> = {}): Message => ({
  id: `m${order}`, chat: 'lena@linden.example', from: 'lena@linden.example', outgoing: false, text: '', order, at: order * 1000, state: 'received', lock: 'encrypted', known: true, ...part,
});
const file = { name: 'lake.png', kind: 'image', uploading: false } as const;
const all = [
  message(1, { file }), message(2, { text: 'nice' }), message(3, { file }), message(4, { file: { ...file, kind: 'video' } }),
  message(5, { file: { ...file, sticker: { description: '', pack: false } } }), message(6, { file, retracted: { at: 1 } }), message(7, { file }),
];
const rows = layRows(all, { hasOlder: true, divider: undefined });

test('from picture to picture, past all that is none', () => {
  const pictures = picturesOf(rows);
  expect(pictures.map(({ id }) => id)).toEqual(['m1', 'm3', 'm7']);
  expect(beside(pictures, 3)).toMatchObject({ before: { id: 'm1' }, after: { id: 'm7' } });
  // The one that was looked at has gone meanwhile.
  expect(beside(pictures, 6)).toMatchObject({ before: { id: 'm3' }, after: { id: 'm7' } });
  expect(beside(pictures, 1).before).toBeUndefined();
});

test('a picture that was taken away is not shown any more; one that is only not loaded is', () => {
  expect(isGone(rows, false, message(3))).toBe(false);
  expect(isGone(rows, false, message(6))).toBe(true);
  expect(isGone(rows, false, message(2.5))).toBe(true);
  expect(isGone(rows, false, message(8))).toBe(true);
  expect(isGone(rows, true, message(8))).toBe(false);
  expect(isGone(rows, false, message(0))).toBe(false);
  expect(isGone(layRows(all, { hasOlder: false, divider: undefined }), false, message(0))).toBe(true);
});
