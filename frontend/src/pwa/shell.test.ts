import { describe, expect, it } from 'vitest';
import { formatRoute, type Route } from '../stores/route';
import { removeShells, Shell, spareFor, type Files } from './shell';

const origin = 'https://chat.example.org';

/** The Cache API, as far as it is used: entries by path, caches in the order in which they were made. */
class FakeCaches {
  readonly all = new Map<string, Map<string, string>>();

  async open(name: string): Promise<Cache> {
    let entries = this.all.get(name);
    if (!entries) this.all.set(name, entries = new Map());
    const mine = entries;
    return {
      match: async (path: string) => answerOf(mine.get(path)),
      put: async (path: string, response: Response) => void mine.set(path, await response.text()),
    } as unknown as Cache;
  }

  async match(path: RequestInfo | URL): Promise<Response | undefined> {
    for (const entries of this.all.values()) {
      const text = entries.get(path as string);
      if (text !== undefined) return new Response(text);
    }
    return undefined;
  }

  async keys(): Promise<string[]> {
    return [...this.all.keys()];
  }

  async delete(name: string): Promise<boolean> {
    return this.all.delete(name);
  }

  get versions(): string[] {
    return [...this.all.keys()].filter((name) => name !== 'kith-app');
  }
}

const answerOf = (text: string | undefined): Response | undefined => (text === undefined ? undefined : new Response(text));

/** A server with some build, whose files have their content as integrity. */
class FakeServer {
  readonly asked: { path: string; cache: RequestCache | undefined }[] = [];
  broken = new Map<string, RequestCache>();

  constructor(public files: Files) {}

  readonly fetch = async (url: string, { integrity, cache, redirect }: RequestInit): Promise<Response> => {
    expect(redirect).toBe('error');
    const path = url.slice(origin.length);
    this.asked.push({ path, cache });
    const content = this.files[path];
    if (content === undefined) return new Response('', { status: 404 });
    if (content !== integrity || this.broken.get(path) === cache) throw new TypeError('not what was expected');
    return new Response(content);
  };
}

const a: Files = { '/': 'page a', '/start.js': 'start', '/assets/main-1.js': 'main 1', '/assets/core-1.wasm': 'core 1' };
const b: Files = { '/': 'page b', '/start.js': 'start', '/assets/main-2.js': 'main 2', '/assets/core-1.wasm': 'core 1' };
const c: Files = { '/': 'page c', '/start.js': 'start', '/assets/main-3.js': 'main 3', '/assets/core-1.wasm': 'core 1' };

function setUp(): { caches: FakeCaches; server: FakeServer; shell: (files: Files) => Shell } {
  const caches = new FakeCaches();
  const server = new FakeServer(a);
  return { caches, server, shell: (files) => new Shell(files, files['/'] ?? '', { origin, caches, fetch: server.fetch }) };
}

const get = (path: string, mode: RequestMode = 'no-cors'): Pick<Request, 'method' | 'mode' | 'url'> => ({ method: 'GET', mode, url: origin + path });
const textOf = async (answer: Promise<Response | undefined> | undefined): Promise<string | undefined> => (await answer)?.text();

describe('a version of the app', () => {
  it('opens everywhere without a network', async () => {
    const { shell } = setUp();
    const one = shell(a);
    await one.install();
    await one.activate();
    const routes: Route[] = [
      { name: 'home' }, { name: 'invite', token: 'x.y' }, { name: 'chat', address: 'a@b.example', details: true }, { name: 'requests' }, { name: 'archived' }, { name: 'groups' }, { name: 'settings', section: 'app' },
    ];
    for (const route of routes) expect(await textOf(one.answer(get(formatRoute(route), 'navigate')))).toBe('page a');
    expect(await textOf(one.answer(get('/?open=new-chat', 'navigate')))).toBe('page a');
    expect(await textOf(one.answer(get('/assets/core-1.wasm')))).toBe('core 1');
    expect(await textOf(one.answer(get('/start.js')))).toBe('start');
  });

  it('keeps what hardly anybody needs only once somebody has', async () => {
    const { caches, server } = setUp();
    const files: Files = { ...a, '/assets/_virtual_emoji-de-1.js': 'names', '/assets/_virtual_emoji-fr-1.js': 'noms', '/assets/_virtual_emoji-en-1.js': 'english' };
    server.files = files;
    const one = new Shell(files, '1', { origin, caches, fetch: server.fetch }, spareFor(['de-AT', 'it']));
    await one.install();
    await one.activate();
    server.files = {};
    expect(await textOf(one.answer(get('/assets/_virtual_emoji-de-1.js')))).toBe('names');
    expect(await textOf(one.answer(get('/assets/_virtual_emoji-en-1.js')))).toBe('english');
    await expect(one.answer(get('/assets/_virtual_emoji-fr-1.js'))).rejects.toThrow('404');
    server.files = files;
    expect(await textOf(one.answer(get('/assets/_virtual_emoji-fr-1.js')))).toBe('noms');
    server.files = {};
    expect(await textOf(one.answer(get('/assets/_virtual_emoji-fr-1.js')))).toBe('noms');
  });

  it('leaves everything else alone', async () => {
    const { shell } = setUp();
    const one = shell(a);
    await one.install();
    for (const [path, mode] of [
      ['/api/v1/server', 'cors'], ['/ws', 'websocket'], ['/upload/x/photo.jpg', 'no-cors'], ['/upload/x/photo.jpg', 'navigate'], ['/healthz', 'navigate'], ['/sw.js', 'same-origin'],
    ] as const) expect(one.answer(get(path, mode as RequestMode)), path).toBeUndefined();
    expect(one.answer({ ...get('/'), method: 'POST', mode: 'navigate' })).toBeUndefined();
    expect(one.answer({ ...get('/'), url: 'https://elsewhere.example/' })).toBeUndefined();
  });

  it('is whole or not there at all', async () => {
    const { caches, server, shell } = setUp();
    await shell(a).install();
    await shell(a).activate();
    // While the next one is fetched the server changes again: what it sends does not belong together.
    server.files = { ...b, '/': 'page c' };
    await expect(shell(b).install()).rejects.toThrow('not what was expected');
    expect(caches.versions).toEqual(['kith-app-page a']);
    server.files = { '/': 'page b' };
    await expect(shell(b).install()).rejects.toThrow('404');
    expect(caches.versions).toEqual(['kith-app-page a']);
    expect(await textOf(shell(a).answer(get('/', 'navigate')))).toBe('page a');
  });

  it('asks the server for what has no version in its name, and the browser for the rest', async () => {
    const { server, shell } = setUp();
    await shell(a).install();
    expect(Object.fromEntries(server.asked.map(({ path, cache }) => [path, cache]))).toEqual({
      '/': 'no-cache', '/start.js': 'no-cache', '/assets/main-1.js': 'default', '/assets/core-1.wasm': 'default',
    });
  });

  it('asks again for what the browser has kept badly', async () => {
    const { server, shell } = setUp();
    server.broken = new Map([['/assets/main-1.js', 'default']]);
    await shell(a).install();
    expect(server.asked.filter(({ path }) => path === '/assets/main-1.js').map(({ cache }) => cache)).toEqual(['default', 'reload']);
  });

  it('does not fetch twice what it has', async () => {
    const { server, shell } = setUp();
    await shell(a).install();
    const before = server.asked.length;
    await shell(a).install();
    expect(server.asked.length).toBe(before);
  });
});

describe('the page', () => {
  it('is fetched again for its headers, and only if it is the same', async () => {
    const { caches, server, shell } = setUp();
    await shell(a).install();
    await shell(a).activate();
    const put: string[] = [];
    const open = caches.open.bind(caches);
    caches.open = async (name) => {
      const cache = await open(name);
      return {
        match: (path: string) => cache.match(path),
        put: async (path: string, response: Response) => { put.push(path); await cache.put(path, response); },
      } as unknown as Cache;
    };
    await shell(a).renew();
    expect(put).toEqual(['/']);
    server.files = b;
    await shell(a).renew();
    server.files = {};
    await shell(a).renew();
    expect(put).toEqual(['/']);
    expect(await textOf(shell(a).answer(get('/', 'navigate')))).toBe('page a');
  });
});

describe('from version to version', () => {
  it('windows of the one before find what is theirs, and nothing older is kept', async () => {
    const { caches, server, shell } = setUp();
    await shell(a).install();
    await shell(a).activate();
    server.files = b;
    await shell(b).install();
    expect(await textOf(shell(a).answer(get('/', 'navigate')))).toBe('page a');
    await shell(b).activate();
    expect(await textOf(shell(b).answer(get('/', 'navigate')))).toBe('page b');
    expect(await textOf(shell(b).answer(get('/assets/main-1.js')))).toBe('main 1');
    expect(await textOf(shell(b).answer(get('/assets/main-0.js')))).toBeUndefined(); // the network is asked
    server.files = c;
    await shell(c).install();
    await shell(c).activate();
    expect(caches.versions).toEqual(['kith-app-page b', 'kith-app-page c']);
  });

  it('one that was never used does not take the place of the one that is', async () => {
    const { caches, server, shell } = setUp();
    await shell(a).install();
    await shell(a).activate();
    server.files = b;
    await shell(b).install();
    server.files = c;
    await shell(c).install();
    await shell(c).activate();
    expect(caches.versions).toEqual(['kith-app-page a', 'kith-app-page c']);
  });

  it('can be removed', async () => {
    const { caches, shell } = setUp();
    await caches.open('of somebody else');
    await shell(a).install();
    await shell(a).activate();
    await removeShells(caches);
    expect([...caches.all.keys()]).toEqual(['of somebody else']);
  });
});
