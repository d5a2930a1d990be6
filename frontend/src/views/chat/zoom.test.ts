import { expect, test } from 'vitest';
import { fitted, most, whole, within, zoomed } from './zoom';

const stage = { width: 400, height: 800 };
const wide = { width: 1600, height: 800 };

test('all of a picture is seen at first, and a small one is not made larger', () => {
  expect(fitted(wide, stage)).toEqual({ width: 400, height: 200 });
  expect(fitted({ width: 40, height: 30 }, stage)).toEqual({ width: 40, height: 30 });
});

test('what lies under the fingers stays there while they go apart', () => {
  const at = { x: 100, y: -50 };
  const near = zoomed(whole, 2, at);
  expect(near).toEqual({ scale: 2, x: -100, y: 50 });
  // The point of the picture that was at the fingers is there still.
  expect({ x: near.x + 2 * at.x, y: near.y + 2 * at.y }).toEqual(at);
  expect(zoomed(near, 1, at)).toEqual(whole);
  expect(zoomed(whole, 1, { x: 0, y: 0 }, { x: 30, y: 10 })).toEqual({ scale: 1, x: 30, y: 10 });
});

test('a picture is not drawn off its stage', () => {
  expect(within({ scale: 1, x: 90, y: -90 }, wide, stage)).toEqual(whole);
  // 800 by 400 now: it can be moved along, but not up or down.
  expect(within({ scale: 2, x: 900, y: 900 }, wide, stage)).toEqual({ scale: 2, x: 200, y: 0 });
  expect(within({ scale: 0.2, x: 0, y: 0 }, wide, stage).scale).toBe(1);
});

test('the largest is twice the size of the picture, and four times what was seen of it at least', () => {
  expect(most(wide, stage)).toBe(8);
  expect(most({ width: 40, height: 30 }, stage)).toBe(4);
  expect(within({ scale: 99, x: 0, y: 0 }, wide, stage).scale).toBe(8);
});
