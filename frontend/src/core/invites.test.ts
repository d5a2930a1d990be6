import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Device } from '../../test/support/device';
import { ScriptServer } from '../../test/support/script';
import { family } from '../../test/fake/seed';
import { FakeCore } from '../../test/fake/core';
import { Invitation } from '../stores/invitation';

const ALICE = 'alice@example.org';

let server: ScriptServer;
let device: Device;
let profile = 0;
let posted: Record<string, unknown>[];
let known: boolean;

const respond: typeof fetch = (input, init) => {
  const { pathname } = new URL(input as string);
  const json = (status: number, body?: object): Promise<Response> => Promise.resolve(new Response(body && JSON.stringify(body), { status }));
  if (pathname.endsWith('/password') && known) {
    if (init?.method !== 'POST') return json(200, { domain: 'example.org', username: 'alice', minPassword: 10, iterations: 10_000, expires: 4_000_000_000_000 });
    posted.push(JSON.parse(init.body as string) as Record<string, unknown>);
    return json(204);
  }
  return pathname.startsWith('/api/v1/invites/') ? json(404, { error: 'invite-invalid', detail: known ? 'purpose' : 'unknown' }) : Promise.reject(new Error('no network'));
};

beforeEach(async () => {
  profile++;
  posted = [];
  known = true;
  server = new ScriptServer();
  device = await Device.open({ origin: 'https://example.org', socket: server.listener.factory, profile: `invites-${profile}`, platform: { fetch: respond } });
});

afterEach(async () => {
  await device.stop();
});

describe('a link that sets a password', () => {
  it('says whose it is, sets verifiers and never the password, and signs in', async () => {
    expect(await device.commands.lookupInvite('t0ken')).toMatchObject({ reset: 'alice', domain: 'example.org', minPassword: 10 });
    server.password = 'a better one than before';
    await Promise.all([server.accept(), device.commands.resetPassword('t0ken', server.password)]);
    await device.online();
    expect(device.session.address).toBe(ALICE);
    expect(posted.flatMap((body) => (body['verifiers'] as { mechanism: string }[]).map((one) => one.mechanism))).toContain('SCRAM-SHA-256');
    expect(JSON.stringify(posted)).not.toContain('better');
  });

  it('asks for as long a password as the server does, and is no good twice', async () => {
    await expect(device.commands.resetPassword('t0ken', 'short')).rejects.toMatchObject({ reason: { code: 'password-weak' } });
    expect(posted).toEqual([]);
    known = false;
    await expect(device.commands.lookupInvite('t0ken')).rejects.toMatchObject({ reason: { code: 'invite-invalid' } });
    await expect(device.commands.resetPassword('t0ken', 'a better one than before')).rejects.toMatchObject({ reason: { code: 'invite-invalid' } });
  });
});

it('the page asks nobody while the password is missing or short', async () => {
  const world = family();
  const [[token, invite] = []] = Object.entries(world.invites);
  if (token === undefined || invite === undefined) throw new Error('no invitation');
  world.invites[token] = { ...invite, reset: 'mira', minPassword: 10 };
  const core = new FakeCore(world);
  const page = new Invitation(core, token);
  await new Promise<void>((resolve) => { const stop = page.subscribe(() => { stop(); resolve(); }); });
  expect(await page.reset('')).toBe(false);
  expect(page.get().wrong).toEqual({ password: 'missing' });
  expect(await page.reset('short')).toBe(false);
  expect(page.get().wrong).toEqual({ password: 'short' });
  expect(core.calls.some((call) => call.command === 'resetPassword')).toBe(false);
  expect(await page.reset('four words and a dog')).toBe(true);
});
