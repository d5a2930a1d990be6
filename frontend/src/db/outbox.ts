/** Messages on their way out, in the order in which they were written. */
import type { OutboxRecord, Tx } from './schema';

type Mode = 'readonly' | 'readwrite';

/** The next entry of a chat after position `after`. */
export async function nextOut(tx: Tx<Mode>, chat: string, after: number): Promise<OutboxRecord | undefined> {
  return tx.objectStore('outbox').index('lane').get(IDBKeyRange.bound([chat, after], [chat, Infinity], true));
}

/** The chats that have something to send. */
export async function chatsWaiting(tx: Tx<Mode>): Promise<string[]> {
  const chats: string[] = [];
  let cursor = await tx.objectStore('outbox').index('lane').openKeyCursor();
  while (cursor) {
    const [chat] = cursor.key;
    chats.push(chat);
    cursor = await cursor.continue([chat, Infinity]);
  }
  return chats;
}

export async function enqueue(tx: Tx, entry: Omit<OutboxRecord, 'seq'>): Promise<void> {
  // The key generator fills in `seq`.
  await tx.objectStore('outbox').put(entry as OutboxRecord);
}

export async function dequeue(tx: Tx, message: string): Promise<boolean> {
  const key = await tx.objectStore('outbox').index('message').getKey(message);
  if (key === undefined) return false;
  await tx.objectStore('outbox').delete(key);
  return true;
}
