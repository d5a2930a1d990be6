/** Which accounts this browser has. The data of each lies in a database of its own. */
import { openDB, type DBSchema } from 'idb';

interface AccountsSchema extends DBSchema {
  accounts: { key: string; value: { readonly address: string } };
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

export function listAccounts(storage: string): Promise<string[]> {
  return using(storage, (db) => db.getAllKeys('accounts'));
}

export async function addAccount(storage: string, address: string): Promise<void> {
  await using(storage, (db) => db.put('accounts', { address }));
}

export async function removeAccount(storage: string, address: string): Promise<void> {
  await using(storage, (db) => db.delete('accounts', address));
}
