/** Opening, guarding and deleting the database of one account. */
import { deleteDB, openDB, type IDBPDatabase } from 'idb';
import { MIGRATIONS, type KithSchema, type Store, type Tx } from './schema';

/** Another worker has taken over this account: nothing may be written any more. */
export class SupersededError extends Error {
  constructor() {
    super('another instance has taken over');
    this.name = 'SupersededError';
  }
}

const EPOCH = 'epoch';

function databaseName(storage: string, address: string): string {
  return `${storage}:${address}`;
}

/** Deletes what was left of accounts that are no longer here: a sign-out that was cut short. */
export async function deleteOrphans(storage: string, accounts: readonly string[]): Promise<void> {
  const kept = new Set(accounts.map((address) => databaseName(storage, address)));
  const names = (await indexedDB.databases()).map((info) => info.name ?? '');
  const orphans = names.filter((name) => name.startsWith(`${storage}:`) && !kept.has(name));
  await Promise.all(orphans.map((name) => deleteDB(name, { blocked: () => undefined })));
}

export class Database {
  private destroyed = false;

  private constructor(
    private readonly name: string,
    private readonly db: IDBPDatabase<KithSchema>,
    private readonly epoch: number,
  ) {}

  /**
   * Opens the account's database for writing. Whoever opened it before can only read from now on.
   * `storage` is the name under which all databases lie (one per profile). `onLost` is called when the browser or a newer version of the program closes it.
   */
  static async open(storage: string, address: string, onLost: () => void = () => undefined): Promise<Database> {
    const name = databaseName(storage, address);
    const db = await openDB<KithSchema>(name, MIGRATIONS.length, {
      async upgrade(database, from, _to, tx) {
        for (const migrate of MIGRATIONS.slice(from)) {
          // Nothing but the transaction itself is waited for: it would end otherwise.
          const running = migrate(database, tx);
          if (running) await running;
        }
      },
      blocking() {
        db.close();
        onLost();
      },
      terminated: onLost,
    });
    // The disk need not have it: whoever opened it before is gone with the power.
    const tx = db.transaction('meta', 'readwrite', { durability: 'relaxed' });
    const before: unknown = await tx.store.get(EPOCH);
    const epoch = (typeof before === 'number' ? before : 0) + 1;
    await tx.store.put(epoch, EPOCH);
    await tx.done;
    return new Database(name, db, epoch);
  }

  /**
   * One transaction. `body` may await only what the transaction itself gives it; when it rejects nothing is written.
   * `strict` waits until the disk has it: needed where the outside world learns of the change.
   */
  async write<T>(stores: readonly Store[], body: (tx: Tx) => Promise<T>, durability: 'strict' | 'relaxed' = 'relaxed'): Promise<T> {
    const tx = this.db.transaction([...new Set<Store>(['meta', ...stores])], 'readwrite', { durability });
    try {
      if ((await tx.objectStore('meta').get(EPOCH)) !== this.epoch) throw this.destroyed ? new DOMException('deleted', 'InvalidStateError') : new SupersededError();
      const result = await body(tx);
      await tx.done;
      return result;
    } catch (error) {
      try {
        tx.abort();
      } catch {
        // It has ended already, which is why we are here.
      }
      await tx.done.catch(() => undefined);
      throw error;
    }
  }

  async read<T>(stores: readonly Store[], body: (tx: Tx<'readonly'>) => Promise<T>): Promise<T> {
    const tx = this.db.transaction([...stores], 'readonly');
    try {
      const result = await body(tx);
      await tx.done;
      return result;
    } catch (error) {
      await tx.done.catch(() => undefined);
      throw error;
    }
  }

  close(): void {
    this.db.close();
  }

  /** Empties everything first, so that nothing stays even if another connection delays the deletion. */
  async destroy(): Promise<void> {
    this.destroyed = true;
    const names = [...this.db.objectStoreNames];
    const tx = this.db.transaction(names, 'readwrite', { durability: 'strict' });
    await Promise.all([...names.map((name) => tx.objectStore(name).clear()), tx.done]);
    this.db.close();
    await deleteDB(this.name, { blocked: () => undefined });
  }
}
