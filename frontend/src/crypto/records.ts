/**
 * The records of the cryptographic core between it and the database: read once, kept in memory, and changed only
 * together with what the change is for. One user at a time (`exclusive`), so that nothing moves between reading and
 * writing.
 */
import type { Bytes, RecordChange, Records } from './engine';
import type { Sealed, Sealer } from './seal';

/** Reads sealed records; missing ones are left out. */
export type SealedSource = (keys: readonly string[]) => Promise<ReadonlyMap<string, Sealed>>;

/** What to write into the database: sealed values, null for deleted ones. */
export type SealedChanges = ReadonlyMap<string, Sealed | null>;

const CACHE_SIZE = 2_000;

/** The records as one user sees and changes them, until commit or the end of its turn. */
export class RecordSession {
  private readonly staged = new Map<string, Bytes | null>();

  constructor(private readonly store: RecordStore) {}

  /** The records under these keys, own changes included. */
  async read(keys: readonly string[]): Promise<Records> {
    const stored = await this.store.load(keys.filter((key) => !this.staged.has(key)));
    return new Map(keys.map((key) => [key, this.staged.has(key) ? this.staged.get(key) ?? null : stored.get(key) ?? null]));
  }

  stage(changes: readonly RecordChange[]): void {
    for (const { key, value } of changes) this.staged.set(key, value);
  }

  get dirty(): boolean {
    return this.staged.size > 0;
  }

  /** Seals what was staged, lets `write` put it into the database, and remembers it once that succeeded. */
  async commit(write: (changes: SealedChanges) => Promise<void>): Promise<void> {
    const sealed = new Map<string, Sealed | null>();
    await Promise.all([...this.staged].map(async ([key, value]) => {
      sealed.set(key, value && await this.store.sealer.seal(key, value));
    }));
    await write(sealed);
    this.store.remember(this.staged);
    this.staged.clear();
  }
}

export class RecordStore {
  /** Opened records, least recently used first. */
  private readonly cache = new Map<string, Bytes | null>();
  private turn: Promise<unknown> = Promise.resolve();

  constructor(readonly sealer: Sealer, private readonly source: SealedSource) {}

  /** Gives the records to one user after the other. What a user staged and did not commit is forgotten. */
  exclusive<T>(use: (session: RecordSession) => Promise<T>): Promise<T> {
    const turn = this.turn.then(() => use(new RecordSession(this)));
    this.turn = turn.catch(() => undefined);
    return turn;
  }

  async load(keys: readonly string[]): Promise<Records> {
    const out = new Map<string, Bytes | null>();
    const missing: string[] = [];
    for (const key of keys) {
      const cached = this.cache.get(key);
      if (cached === undefined) {
        missing.push(key);
      } else {
        this.cache.delete(key);
        this.cache.set(key, cached);
        out.set(key, cached);
      }
    }
    if (missing.length === 0) return out;
    const sealed = await this.source(missing);
    await Promise.all(missing.map(async (key) => {
      const record = sealed.get(key);
      out.set(key, record ? await this.sealer.open(key, record) : null);
    }));
    this.remember(new Map(missing.map((key) => [key, out.get(key) ?? null])));
    return out;
  }

  remember(records: ReadonlyMap<string, Bytes | null>): void {
    for (const [key, value] of records) {
      this.cache.delete(key);
      this.cache.set(key, value);
    }
    for (const key of this.cache.keys()) {
      if (this.cache.size <= CACHE_SIZE) break;
      this.cache.delete(key);
    }
  }
}
