import { expect, test } from 'vitest';
import type { Contact, Group, Member } from '../core/api';
import { candidates, deedsWith, mentionable, mentionAt, senderName, sortedMembers, withMention } from './groups';

const member = (name: string, part: Partial<Member> = {}): Member => ({ address: `${name.toLowerCase()}@x.example`, name, nick: name, role: 'member', self: false, here: true, ...part });
const contact = (name: string, part: Partial<Contact> = {}): [string, Contact] =>
  [`${name.toLowerCase()}@x.example`, { address: `${name.toLowerCase()}@x.example`, name, availability: 'offline', relation: 'mutual', blocked: false, ...part }];
const group = (part: Partial<Group>): Group =>
  ({ state: 'here', privacy: 'private', role: 'member', people: 3, may: { add: false, remove: false, configure: false, link: false }, cannotRead: [], ...part });

test('contacts are called as one calls them, others as they call themselves', () => {
  const contacts = new Map([contact('Mum'), contact('Eve', { relation: 'none' })]);
  expect(senderName(contacts, 'mum@x.example', 'Henrietta')).toBe('Mum');
  expect(senderName(contacts, 'eve@x.example', 'Evelyn')).toBe('Evelyn');
  expect(senderName(contacts, 'carl@x.example', undefined)).toBe('carl');
  expect(senderName(contacts, 'room@x.example/Nick', undefined)).toBe('Nick');
});

test('nobody is offered what the group would refuse', () => {
  expect(deedsWith(group({}), member('Bob'))).toEqual(['write']);
  expect(deedsWith(group({ role: 'owner', may: { add: true, remove: true, configure: true, link: true } }), member('Me', { self: true }))).toEqual([]);
  const admin = group({ role: 'admin', may: { add: true, remove: true, configure: false, link: false } });
  expect(deedsWith(admin, member('Bob'))).toEqual(['write', 'remove']);
  expect(deedsWith(admin, member('Bob', { role: 'admin' }))).toEqual(['write']);
  expect(deedsWith(admin, member('Bob', { role: 'owner' }))).toEqual(['write']);
  const owner = group({ role: 'owner', may: { add: true, remove: true, configure: true, link: true } });
  expect(deedsWith(owner, member('Bob'))).toEqual(['write', 'owner', 'admin', 'remove']);
  expect(deedsWith(owner, member('Bob', { role: 'owner' }))).toEqual(['write', 'admin', 'member', 'remove']);
  expect(deedsWith(owner, { ...member('x'), address: 'room@x.example/Nick', role: 'guest' })).toEqual([]);
});

test('owners come first, oneself last', () => {
  expect(sortedMembers([member('Me', { self: true, role: 'owner' }), member('Zoe'), member('Ann'), member('Bob', { role: 'owner' })]).map((one) => one.name)).toEqual(['Bob', 'Ann', 'Zoe', 'Me']);
});

test('only contacts that are not there can be added', () => {
  const contacts = new Map([contact('Bob'), contact('Ann'), contact('Eve', { relation: 'none' }), contact('Spam', { blocked: true })]);
  expect(candidates(contacts, '', new Set()).map((one) => one.name)).toEqual(['Ann', 'Bob']);
  expect(candidates(contacts, 'bo', new Set()).map((one) => one.name)).toEqual(['Bob']);
  expect(candidates(contacts, '', new Set(['bob@x.example'])).map((one) => one.name)).toEqual(['Ann']);
});

test.each([
  ['@', 1, { from: 0, query: '' }], ['hi @an', 6, { from: 3, query: 'an' }], ['hi @an there', 6, { from: 3, query: 'an' }],
  ['mail@an', 7, undefined], ['hi', 2, undefined], ['(@b', 3, { from: 1, query: 'b' }],
] as const)('in “%s” at %i a mention is %j', (text, cursor, expected) => expect(mentionAt(text, cursor)).toEqual(expected));

test('a mention is completed in its place', () => {
  const [anna] = mentionable([member('Bob'), member('Anna Adams'), member('Me', { self: true })], 'an');
  expect(anna?.name).toBe('Anna Adams');
  if (!anna) return;
  expect(withMention('hi @an there', 6, { from: 3, query: 'an' }, anna)).toEqual({ text: 'hi @Anna Adams there', cursor: 15 });
});
