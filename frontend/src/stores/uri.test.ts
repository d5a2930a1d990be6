import { describe, expect, test } from 'vitest';
import type { Commands, GroupInfo } from '../core/api';
import { DirectoryStore, matching } from './directory';
import { routeOfLink } from './link';
import { formatRoute, parseRoute } from './route';
import { formatUri, routeOfUri } from './uri';

test.each([
  ['xmpp:garden@groups.example.org?join', { name: 'group', address: 'garden@groups.example.org' }],
  ['XMPP:Garden@Groups.example.org?join;password=S3cret-%26', { name: 'group', address: 'garden@groups.example.org', key: 'S3cret-&' }],
  ['xmpp:garden@groups.example.org?join;password=', { name: 'group', address: 'garden@groups.example.org' }],
  ['xmpp:na%C3%AFve@example.org/phone', { name: 'chat', address: 'naïve@example.org', details: false }],
  ['xmpp:anna@example.org?message;body=hi', { name: 'chat', address: 'anna@example.org', details: false }],
  ['xmpp:anna@example.org?roster;preauth=T0k-en;ibr=y', { name: 'invite', token: 'T0k-en' }],
  ['xmpp:example.org?register;preauth=abc', { name: 'invite', token: 'abc' }],
  ['xmpp:example.org', undefined], ['xmpp:', undefined], ['mailto:anna@example.org', undefined], ['xmpp:%E0%A4%A@x?join', { name: 'group', address: '%e0%a4%a@x' }],
])('%s leads to %j', (uri, route) => {
  expect(routeOfUri(uri)).toEqual(route);
  if (route) expect(routeOfLink(uri, 'https://chat.example.org')).toEqual(route);
});

test.each([
  ['https://chat.example.org/g/garden@groups.example.org', { name: 'group', address: 'garden@groups.example.org' }],
  ['https://chat.example.org/i/token', { name: 'invite', token: 'token' }],
  ['https://chat.example.org/g/garden@groups.example.org#3q2-7w', { name: 'group', address: 'garden@groups.example.org', key: '3q2-7w' }],
  ['https://far.example/g/garden@groups.far.example#3q2-7w', { name: 'group', address: 'garden@groups.far.example', key: '3q2-7w' }],
  ['https://far.example/g/garden#3q2-7w', undefined], ['http://far.example/g/garden@groups.far.example#x', undefined], ['https://far.example/i/token#x', undefined],
  ['https://evil.example/g/garden@groups.example.org', undefined], ['https://chat.example.org/settings', undefined], ['anna', undefined], ['', undefined],
])('the link %s leads to %j', (link, route) => expect(routeOfLink(link, 'https://chat.example.org')).toEqual(route));

test('links for other apps lead back', () => {
  const uri = formatUri('garden@groups.example.org', '3q2-7w');
  expect(uri).toBe('xmpp:garden@groups.example.org?join;password=3q2-7w');
  expect(routeOfUri(uri)).toEqual({ name: 'group', address: 'garden@groups.example.org', key: '3q2-7w' });
});

test('what the system hands over is a place in the app', () => {
  expect(parseRoute('/open/xmpp%3Agarden%40groups.example.org%3Fjoin')).toEqual({ name: 'group', address: 'garden@groups.example.org' });
  expect(parseRoute('/open/javascript%3Aalert(1)')).toEqual({ name: 'home' });
  for (const path of ['/groups', '/g/garden@groups.example.org']) expect(formatRoute(parseRoute(path))).toBe(path);
});

describe('the directory', () => {
  const group = (n: number): GroupInfo => ({ address: `g${n}@groups.example.org`, name: `Group ${n}`, privacy: 'public', ...(n === 7 && { description: 'Für Müllers Garten' }) });
  const pages = (count: number): { core: Pick<Commands, 'publicGroups'>; asked: (string | undefined)[] } => {
    const asked: (string | undefined)[] = [];
    return { asked, core: { publicGroups: (after) => {
      asked.push(after);
      const at = Number(after ?? 0);
      return Promise.resolve({ groups: [group(at * 2), group(at * 2 + 1)], ...(at + 1 < count && { next: String(at + 1) }) });
    } } };
  };

  test('comes page by page, and whole when one searches', async () => {
    const { core, asked } = pages(4);
    const directory = new DirectoryStore(core);
    await directory.more();
    expect(directory.get()).toMatchObject({ complete: false, busy: false });
    await directory.all();
    expect(directory.get().groups.map((one) => one.name)).toEqual([...Array(8).keys()].map((n) => `Group ${n}`));
    expect(asked).toEqual([undefined, '1', '2', '3']);
    await directory.more();
    expect(asked).toHaveLength(4);
  });

  test('says when it could not be read, and can be tried again', async () => {
    let broken = true;
    const directory = new DirectoryStore({ publicGroups: () => (broken ? Promise.reject(new Error('no')) : Promise.resolve({ groups: [group(1)] })) });
    await directory.all();
    expect(directory.get().reason?.code).toBe('internal');
    broken = false;
    await directory.more();
    expect(directory.get()).toEqual({ groups: [group(1)], busy: false, complete: true });
  });

  test('finds by name, address and what it is about', () => {
    const all = [...Array(8).keys()].map(group);
    expect(matching(all, 'garten').map((one) => one.name)).toEqual(['Group 7']);
    expect(matching(all, 'g3@').map((one) => one.name)).toEqual(['Group 3']);
    expect(matching(all, '  ')).toHaveLength(8);
  });
});
