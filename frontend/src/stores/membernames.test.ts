import { expect, test } from 'vitest';
import type { Member } from '../core/api';
import { MemberNames } from './membernames';

const GROUP = 'family@groups.example.org', ANNA = 'anna@example.org';
const member = (name: string): Member => ({ address: ANNA, name, role: 'member', self: false, here: true });

/** Answers come when the test says so. */
function asked(): { names: MemberNames; answers: ((members: readonly Member[]) => void)[] } {
  const answers: ((members: readonly Member[]) => void)[] = [];
  return { answers, names: new MemberNames({ members: () => new Promise((resolve) => answers.push((members) => resolve([...members]))) }) };
}

test('what was asked for one account is not told to the next', async () => {
  const { names, answers } = asked();
  const loading = names.load(GROUP);
  names.clear();
  answers[0]?.([member('Anna')]);
  await loading;
  expect(names.of(GROUP).size).toBe(0);
});

test('the last answer counts, whichever comes first', async () => {
  const { names, answers } = asked();
  const loading = [names.load(GROUP), names.load(GROUP)];
  answers[1]?.([member('Anna now')]);
  answers[0]?.([member('Anna before')]);
  await Promise.all(loading);
  expect(names.of(GROUP).get(ANNA)).toBe('Anna now');
});
