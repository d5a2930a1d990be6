import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Device } from '../../test/support/device';
import { ScriptServer, type Connected } from '../../test/support/script';

const ALICE = 'alice@example.org', P = 'kith:pairing:0';

let server: ScriptServer;
let device: Device;
let profile = 0;
let requests: { readonly path: string; readonly body: Record<string, unknown> }[];
let answers: { readonly status: number; readonly body: object }[];

const respond: typeof fetch = (input, init) => {
  const path = new URL(input as string).pathname;
  if (!path.startsWith('/api/v1/pairing/')) return Promise.reject(new Error('no network'));
  requests.push({ path, body: JSON.parse(init?.body as string) as Record<string, unknown> });
  const next = answers.shift();
  return next ? Promise.resolve(new Response(JSON.stringify(next.body), { status: next.status })) : Promise.reject(new Error('no network'));
};

beforeEach(async () => {
  profile++;
  requests = [];
  answers = [];
  server = new ScriptServer();
  device = await Device.open({ origin: 'https://example.org', socket: server.listener.factory, profile: `pairing-${profile}`, platform: { fetch: respond } });
});

afterEach(async () => {
  await device.stop();
});

const opened = { secret: 's3cret', number: '0417', address: ALICE, expires: Date.now() + 120_000 };

describe('a new device', () => {
  it('is signed in with the token that it gets when the other one agrees', async () => {
    answers.push({ status: 200, body: opened }, { status: 202, body: {} }, { status: 200, body: { address: ALICE, token: server.token, expires: Date.now() + 86_400_000 } });
    expect(await device.commands.openDeviceLink('t0ken')).toEqual({ address: ALICE, number: '0417' });
    const [connected] = await Promise.all([server.accept(), device.commands.awaitDeviceLink('t0ken')]);
    await device.online();
    expect(device.session.address).toBe(ALICE);
    expect(connected.request.attrs['mechanism']).toBe('HT-SHA-256-NONE');
    // The device for which the other one has vouched, and no other.
    expect(connected.request.child('user-agent')?.attrs['id']).toBe(requests[0]?.body['id']);
    expect(requests.map(({ path }) => path)).toEqual(['/api/v1/pairing/t0ken', '/api/v1/pairing/t0ken/wait', '/api/v1/pairing/t0ken/wait']);
    expect(requests[0]?.body).toMatchObject({ software: 'Kith', device: 'Node' });
    expect(requests[1]?.body).toEqual({ secret: 's3cret' });
    // What is here already is not added once more.
    answers.push({ status: 200, body: opened }, { status: 200, body: { address: ALICE, token: 'second', expires: Date.now() + 86_400_000 } });
    await device.commands.openDeviceLink('another');
    await expect(device.commands.awaitDeviceLink('another')).rejects.toMatchObject({ reason: { code: 'conflict' } });
  });

  it.each([
    ['was used', { status: 404, body: { error: 'link-invalid' } }, 'link-invalid'], ['was opened too often', { status: 429, body: { error: 'throttled', seconds: 9 } }, 'throttled'],
    ['is answered with nonsense', { status: 200, body: { number: 7 } }, 'server'], ['is answered by somebody who is no account', { status: 200, body: { ...opened, address: 'example.org' } }, 'server'],
  ])('says why a link that %s is no good', async (_, answer, code) => {
    answers.push(answer);
    await expect(device.commands.openDeviceLink('t0ken')).rejects.toMatchObject({ reason: { code } });
    expect(device.session.phase).toBe('none');
  });

  it('does not ask with what cannot be a link, and waits for none that it did not open', async () => {
    await expect(device.commands.openDeviceLink('../accounts')).rejects.toMatchObject({ reason: { code: 'link-invalid' } });
    await expect(device.commands.awaitDeviceLink('t0ken')).rejects.toMatchObject({ reason: { code: 'link-invalid' } });
    expect(requests).toEqual([]);
  });

  it.each([
    [{ status: 403, body: { error: 'denied' } }, 'denied'], [{ status: 200, body: { address: 'mallory@example.org', token: 'x', expires: 9e15 } }, 'server'],
  ])('stays out when the answer is %j', async (answer, code) => {
    answers.push({ status: 200, body: opened }, answer);
    await device.commands.openDeviceLink('t0ken');
    await expect(device.commands.awaitDeviceLink('t0ken')).rejects.toMatchObject({ reason: { code } });
    expect(device.session.phase).toBe('none');
    expect((await indexedDB.databases()).some((one) => one.name === `pairing-${profile}:${ALICE}`)).toBe(false);
  });
});

describe('the device that is signed in', () => {
  async function signIn(): Promise<Connected> {
    const [connected] = await Promise.all([server.accept(), device.commands.signIn(ALICE, 'pencil')]);
    await device.online();
    return connected;
  }

  it('shows a link, is told who opened it, and answers', async () => {
    const given: object[] = [];
    server.on(P, 'link', () => `<link xmlns='${P}' token='Zm-9v' expires='2999-01-01T00:00:00.000Z'/>`);
    server.on(P, 'answer', (payload) => { given.push({ ...payload.attrs }); return undefined; });
    const connected = await signIn();
    expect(await device.commands.createDeviceLink()).toEqual({ token: 'Zm-9v', url: 'https://example.org/l/Zm-9v', expires: Date.UTC(2999, 0) });
    const news = (from: string): string => `<message xmlns='jabber:client' type='headline' from='${from}'><opened xmlns='${P}' token='Zm-9v' number='0417' software='Kith' device='Firefox on Android'/></message>`;
    connected.send(news('mallory@example.org/x'));
    connected.send(news('example.org'));
    await device.until(() => device.log.some((entry) => entry.event === 'pairing'));
    expect(device.log.filter((entry) => entry.event === 'pairing').map((entry) => entry.data)).toEqual([{ token: 'Zm-9v', number: '0417', device: 'Kith (Firefox on Android)' }]);
    await device.commands.answerDeviceLink('Zm-9v', true);
    await device.commands.answerDeviceLink('Zm-9v', false);
    expect(given).toEqual([{ token: 'Zm-9v', is: 'yes' }, { token: 'Zm-9v', is: 'no' }]);
  });
});
