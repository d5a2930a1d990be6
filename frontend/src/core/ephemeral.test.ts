import { expect, it } from 'vitest';
import { TestClock } from '../../test/support/clock';
import type { Account } from './account';
import type { Chats } from './chats';
import { Ephemeral } from './ephemeral';

it('what could not be taken away now is taken away later', async () => {
  const clock = new TestClock();
  let looked = 0;
  const account = { platform: { clock }, db: { read: () => (looked++ === 0 ? Promise.reject(new DOMException('not now', 'AbortError')) : Promise.resolve(undefined)) } };
  const ephemeral = new Ephemeral(account as unknown as Account, {} as Chats, { announce: () => Promise.resolve() });
  ephemeral.wake();
  clock.advance(1_000);
  expect(looked).toBe(1);
  await new Promise((resolve) => { setImmediate(resolve); });
  clock.advance(3_600_000);
  expect(looked).toBe(2);
});
