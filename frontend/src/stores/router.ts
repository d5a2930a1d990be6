import type { Address } from '../core/api';
import { Cell, type Readable } from './cell';
import { formatRoute, parentRoute, parseRoute, type Route } from './route';

/** The part of the browser's history that the router needs. */
export interface RouterHost {
  path(): string;
  /** How many steps of this app lie behind the present one. */
  depth(): number;
  /** Whose place it is: of the account that was looked at when one went there. */
  owner(): Address | undefined;
  push(path: string, depth: number, owner: Address | undefined): void;
  replace(path: string, depth: number, owner: Address | undefined): void;
  back(): void;
  onPop(listener: () => void): void;
}

/** The History API as a router host. */
export function browserHost(window: Window): RouterHost {
  const { history, location } = window;
  const state = (): object => (typeof history.state === 'object' && history.state !== null ? history.state as object : {});
  return {
    path: () => location.pathname + location.hash,
    depth: () => {
      const now = state();
      return 'depth' in now && typeof now.depth === 'number' ? now.depth : 0;
    },
    owner: () => {
      const now = state();
      return 'owner' in now && typeof now.owner === 'string' ? now.owner : undefined;
    },
    push: (path, depth, owner) => history.pushState({ depth, owner }, '', path),
    replace: (path, depth, owner) => history.replaceState({ depth, owner }, '', path),
    back: () => history.back(),
    onPop: (listener) => window.addEventListener('popstate', listener),
  };
}

export class Router implements Readable<Route> {
  readonly #host: RouterHost;
  readonly #route: Cell<Route>;
  /** How to return from leaps within a place, innermost last. */
  readonly #leaps: { readonly depth: number; readonly back: () => void }[] = [];
  /** The account that is looked at. */
  #owner: Address | undefined;

  constructor(host: RouterHost) {
    this.#host = host;
    this.#route = new Cell(parseRoute(host.path()));
    host.onPop(() => {
      const owner = host.owner();
      // A place in another account means nothing in this one.
      if (owner !== undefined && owner !== this.#owner) return this.reset({ name: 'home' });
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
    if (options.replace) this.#host.replace(path, depth, this.#owner);
    else this.#host.push(path, depth + 1, this.#owner);
    this.#route.set(route);
  }

  /** From now on places are of this account, the present one as well. */
  belong(owner: Address | undefined): void {
    this.#owner = owner;
    if (this.#host.owner() !== owner) this.#host.replace(this.#host.path(), this.#host.depth(), owner);
  }

  /** Goes there as if nothing had been before: nothing of that is to come back by going "up". */
  reset(route: Route): void {
    this.#leaps.length = 0;
    this.#host.replace(formatRoute(route), 0, this.#owner);
    this.#route.set(route);
  }

  /** One goes on within the same place: the browser's own "back" leads to where one was. */
  leap(back: () => void): void {
    const depth = this.#host.depth() + 1;
    this.#host.push(this.#host.path(), depth, this.#owner);
    this.#leaps.push({ depth, back });
  }

  /** The browser's own "back" where it stays in the app, else the parent of this place. */
  up(): void {
    if (this.#host.depth() > 0) this.#host.back();
    else this.go(parentRoute(this.get()), { replace: true });
  }
}
