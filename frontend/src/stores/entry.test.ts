import { describe, expect, test } from 'vitest';
import { FakeCore } from '../../test/fake/core';
import { family } from '../../test/fake/seed';
import { Invitation } from './invitation';
import { PasswordChange } from './passwordchange';
import { SignIn } from './signin';
import { verify } from './verification';

const good = 'four words and a dog';

describe('signing in', () => {
  const form = (core: FakeCore): SignIn => new SignIn(core, () => 'linden.example');

  test('asks nobody while something is missing', async () => {
    const core = new FakeCore(family());
    const it = form(core);
    await it.submit('', '');
    expect(it.get().wrong).toEqual({ address: 'missing', password: 'missing' });
    await it.submit('two words', 'x');
    expect(it.get().wrong).toEqual({ address: 'wrong' });
    expect(core.calls).toEqual([]);
  });

  test('completes the name with the domain of this server', async () => {
    const core = new FakeCore(family());
    expect(await form(core).submit(' Mira ', 'correct horse')).toBe(true);
    expect(core.world.session.address).toBe('mira@linden.example');
  });

  test('says what was refused', async () => {
    const it = form(new FakeCore(family()));
    expect(await it.submit('mira', 'wrong')).toBe(false);
    expect(it.get()).toEqual({ busy: false, reason: { code: 'credentials' } });
  });
});

describe('an invitation', () => {
  const opened = async (token: string, core = new FakeCore(family())): Promise<{ it: Invitation; core: FakeCore }> => {
    const it = new Invitation(core, token);
    await it.look();
    return { it, core };
  };

  test('that does not exist is invalid; one that cannot be asked for is not', async () => {
    expect((await opened('nope')).it.get().status).toBe('invalid');
    const core = new FakeCore(family());
    const it = new Invitation(core, 'welcome');
    core.refuse.set('lookupInvite', 'network');
    await it.look();
    expect(it.get()).toMatchObject({ status: 'failed', reason: { code: 'network' } });
  });

  test('leads to the chat of who sent it', async () => {
    const { it, core } = await opened('welcome');
    expect(await it.accept('Kim Berg', 'Kim', good)).toEqual({ chat: 'jonas@linden.example' });
    expect(core.world.session).toMatchObject({ address: 'kim@linden.example', displayName: 'Kim Berg' });
  });

  test('asks for everything before the server is asked', async () => {
    const { it, core } = await opened('welcome');
    await it.accept(' ', 'a b', 'short');
    expect(it.get().wrong).toEqual({ displayName: 'missing', userName: 'wrong', password: 'short' });
    expect(core.calls.some((call) => call.command === 'acceptInvite')).toBe(false);
  });

  test.each([
    ['conflict', { wrong: { userName: 'taken' } }],
    ['name-invalid', { wrong: { userName: 'wrong' } }],
    ['password-weak', { wrong: { password: 'weak' } }],
    ['network', { error: { code: 'network' } }],
    ['invite-invalid', { status: 'invalid' }],
  ] as const)('%s is told where it belongs', async (code, expected) => {
    const { it, core } = await opened('welcome');
    core.refuse.set('acceptInvite', code);
    expect(await it.accept('Kim', 'kim', good)).toBeUndefined();
    expect(it.get()).toMatchObject({ busy: false, ...expected });
  });

  test('whose account was made before the connection was lost is not lost', async () => {
    const { it, core } = await opened('welcome');
    core.world.password = good;
    core.refuse.set('acceptInvite', 'network');
    expect(await it.accept('Kim', 'kim', good)).toBeUndefined();
    core.refuse.set('acceptInvite', 'invite-invalid');
    expect(await it.accept('Kim', 'kim', good)).toEqual({ chat: 'jonas@linden.example' });
    expect(core.calls.at(-1)?.command).toBe('signIn');
  });

  test('that is spent stays spent when the account is somebody else’s', async () => {
    const { it, core } = await opened('welcome');
    core.refuse.set('acceptInvite', 'network');
    await it.accept('Kim', 'kim', good);
    core.refuse.set('acceptInvite', 'invite-invalid');
    expect(await it.accept('Kim', 'kim', good)).toBeUndefined();
    expect(it.get().status).toBe('invalid');
  });

  test('adds a contact for somebody who is here already', async () => {
    const { it, core } = await opened('welcome');
    expect(await it.acceptAsContact()).toEqual({ chat: 'jonas@linden.example' });
    expect(core.calls.at(-2)?.command).toBe('acceptInviteAsContact');
  });
});

test('changing the password tells a wrong current one apart', async () => {
  const core = new FakeCore(family());
  const it = new PasswordChange(core);
  await it.submit('', 'short', []);
  expect(it.get().wrong).toEqual({ current: 'missing', next: 'short' });
  await it.submit('not this one', good, []);
  expect(it.get().wrong).toEqual({ current: 'wrong' });
  expect(await it.submit('correct horse', good, [])).toBe(true);
  expect(core.world.password).toBe(good);
});

describe('comparing codes', () => {
  const jonas = 'jonas@linden.example';
  const codeOf = (core: FakeCore, change: (key: string) => string = (key) => key): string => {
    const device = core.world.devices.find((it) => it.address === jonas)!;
    return `xmpp:${jonas}?omemo-sid-${device.id}=${change(device.fingerprint)}`;
  };

  test('fits, or a key differs', async () => {
    const core = new FakeCore(family());
    expect(await verify(core, jonas, ` ${codeOf(core)} `)).toEqual({ kind: 'fits', verified: 0 });
    expect(await verify(core, jonas, codeOf(core, (key) => key.replace(/.$/, (c) => (c === '0' ? '1' : '0'))))).toEqual({ kind: 'mismatch' });
  });

  test('of somebody else is not asked about', async () => {
    const core = new FakeCore(family());
    expect(await verify(core, 'lena@linden.example', codeOf(core))).toEqual({ kind: 'other', address: jonas });
    expect(core.calls).toEqual([]);
  });

  test.each(['', 'hello', 'https://linden.example/i/abc', 'xmpp:jonas@linden.example'])('"%s" is no code', async (text) => {
    expect((await verify(new FakeCore(family()), jonas, text)).kind).toBe('not-code');
  });
});
