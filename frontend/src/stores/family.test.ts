import { expect, test } from 'vitest';
import type { Family, SessionState } from '../core/api';
import { Cell } from './cell';
import { FamilyStore, toDecide } from './family';

const family: Family = {
  children: [
    { address: 'ben@x', name: 'Ben', guardians: ['me@x'], mayDecide: true, approved: [], requests: [{ address: 'eve@x', kind: 'contact', direction: 'in', at: 1 }, { address: 'g@x', kind: 'group', direction: 'out', at: 2 }] },
    { address: 'tim@x', name: 'Tim', guardians: ['other@x'], mayDecide: false, approved: [], requests: [{ address: 'eve@x', kind: 'contact', direction: 'in', at: 1 }] },
  ],
  guardians: [], waiting: [], circles: [],
};

test('is read when one comes online and when something happens, and forgotten when one leaves', async () => {
  const session = new Cell<SessionState>({ phase: 'connecting', catchingUp: false });
  let asked = 0;
  const done: string[] = [];
  const store = new FamilyStore({ family: () => { asked++; return Promise.resolve(family); } }, session, { done: (what) => done.push(what) });
  session.set({ phase: 'online', catchingUp: true });
  expect(asked).toBe(0);
  session.set({ phase: 'online', catchingUp: false });
  await Promise.resolve();
  expect(store.get()).toEqual({ family, known: true });
  session.set({ phase: 'online', catchingUp: false, displayName: 'Mira' });
  expect(asked).toBe(1);
  store.apply({ decided: { address: 'eve@x', approved: false } });
  store.apply({});
  await Promise.resolve();
  expect(asked).toBe(3);
  expect(done).toEqual(['not-approved']);
  store.clear();
  expect(store.get().known).toBe(false);
});

test('counts only what waits for oneself', () => expect(toDecide(family)).toBe(2));
