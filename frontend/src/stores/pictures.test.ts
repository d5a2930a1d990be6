import { describe, expect, test } from 'vitest';
import type { Chat, Contact } from '../core/api';
import { moved, square, whole, within, zoomed } from './crop';
import { Pictures } from './pictures';

const contact = (address: string, picture?: string): Contact => ({ address, name: address, availability: 'offline', relation: 'mutual', blocked: false, ...(picture !== undefined && { picture }) });

function store(): { pictures: Pictures; asked: string[]; dropped: string[] } {
  const asked: string[] = [], dropped: string[] = [];
  const core = { picture: (hash: string) => { asked.push(hash); return Promise.resolve(new Blob([hash])); } };
  return { pictures: new Pictures(core, { make: () => `blob:${asked.length}`, drop: (url) => dropped.push(url) }), asked, dropped };
}

describe('pictures', () => {
  test('are fetched once, and let go when nobody has them any more', async () => {
    const { pictures, asked, dropped } = store();
    pictures.contacts({ changed: [contact('a', 'h1'), contact('b', 'h1')], removed: [] });
    const url = pictures.url('h1');
    expect(url.get()).toBeUndefined();
    await Promise.resolve();
    expect(url.get()).toBe('blob:1');
    expect(pictures.url('h1')).toBe(url);
    expect(asked).toEqual(['h1']);
    pictures.contacts({ changed: [contact('a')], removed: [] });
    expect(dropped).toEqual([]);
    pictures.contacts({ changed: [], removed: ['b'] });
    expect(dropped).toEqual(['blob:1']);
  });

  test('tell nobody while people only come and go', () => {
    const { pictures } = store();
    pictures.contacts({ changed: [contact('a', 'h1')], removed: [] });
    let told = 0;
    pictures.subscribe(() => told++);
    pictures.contacts({ changed: [{ ...contact('a', 'h1'), availability: 'online' }], removed: ['nobody'] });
    expect(told).toBe(0);
  });

  test('of groups and of oneself are there too', () => {
    const { pictures } = store();
    const group = { id: 'g', kind: 'group', group: { picture: 'h2' } } as Chat;
    pictures.session({ phase: 'online', address: 'me', picture: 'h3', catchingUp: false });
    pictures.chats({ changed: [group, { id: 'a', kind: 'direct' } as Chat], removed: [] });
    expect(Object.fromEntries(pictures.get())).toEqual({ g: 'h2', me: 'h3' });
    pictures.reset({ domain: '', accounts: [], session: { phase: 'none', catchingUp: false }, contacts: [], chats: [] });
    expect(pictures.get().size).toBe(0);
  });
});

describe('the part of a picture that is shown', () => {
  const size = { width: 400, height: 200 };

  test('is a square in the middle at first', () => expect(square(whole, size)).toEqual({ x: 100, y: 0, side: 200 }));
  test('follows the hand, and stops at the edge', () => {
    expect(square(moved(whole, size, 0.25, 0.5), size)).toEqual({ x: 50, y: 0, side: 200 });
    expect(square(moved(whole, size, 9, 9), size)).toEqual({ x: 0, y: 0, side: 200 });
    expect(square(moved(whole, size, -9, 0), size)).toEqual({ x: 200, y: 0, side: 200 });
  });
  test('gets smaller around its centre, and never larger than the picture', () => {
    expect(square(zoomed(whole, size, 2), size)).toEqual({ x: 150, y: 50, side: 100 });
    expect(square(zoomed(zoomed({ ...whole, x: 0.25 }, size, 2), size, 0.1), size)).toEqual({ x: 0, y: 0, side: 200 });
    expect(within({ zoom: 99, x: 0, y: 0 }, size).zoom).toBe(5);
  });
});
