import { expect, it } from 'vitest';
import { StanzaError } from '../xmpp/errors';
import { mapPass } from '../xmpp/kith_maps';
import type { XmlElement } from '../xmpp/xml';
import type { Account } from './account';
import { Maps } from './maps';

const picture = (type = 'image/png', size = 8): Response => new Response(new Uint8Array(size), { headers: { 'Content-Type': type } });

/** A server that gives passes and pictures, as far as `answer` does. */
function rig(answer: (request: { url: string; init: RequestInit; count: number }) => Response | Promise<Response> = () => picture()) {
  let now = 1_000_000, passes = 0;
  const asked: { url: string; init: RequestInit }[] = [];
  const it = { refused: undefined as Error | undefined, maps: undefined as unknown as Maps, asked, passes: () => passes, wait: (ms: number) => { now += ms; } };
  it.maps = new Maps({
    address: 'alice@example.org',
    stream: () => ({
      iq: async (type: string, payload: XmlElement, to: string) => {
        expect([type, payload.name, payload.ns, to]).toEqual(['get', 'pass', 'kith:maps:0', 'alice@example.org']);
        if (it.refused) throw it.refused;
        return { child: () => mapPass.write({ token: `pass${++passes}`, seconds: 1800, zoom: 30, attribution: '© everybody' }) };
      },
    }),
    platform: {
      origin: 'https://chat.example.org', clock: { now: () => now },
      fetch: async (url: string, init: RequestInit) => {
        asked.push({ url, init });
        return answer({ url, init, count: asked.length });
      },
    },
  } as unknown as Account);
  return it;
}
const at = { z: 14, x: 8800, y: 5373 };
const tokens = (asked: readonly { init: RequestInit }[]) => asked.map(({ init }) => new Headers(init.headers).get('Authorization'));

it('asks its own server, with a pass, and keeps what it got', async () => {
  const { maps, asked, passes } = rig();
  expect(await maps.facts()).toEqual({ zoom: 22, attribution: '© everybody' });
  const [one, two] = await Promise.all([maps.tile(at), maps.tile(at)]);
  expect(one.type).toBe('image/png');
  expect(await two.arrayBuffer()).toEqual(await one.arrayBuffer());
  await maps.tile(at);
  expect(asked.map(({ url }) => url)).toEqual(['https://chat.example.org/api/v1/maps/14/8800/5373']);
  expect(asked[0]?.init).toMatchObject({ credentials: 'omit', cache: 'no-store', redirect: 'error', headers: { Authorization: 'Bearer pass1' } });
  expect(passes()).toBe(1);
});

it('gets another pass when its time is over, and when the server began anew', async () => {
  const { maps, asked, passes, wait } = rig(({ count }) => (count === 3 ? new Response(null, { status: 401 }) : picture()));
  await maps.tile(at);
  wait(1_739_000);
  await maps.tile({ ...at, x: 1 });
  expect(passes()).toBe(1);
  await maps.tile({ ...at, x: 2 });
  expect(tokens(asked)).toEqual(['Bearer pass1', 'Bearer pass1', 'Bearer pass1', 'Bearer pass2']);
  wait(1_740_000);
  await maps.tile({ ...at, x: 3 });
  expect(passes()).toBe(3);
});

it('says why there is no picture, and asks again the next time', async () => {
  for (const [answer, code] of [
    [() => new Response(null, { status: 401 }), 'server'], [() => new Response(null, { status: 404 }), 'not-found'], [() => new Response(null, { status: 429 }), 'throttled'],
    [() => new Response(null, { status: 503 }), 'server'], [() => Promise.reject(new TypeError('no network')), 'network'],
    [() => picture('text/html'), 'server'], [() => picture('image/svg+xml'), 'server'], [() => picture('image/png', (1 << 20) + 1), 'server'],
  ] as const) {
    const { maps, asked } = rig(answer);
    await expect(maps.tile(at)).rejects.toMatchObject({ reason: { code } });
    const before = asked.length;
    await expect(maps.tile(at)).rejects.toMatchObject({ reason: { code } });
    expect(asked.length).toBeGreaterThan(before);
  }
});

it('is not asked for squares that cannot be', async () => {
  const { maps, asked } = rig();
  for (const tile of [{ z: 1.5, x: 0, y: 0 }, { z: 1, x: -1, y: 0 }, { z: 1, x: Number.NaN, y: 0 }, { z: 1, x: '0/../..' as unknown as number, y: 0 }]) await expect(maps.tile(tile)).rejects.toMatchObject({ reason: { code: 'not-found' } });
  expect(asked).toEqual([]);
});

it('knows a server without maps', async () => {
  const it = rig();
  it.refused = new StanzaError('cancel', 'service-unavailable');
  await expect(it.maps.facts()).rejects.toMatchObject({ reason: { code: 'unsupported' } });
  it.refused = undefined;
  expect(await it.maps.facts()).toMatchObject({ zoom: 22 });
});

it('forgets what was looked at long ago', async () => {
  const { maps, asked } = rig();
  for (let x = 0; x < 193; x++) await maps.tile({ ...at, x });
  await maps.tile({ ...at, x: 192 });
  expect(asked).toHaveLength(193);
  await maps.tile({ ...at, x: 0 });
  expect(asked).toHaveLength(194);
});
