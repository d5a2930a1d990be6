/**
 * One version of the app, kept whole: all its files are here or none is used. A version is named after the content of
 * its files, and every file is checked against that on its way in, so that two versions never mix.
 */

/** The files of a build: path, and what `integrity` of fetch expects of it (Subresource Integrity section 3.5). */
export type Files = Readonly<Record<string, string>>;

export interface ShellWorld {
  readonly origin: string;
  readonly caches: Pick<CacheStorage, 'open' | 'keys' | 'delete' | 'match'>;
  fetch(url: string, options: RequestInit): Promise<Response>;
}

const PREFIX = 'kith-app-';
/** Where it is remembered which version was last in use. */
const MEMORY = 'kith-app';
const IN_USE = '/in-use';
/** The page that is every view of the app. */
const PAGE = '/';
/** The first parts of the paths of those views. Other pages of the server are none of our business. */
const PLACES: ReadonlySet<string> = new Set(['', 'i', 'chat', 'requests', 'archived', 'settings', 'groups', 'g', 'l', 'open', 'add-account']);
/** Names in here change with the content. */
const HASHED = '/assets/';

export class Shell {
  private readonly name: string;

  /** `spare`: what hardly anybody needs, and is kept only once somebody has. */
  constructor(private readonly files: Files, version: string, private readonly world: ShellWorld, private readonly spare: (path: string) => boolean = () => false) {
    this.name = PREFIX + version;
  }

  /** Fetches all files that are needed. Rejects, and keeps nothing, if one cannot be had as it was built. */
  async install(): Promise<void> {
    const cache = await this.world.caches.open(this.name);
    try {
      await Promise.all(Object.entries(this.files).map(async ([path, integrity]) => {
        if (this.spare(path) || await cache.match(path)) return;
        await cache.put(path, await this.obtain(path, integrity));
      }));
    } catch (error) {
      await this.world.caches.delete(this.name);
      throw error;
    }
  }

  private async obtain(path: string, integrity: string): Promise<Response> {
    const url = new URL(path, this.world.origin).href;
    const get = async (cache: RequestCache): Promise<Response> => {
      const response = await this.world.fetch(url, { integrity, cache, credentials: 'same-origin', redirect: 'error' });
      if (!response.ok) throw new TypeError(`${path}: ${response.status}`);
      return response;
    };
    if (!path.startsWith(HASHED)) return get('no-cache');
    // What the browser has of it already need not come again, unless it is broken.
    return get('default').catch(() => get('reload'));
  }

  /** Becomes the version in use. All others are thrown away but the one before, whose windows may still be open. */
  async activate(): Promise<void> {
    const { caches } = this.world;
    const memory = await caches.open(MEMORY);
    const before = await (await memory.match(IN_USE))?.text();
    await memory.put(IN_USE, new Response(this.name));
    const old = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== this.name && name !== before);
    await Promise.all(old.map((name) => caches.delete(name)));
  }

  /**
   * Fetches the page once more, for what the server says with it: its security policy may be another now, while the app
   * is the same. Anything but the same page is left alone, and so is a server that does not answer.
   */
  async renew(): Promise<void> {
    const integrity = this.files[PAGE];
    if (integrity === undefined) return;
    try {
      const page = await this.obtain(PAGE, integrity);
      await (await this.world.caches.open(this.name)).put(PAGE, page);
    } catch {
      // There is no network, or a new version.
    }
  }

  /** The answer to a request; `undefined` leaves it to the network. */
  answer(request: Pick<Request, 'method' | 'mode' | 'url'>): Promise<Response | undefined> | undefined {
    if (request.method !== 'GET') return undefined;
    const { origin, pathname } = new URL(request.url);
    if (origin !== this.world.origin) return undefined;
    const path = request.mode === 'navigate' && PLACES.has(pathname.split('/')[1] ?? '') ? PAGE : pathname;
    if (path in this.files) return this.kept(path);
    // A window of the version before may still ask for its own.
    return path.startsWith(HASHED) ? this.world.caches.match(path, { ignoreVary: true }) : undefined;
  }

  private async kept(path: string): Promise<Response | undefined> {
    const cache = await this.world.caches.open(this.name);
    const found = await cache.match(path, { ignoreVary: true });
    const integrity = this.files[path];
    if (found || integrity === undefined || !this.spare(path)) return found;
    const response = await this.obtain(path, integrity);
    await cache.put(path, response.clone());
    return response;
  }
}

/** The names of emoji in other languages than the person's are spare. */
export function spareFor(languages: readonly string[]): (path: string) => boolean {
  const own = new Set(['en', ...languages.map((tag) => tag.slice(0, 2).toLowerCase())]);
  return (path) => {
    const list = /emoji-([a-z]{2})-/.exec(path)?.[1];
    return list !== undefined && !own.has(list);
  };
}

/** Deletes all versions, and what is remembered beside them. */
export async function removeShells(caches: Pick<CacheStorage, 'keys' | 'delete'>): Promise<void> {
  await Promise.all((await caches.keys()).filter((name) => name.startsWith('kith-')).map((name) => caches.delete(name)));
}
