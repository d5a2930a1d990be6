import { expect, test } from 'vitest';
import type { Message } from '../core/api';
import { emptyTimeline, type Timeline, trimmed, withChanges, withNewer, withOlder } from './timeline';

const message = (order: number, part: Partial<Message> = {}): Message => ({
  id: `m${order}`, chat: 'a@x', from: 'a@x', outgoing: false, text: '', order, at: order, state: 'received', lock: 'encrypted', known: true, ...part,
});
const from = (...orders: number[]): Message[] => orders.map((order) => message(order));
const orders = (timeline: Timeline): number[] => timeline.messages.map((it) => it.order);
const window: Timeline = { messages: from(10, 20, 30), hasOlder: true, hasNewer: true };

test('a change inside of the stretch is taken, one outside is left to its page', () => {
  expect(orders(withChanges(window, from(25), []))).toEqual([10, 20, 25, 30]);
  expect(withChanges(window, from(5, 40), [])).toBe(window);
});

test('at an end that is the end, new messages join', () => {
  expect(orders(withChanges({ ...window, hasNewer: false }, from(40), []))).toEqual([10, 20, 30, 40]);
  expect(orders(withChanges({ ...window, hasOlder: false }, from(5), []))).toEqual([5, 10, 20, 30]);
  expect(orders(withChanges(emptyTimeline, from(1), []))).toEqual([1]);
});

test('a message may get another place, and may go', () => {
  const moved = withChanges({ ...window, hasNewer: false }, [message(10, { order: 35 })], []);
  expect(moved.messages.map((it) => it.id)).toEqual(['m20', 'm30', 'm10']);
  expect(orders(withChanges(window, [], ['m20']))).toEqual([10, 30]);
  expect(withChanges(window, [], ['other'])).toBe(window);
});

test('pages join without doubling, and what was told later wins', () => {
  const newer: Timeline = { messages: [message(10, { state: 'read' }), message(20)], hasOlder: true, hasNewer: true };
  const joined = withOlder(newer, { messages: from(1, 10), hasOlder: false, hasNewer: true });
  expect(orders(joined)).toEqual([1, 10, 20]);
  expect(joined.messages[1]?.state).toBe('read');
  expect(joined.hasOlder).toBe(false);
  expect(withNewer(newer, { messages: from(20, 21), hasOlder: true, hasNewer: false })).toMatchObject({ hasNewer: false, hasOlder: true });
});

test('what is far away is forgotten and can be asked for again', () => {
  expect(trimmed(window, 2, 'start')).toMatchObject({ messages: from(20, 30), hasOlder: true });
  expect(trimmed({ ...window, hasNewer: false }, 2, 'end')).toMatchObject({ messages: from(10, 20), hasNewer: true });
  expect(trimmed(window, 3, 'end')).toBe(window);
});
