import { expect, test } from 'vitest';
import type { Message } from '../core/api';
import { layRows, type Row, type Rows } from './rows';

const at = new Date(2026, 4, 12, 10, 0).getTime();
const minute = 60_000;

function message(order: number, part: Partial<Message> = {}): Message {
  return {
    id: `m${order}`, chat: 'a@x', from: 'a@x', outgoing: false, text: String(order), order, at: at + order * minute,
    state: 'received', lock: 'encrypted', known: true, ...part,
  };
}
const lay = (messages: readonly Message[], hasOlder = true, divider?: { after: number; count: number }, previous?: Rows): Rows =>
  layRows(messages, { hasOlder, divider }, previous);
const brief = (rows: Rows): string[] => rows.keys.map((key) => {
  const row = rows.byKey.get(key) as Row;
  return row.kind === 'message' ? `${row.message.id}${row.first ? '<' : ''}${row.last ? '>' : ''}` : row.kind;
});

test('messages of one person within minutes are one run', () => {
  expect(brief(lay([message(1), message(2), message(3, { outgoing: true }), message(9, { outgoing: true })])))
    .toEqual(['m1<', 'm2>', 'm3<>', 'm9<>']);
});

test('a day stands above its first message, but not above the first loaded one while older may exist', () => {
  const messages = [message(1), message(2, { at: at + 24 * 60 * minute })];
  expect(brief(lay(messages, true))).toEqual(['m1<>', 'day', 'm2<>']);
  expect(brief(lay(messages, false))).toEqual(['start', 'day', 'm1<>', 'day', 'm2<>']);
});

test('the divider stands once, before the first unread message of the other side, and ends the run', () => {
  const messages = [message(1), message(2, { outgoing: true }), message(3), message(4), message(5)];
  expect(brief(lay(messages, true, { after: 3, count: 2 }))).toEqual(['m1<>', 'm2<>', 'm3<>', 'unread', 'm4<', 'm5>']);
  expect(brief(lay(messages, true, { after: 1, count: 3 }))).toEqual(['m1<>', 'm2<>', 'unread', 'm3<', 'm4', 'm5>']);
  expect(brief(lay(messages, true, { after: 9, count: 0 }))).not.toContain('unread');
});

test('what cannot be read is told once per run and keeps its key when older messages come', () => {
  const dark = (order: number): Message => message(order, { text: '', problem: 'not-for-this-device' });
  const before = lay([dark(5), dark(6), message(7)]);
  expect(brief(before)).toEqual(['unreadable', 'm7<>']);
  const after = lay([message(3), dark(4), dark(5), dark(6), message(7)]);
  expect(brief(after)).toEqual(['m3<>', 'unreadable', 'm7<>']);
  expect(after.keys.slice(-2)).toEqual(before.keys.slice(-2));
});

test('who comes to a group is told between the messages, and ends a run', () => {
  const rows = lay([message(1), message(2, { text: '', came: ['bob@example.org'] }), message(3)]);
  expect(brief(rows)).toEqual(['m1<>', 'notice', 'm3<>']);
});

test('rows that did not change stay the same objects', () => {
  const first = lay([message(1), message(2), message(3, { outgoing: true, state: 'sending' })]);
  const second = lay([message(1), message(2), message(3, { outgoing: true, state: 'sent' })], true, undefined, first);
  // The messages are new objects here, as they are after a page was loaded again; only equal objects keep a row.
  expect(second.byKey.get('m3')).not.toBe(first.byKey.get('m3'));
  const messages = [message(1), message(2)];
  const third = lay(messages);
  const fourth = lay([...messages, message(3)], true, undefined, third);
  expect(fourth.byKey.get('m1')).toBe(third.byKey.get('m1'));
  expect(fourth.byKey.get('m2')).not.toBe(third.byKey.get('m2')); // it no longer ends the run
});

test('older messages only add rows at the start', () => {
  const all = Array.from({ length: 60 }, (_, i) => message(i + 1, { at: at + i * 97 * minute, outgoing: i % 3 === 0 }));
  const later = lay(all.slice(30));
  const whole = lay(all, true, undefined, later);
  expect(whole.keys.slice(-later.keys.length)).toEqual(later.keys);
});
