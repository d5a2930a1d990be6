/** Which accounts this browser has. The data of each lies in a database of its own. */
import { openDB, type DBSchema } from 'idb';

/** Times are milliseconds since epoch; 0 where they were not noted yet. */
export interface StoredAccount {
  readonly address: string;
  readonly added: number;
  /** When a page began to look at it. */
  readonly used: number;
}

interface AccountsSchema extends DBSchema {
  accounts: { key: string; value: { readonly address: string; readonly added?: number; readonly used?: number } };
}

async function open(storage: string): ReturnType<typeof openDB<AccountsSchema>> {
  const db = await openDB<AccountsSchema>(storage, 1, {
    upgrade: (database) => void database.createObjectStore('accounts', { keyPath: 'address' }),
    blocking: () => db.close(),
  });
  return db;
}

async function using<T>(storage: string, body: (db: Awaited<ReturnType<typeof open>>) => Promise<T>): Promise<T> {
  const db = await open(storage);
  try {
    return await body(db);
  } finally {
    db.close();
  }
}

/** In the order in which they were added. */
export async function listAccounts(storage: string): Promise<StoredAccount[]> {
  const accounts = await using(storage, (db) => db.getAll('accounts'));
  return accounts.map(({ address, added = 0, used = 0 }) => ({ address, added, used })).sort((a, b) => a.added - b.added || (a.address < b.address ? -1 : 1));
}

export async function addAccount(storage: string, address: string, now: number): Promise<void> {
  await using(storage, (db) => db.put('accounts', { address, added: now, used: now }));
}

/** A page looks at it from now on. */
export async function useAccount(storage: string, address: string, now: number): Promise<void> {
  await using(storage, async (db) => {
    const tx = db.transaction('accounts', 'readwrite');
    const known = await tx.store.get(address);
    if (known) await tx.store.put({ ...known, used: now });
    await tx.done;
  });
}

export async function removeAccount(storage: string, address: string): Promise<void> {
  await using(storage, (db) => db.delete('accounts', address));
}
