import type { RouterHost } from '../../src/stores/router';

/** A history in memory. */
export class FakeHistory implements RouterHost {
  entries: { path: string; depth: number; owner?: string | undefined }[];
  #at = 0;
  #pop: () => void = () => undefined;

  constructor(path = '/') {
    this.entries = [{ path, depth: 0 }];
  }

  path(): string {
    return this.entries[this.#at]?.path ?? '/';
  }

  depth(): number {
    return this.entries[this.#at]?.depth ?? 0;
  }

  owner(): string | undefined {
    return this.entries[this.#at]?.owner;
  }

  push(path: string, depth: number, owner?: string): void {
    this.entries = [...this.entries.slice(0, this.#at + 1), { path, depth, owner }];
    this.#at += 1;
  }

  replace(path: string, depth: number, owner?: string): void {
    this.entries[this.#at] = { path, depth, owner };
  }

  back(): void {
    this.#at = Math.max(0, this.#at - 1);
    this.#pop();
  }

  onPop(listener: () => void): void {
    this.#pop = listener;
  }
}

/** A storage in memory. */
export function memoryStorage(start: Readonly<Record<string, string>> = {}): Pick<Storage, 'getItem' | 'setItem'> & { readonly items: Map<string, string> } {
  const items = new Map(Object.entries(start));
  return { items, getItem: (key) => items.get(key) ?? null, setItem: (key, value) => void items.set(key, value) };
}
