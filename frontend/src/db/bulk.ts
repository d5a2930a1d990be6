/**
 * Many changes in one transaction without waiting for each: every question to the database is a journey to another process and back,
 * and a page of the archive used to ask nine for a message. Records that are looked at for every message are read once, remembered and
 * written once, at the end; what is only added is handed over without waiting. All who work in the transaction see each other's changes.
 */
import { unwrap } from 'idb';
import type { Store, Tx } from './schema';

/** Key paths of the stores of which records are remembered. */
const REMEMBERED: Readonly<Partial<Record<Store, string>>> = { chats: 'id', devices: 'address', pending: 'key' };
/** Stores to which is only handed over. */
const HANDED: ReadonlySet<Store> = new Set<Store>(['messages', 'omemo']);
/** Most questions are about what does not exist: so many keys are looked at to know that. */
const MAX_KEYS = 1_000;

/**
 * Runs `body` with a transaction that behaves so. Where it rejects, or a change that was handed over fails, nothing is written
 * (the transaction is aborted; `Database.write` tells).
 */
export async function inBulk<T>(tx: Tx, body: (tx: Tx) => Promise<T>): Promise<T> {
  const stores = new Map<Store, object>();
  const remembered: Remembered[] = [];
  const storeOf = (name: Store): object => {
    const keyPath = REMEMBERED[name];
    if (keyPath !== undefined) {
      const store = new Remembered(unwrap(tx.objectStore(name)), tx, name, keyPath);
      remembered.push(store);
      return standIn(tx.objectStore(name), store, () => store.flush());
    }
    return HANDED.has(name) ? standIn(tx.objectStore(name), new Handed(unwrap(tx.objectStore(name)))) : tx.objectStore(name);
  };
  const result = await body(standIn(tx, {
    objectStore(name: Store): object {
      let store = stores.get(name);
      if (!store) stores.set(name, store = storeOf(name));
      return store;
    },
  }));
  for (const store of remembered) store.flush();
  return result;
}

/** `whole`, with some of its methods done by `part`; before any other is called, `first` is. */
function standIn<T extends object>(whole: T, part: object, first: () => void = () => undefined): T {
  return new Proxy(whole, {
    get(_, name) {
      const own: unknown = Reflect.get(part, name, part);
      if (typeof own === 'function' && METHODS.has(name)) return own.bind(part) as unknown;
      first();
      const value: unknown = Reflect.get(whole, name, whole);
      return typeof value === 'function' ? value.bind(whole) as unknown : value;
    },
  });
}

const METHODS: ReadonlySet<string | symbol> = new Set(['objectStore', 'get', 'put', 'delete']);

/** A change whose failure nobody waits for: it aborts the transaction, and that is told. */
class Handed {
  constructor(private readonly store: IDBObjectStore) {}

  put(value: unknown, key?: IDBValidKey): Promise<void> {
    this.store.put(value, key);
    return Promise.resolve();
  }

  delete(key: IDBValidKey): Promise<void> {
    this.store.delete(key);
    return Promise.resolve();
  }
}

type Held = Readonly<Record<string, unknown>>;

/** The records of a store by their key, as they will be. */
class Remembered {
  private readonly records = new Map<string, unknown>();
  private readonly changed = new Set<string>();
  private keys: Promise<ReadonlySet<IDBValidKey> | undefined> | undefined;

  constructor(private readonly store: IDBObjectStore, private readonly tx: Tx, private readonly name: Store, private readonly keyPath: string) {}

  async get(key: string): Promise<unknown> {
    if (this.records.has(key)) return this.records.get(key);
    this.keys ??= this.load();
    const existing = await this.keys;
    const found: unknown = existing && !existing.has(key) ? undefined : await this.tx.objectStore(this.name).get(key);
    if (!this.records.has(key)) this.records.set(key, found); // else it was changed while it was read
    return this.records.get(key);
  }

  put(record: Held): Promise<void> {
    const key = record[this.keyPath];
    if (typeof key !== 'string') return Promise.reject(new DOMException(`no ${this.keyPath}`, 'DataError'));
    this.records.set(key, record);
    this.changed.add(key);
    return Promise.resolve();
  }

  delete(key: string): Promise<void> {
    this.records.set(key, undefined);
    this.changed.add(key);
    return Promise.resolve();
  }

  /** Hands over what was changed. */
  flush(): void {
    for (const key of this.changed) {
      const record = this.records.get(key);
      if (record !== undefined) this.store.put(record);
      else this.store.delete(key);
    }
    this.changed.clear();
  }

  private async load(): Promise<ReadonlySet<IDBValidKey> | undefined> {
    const keys = await this.tx.objectStore(this.name).getAllKeys(null, MAX_KEYS);
    return keys.length < MAX_KEYS ? new Set<IDBValidKey>(keys) : undefined;
  }
}
