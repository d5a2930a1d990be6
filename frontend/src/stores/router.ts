import { Cell, type Readable } from './cell';
import { formatRoute, parentRoute, parseRoute, type Route } from './route';

/** The part of the browser's history that the router needs. */
export interface RouterHost {
  path(): string;
  /** How many steps of this app lie behind the present one. */
  depth(): number;
  push(path: string, depth: number): void;
  replace(path: string, depth: number): void;
  back(): void;
  onPop(listener: () => void): void;
}

/** The History API as a router host. */
export function browserHost(window: Window): RouterHost {
  const { history, location } = window;
  return {
    path: () => location.pathname,
    depth: () => {
      const state: unknown = history.state;
      return typeof state === 'object' && state !== null && 'depth' in state && typeof state.depth === 'number'
        ? state.depth : 0;
    },
    push: (path, depth) => history.pushState({ depth }, '', path),
    replace: (path, depth) => history.replaceState({ depth }, '', path),
    back: () => history.back(),
    onPop: (listener) => window.addEventListener('popstate', listener),
  };
}

export class Router implements Readable<Route> {
  readonly #host: RouterHost;
  readonly #route: Cell<Route>;
  /** How to return from leaps within a place, innermost last. */
  readonly #leaps: { readonly depth: number; readonly back: () => void }[] = [];

  constructor(host: RouterHost) {
    this.#host = host;
    this.#route = new Cell(parseRoute(host.path()));
    host.onPop(() => {
      const leap = this.#leaps.at(-1);
      const returned = leap !== undefined && host.depth() < leap.depth;
      while ((this.#leaps.at(-1)?.depth ?? 0) > host.depth()) this.#leaps.pop();
      if (returned && formatRoute(this.get()) === host.path()) leap.back();
      else this.#route.set(parseRoute(host.path()));
    });
  }

  get(): Route {
    return this.#route.get();
  }

  subscribe(listener: () => void): () => void {
    return this.#route.subscribe(listener);
  }

  go(route: Route, options: { replace?: boolean } = {}): void {
    const path = formatRoute(route);
    if (path === formatRoute(this.get())) return;
    const depth = this.#host.depth();
    this.#leaps.length = 0;
    if (options.replace) this.#host.replace(path, depth);
    else this.#host.push(path, depth + 1);
    this.#route.set(route);
  }

  /** One goes on within the same place: the browser's own "back" leads to where one was. */
  leap(back: () => void): void {
    const depth = this.#host.depth() + 1;
    this.#host.push(this.#host.path(), depth);
    this.#leaps.push({ depth, back });
  }

  /** The browser's own "back" where it stays in the app, else the parent of this place. */
  up(): void {
    if (this.#host.depth() > 0) this.#host.back();
    else this.go(parentRoute(this.get()), { replace: true });
  }
}
