import { expect, test } from 'vitest';
import { Cell, Derived } from './cell';

test('a cell tells of a change once and of the same value never', () => {
  const cell = new Cell(1);
  const seen: number[] = [];
  const stop = cell.subscribe(() => seen.push(cell.get()));
  cell.set(1);
  cell.set(2);
  cell.update((value) => value + 1);
  stop();
  cell.set(4);
  expect(seen).toEqual([2, 3]);
});

test('a listener may stop listening while it is told', () => {
  const cell = new Cell(0);
  const seen: string[] = [];
  const stop = cell.subscribe(() => { seen.push('a'); stop(); });
  cell.subscribe(() => seen.push('b'));
  cell.set(1);
  cell.set(2);
  expect(seen).toEqual(['a', 'b', 'b']);
});

test('what is derived is computed once per change of its sources', () => {
  const a = new Cell(1);
  const b = new Cell(2);
  let computed = 0;
  const sum = new Derived([a, b], () => { computed += 1; return { sum: a.get() + b.get() }; });
  expect(sum.get()).toBe(sum.get());
  expect(computed).toBe(1);
  b.set(5);
  expect(sum.get()).toEqual({ sum: 6 });
  expect(computed).toBe(2);
});
