/** Small tools for things that happen one after the other. */

/** Runs what it is given one after the other, in order. A failure concerns only who asked for it. */
export class Serial {
  private tail: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const next = this.tail.then(task);
    this.tail = next.catch(() => undefined);
    return next;
  }

  /** Resolves when everything asked for so far is done. */
  async idle(): Promise<void> {
    await this.tail;
  }
}

/** Runs one task per key at a time; whoever asks while it runs gets the same answer. */
export class Shared<T> {
  private readonly running = new Map<string, Promise<T>>();

  run(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.running.get(key);
    if (before) return before;
    const promise = task().finally(() => this.running.delete(key));
    this.running.set(key, promise);
    return promise;
  }
}

/** What is made once for all who ask, and made again when that failed. */
export function again<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make().catch((error: unknown) => {
    made = undefined;
    throw error;
  });
}

/** At most `width` tasks at a time; rejects with the first failure. */
export async function eachLimited<T>(items: readonly T[], width: number, task: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) await task(items[i] as T);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
}
