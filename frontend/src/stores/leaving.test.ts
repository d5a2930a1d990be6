import { expect, test } from 'vitest';
import { CoreError } from '../core/api';
import { Leaving } from './leaving';

test('an account is deleted with its password only', async () => {
  const given: string[] = [];
  const leaving = new Leaving({ deleteAccount: (password) => {
    given.push(password);
    if (password === 'offline') return Promise.reject(new CoreError({ code: 'network' }));
    return password === 'right' ? Promise.resolve() : Promise.reject(new CoreError({ code: 'credentials' }));
  } });
  expect(await leaving.submit('')).toBe(false);
  expect(leaving.get()).toEqual({ busy: false, wrong: 'missing' });
  expect(given).toEqual([]);
  expect(await leaving.submit('left')).toBe(false);
  expect(leaving.get()).toEqual({ busy: false, wrong: 'wrong' });
  expect(await leaving.submit('offline')).toBe(false);
  expect(leaving.get().reason?.code).toBe('network');
  expect(await leaving.submit('right')).toBe(true);
  expect(leaving.get()).toEqual({ busy: false });
});
