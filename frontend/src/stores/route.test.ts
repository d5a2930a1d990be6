import { expect, test } from 'vitest';
import { FakeHistory } from '../../test/fake/host';
import { launch } from './launch';
import { formatRoute, parseRoute, type Route } from './route';
import { Router } from './router';

const routes: readonly (readonly [string, Route])[] = [
  ['/', { name: 'home' }],
  ['/i/abc', { name: 'invite', token: 'abc' }],
  ['/chat/anna@linden.example', { name: 'chat', address: 'anna@linden.example', details: false }],
  ['/chat/anna@linden.example/details', { name: 'chat', address: 'anna@linden.example', details: true }],
  ['/chat/a%3Fb%2Fc@x.example', { name: 'chat', address: 'a?b/c@x.example', details: false }],
  ['/g/garden@groups.linden.example', { name: 'group', address: 'garden@groups.linden.example' }],
  ['/g/garden@groups.linden.example#3q2-7w', { name: 'group', address: 'garden@groups.linden.example', key: '3q2-7w' }],
  ['/g/garden@groups.linden.example#a%23b', { name: 'group', address: 'garden@groups.linden.example', key: 'a#b' }],
  ['/requests', { name: 'requests' }],
  ['/archived', { name: 'archived' }],
  ['/settings', { name: 'settings', section: undefined }],
  ['/settings/devices', { name: 'settings', section: 'devices' }],
];

test.each(routes)('%s is a place and back', (path, route) => {
  expect(parseRoute(path)).toEqual(route);
  expect(formatRoute(route)).toBe(path);
});

test.each(['/nowhere', '/chat', '/i', '/%E0%A4%A'])('%s leads home', (path) => {
  expect(parseRoute(path)).toEqual({ name: 'home' });
});

test('up goes back where the app came from, else to the parent', () => {
  const history = new FakeHistory('/chat/anna@linden.example/details');
  const router = new Router(history);
  router.up();
  expect(history.path()).toBe('/chat/anna@linden.example');
  router.up();
  expect(history.path()).toBe('/');
  router.go({ name: 'settings', section: 'about' });
  expect(history.entries).toHaveLength(2);
  router.up();
  expect(router.get()).toEqual({ name: 'home' });
});

test('going to where one is leaves the history alone', () => {
  const history = new FakeHistory('/');
  const router = new Router(history);
  router.go({ name: 'home' });
  router.go({ name: 'requests' });
  router.go({ name: 'requests' });
  expect(history.entries.map((entry) => entry.path)).toEqual(['/', '/requests']);
});

test('back after a leap within a place leads to where one was, and stays there', () => {
  const history = new FakeHistory('/chat/anna@linden.example');
  const router = new Router(history);
  const back: string[] = [];
  router.leap(() => back.push('first'));
  router.leap(() => back.push('second'));
  history.back();
  history.back();
  expect(back).toEqual(['second', 'first']);
  expect(router.get()).toMatchObject({ name: 'chat' });
  router.leap(() => back.push('forgotten'));
  router.go({ name: 'requests' });
  history.back();
  expect(back).toHaveLength(2);
  expect(router.get()).toMatchObject({ name: 'chat' });
});

test('what stands behind the # of a link that the system opens is kept', async () => {
  const router = new Router(new FakeHistory('/'));
  const app = { router, session: { get: () => ({ phase: 'online' }) }, overlays: { open: () => undefined } } as unknown as Parameters<typeof launch>[0];
  await launch(app, '/g/garden@groups.linden.example?utm=poster#3q2-7w');
  expect(router.get()).toEqual({ name: 'group', address: 'garden@groups.linden.example', key: '3q2-7w' });
});
