/** What a view may do with a store: read the present snapshot and be told when there is another. */
export interface Readable<T> {
  get(): T;
  /** Calls `listener` after every change; returns the way to stop. */
  subscribe(listener: () => void): () => void;
}

/** One immutable snapshot that is replaced as a whole. Setting the same value again tells nobody. */
export class Cell<T> implements Readable<T> {
  #value: T;
  readonly #listeners = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get(): T {
    return this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) listener();
  }

  update(change: (value: T) => T): void {
    this.set(change(this.#value));
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** A snapshot computed from others, made again only when one of them changed and somebody asks. */
export class Derived<T> implements Readable<T> {
  #value: T | undefined;
  #inputs: readonly unknown[] | undefined;
  readonly #sources: readonly Readable<unknown>[];
  readonly #compute: () => T;

  constructor(sources: readonly Readable<unknown>[], compute: () => T) {
    this.#sources = sources;
    this.#compute = compute;
  }

  get(): T {
    const inputs = this.#sources.map((source) => source.get());
    if (!this.#inputs || inputs.some((input, i) => !Object.is(input, this.#inputs?.[i]))) {
      this.#inputs = inputs;
      this.#value = this.#compute();
    }
    return this.#value as T;
  }

  subscribe(listener: () => void): () => void {
    const stops = this.#sources.map((source) => source.subscribe(listener));
    return () => stops.forEach((stop) => stop());
  }
}
