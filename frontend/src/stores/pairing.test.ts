import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/fake/clock';
import { CoreError } from '../core/api';
import { OpenedLink, ShownLink } from './pairing';

const settled = async (): Promise<void> => { for (let i = 0; i < 5; i++) await Promise.resolve(); };

function shown(clock = new FakeClock()): { link: ShownLink; clock: FakeClock; answers: [string, boolean][]; refuse: { next?: boolean } } {
  const answers: [string, boolean][] = [];
  const refuse: { next?: boolean } = {};
  let n = 0;
  const link = new ShownLink({
    createDeviceLink: () => Promise.resolve({ token: `t${++n}`, url: `https://x/l/t${n}`, expires: clock.now() + 300_000 }),
    answerDeviceLink: (token, agreed) => {
      answers.push([token, agreed]);
      return refuse.next ? Promise.reject(new CoreError({ code: 'not-found' })) : Promise.resolve();
    },
  }, clock);
  return { link, clock, answers, refuse };
}

describe('the code that is shown', () => {
  test('is opened by a device, to which one agrees', async () => {
    const { link, answers } = shown();
    await settled();
    expect(link.get()).toMatchObject({ step: 'waiting', link: { token: 't1' } });
    link.opened({ token: 'other', number: '1', device: 'x' });
    expect(link.get().step).toBe('waiting');
    link.opened({ token: 't1', number: '0417', device: 'Phone' });
    expect(link.get()).toMatchObject({ step: 'opened', number: '0417', device: 'Phone' });
    await link.answer(true);
    expect(link.get()).toEqual({ step: 'done', device: 'Phone' });
    link.close();
    expect(answers).toEqual([['t1', true]]);
  });

  test('is over when its time is, and another one can be made', async () => {
    const { link, clock } = shown();
    await settled();
    clock.advance(300_001);
    expect(link.get().step).toBe('over');
    await link.make();
    expect(link.get()).toMatchObject({ step: 'waiting', link: { token: 't2' } });
  });

  test('is taken back when one says no, or looks away', async () => {
    const first = shown();
    await settled();
    first.link.opened({ token: 't1', number: '1', device: '' });
    await first.link.answer(false);
    expect(first.link.get().step).toBe('over');
    const second = shown();
    await settled();
    second.link.close();
    expect(second.answers).toEqual([['t1', false]]);
  });

  test('says when it was too late to agree', async () => {
    const { link, refuse } = shown();
    await settled();
    link.opened({ token: 't1', number: '1', device: '' });
    refuse.next = true;
    await link.answer(true);
    expect(link.get()).toMatchObject({ step: 'failed', reason: { code: 'not-found' } });
  });
});

test.each([[undefined, 'done'], ['denied', 'failed']] as const)('the new device waits, and then %s: %s', async (code, step) => {
  const link = new OpenedLink({
    openDeviceLink: () => Promise.resolve({ address: 'a@x', number: '0417' }),
    awaitDeviceLink: () => (code === undefined ? Promise.resolve() : Promise.reject(new CoreError({ code }))),
  }, 't');
  const steps: string[] = [];
  link.subscribe(() => steps.push(link.get().step));
  await settled();
  expect(steps).toEqual(['waiting', step]);
});
