/** Between the records of the cryptographic core and the database. */
import type { SealedChanges, SealedSource } from '../../crypto/records';
import type { Database } from '../../db/database';
import type { Tx } from '../../db/schema';

export function sealedSource(db: Database): SealedSource {
  return (keys) => db.read(['omemo'], async (tx) => {
    const out = new Map<string, NonNullable<Awaited<ReturnType<typeof get>>>>();
    const get = (key: string) => tx.objectStore('omemo').get(key);
    await Promise.all(keys.map(async (key) => {
      const sealed = await get(key);
      if (sealed) out.set(key, sealed);
    }));
    return out;
  });
}

export async function writeSealed(tx: Tx, changes: SealedChanges): Promise<void> {
  for (const [key, sealed] of changes) {
    if (sealed) await tx.objectStore('omemo').put(sealed, key);
    else await tx.objectStore('omemo').delete(key);
  }
}
