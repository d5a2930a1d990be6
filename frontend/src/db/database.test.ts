import { describe, expect, it } from 'vitest';
import { newSealKey, Sealer } from '../crypto/seal';
import { RecordStore } from '../crypto/records';
import { addAccount, listAccounts, removeAccount, useAccount } from './accounts';
import { Database, deleteOrphans, SupersededError } from './database';
import { append, emptyChat, messagesAfter, messagesBefore, moveToEnd, prepend, remove, type NewMessage } from './messages';
import { readMeta, writeMeta } from './meta';
import { chatsWaiting, dequeue, enqueue, nextOut } from './outbox';
import type { MessageRecord, Store } from './schema';

const STORES: readonly Store[] = ['messages', 'chats', 'outbox'];
let count = 0;
const open = (name = `db${count++}`): Promise<Database> => Database.open('test', name);
const message = (id: string, more: Partial<NewMessage> = {}): NewMessage => ({
  id, chat: 'bob', from: 'bob', outgoing: false, text: id, at: 0, state: 'received', lock: 'encrypted', incomingIn: 'bob', ...more,
});

async function put(db: Database, how: typeof append, ...ids: string[]): Promise<MessageRecord[]> {
  return db.write(STORES, async (tx) => {
    const out: MessageRecord[] = [];
    for (const id of ids) out.push((await how(tx, (await tx.objectStore('chats').get('bob')) ?? emptyChat('bob'), message(id)))[0]);
    return out;
  });
}

describe('the database of an account', () => {
  it('lets only the last one who opened it write', async () => {
    const first = await open('shared'), second = await open('shared');
    await expect(writeMeta(first, 'displayName', 'old')).rejects.toBeInstanceOf(SupersededError);
    await writeMeta(second, 'displayName', 'new');
    expect(await readMeta(first, 'displayName')).toBe('new');
  });

  it('writes all or nothing', async () => {
    const db = await open();
    await expect(db.write(STORES, async (tx) => {
      await append(tx, emptyChat('bob'), message('m1'));
      throw new Error('no');
    })).rejects.toThrow('no');
    expect(await db.read(['messages', 'chats'], async (tx) => [await tx.objectStore('messages').count(), await tx.objectStore('chats').count()])).toEqual([0, 0]);
    await put(db, append, 'm1');
    await expect(db.write(STORES, (tx) => append(tx, emptyChat('bob'), message('m2', { stanzaId: 'x' })))).rejects.toThrow(); // its place is taken
    expect(await db.read(['messages'], (tx) => tx.objectStore('messages').count())).toBe(1);
  });

  it('is gone when it is destroyed, and so is what a cut-short sign-out left', async () => {
    const db = await open('gone');
    await put(db, append, 'm1');
    await db.destroy();
    (await open('orphan')).close();
    (await open('kept')).close();
    await deleteOrphans('test', ['kept']);
    const names = (await indexedDB.databases()).map((info) => info.name);
    expect(names).toContain('test:kept');
    expect(names).not.toContain('test:gone');
    expect(names).not.toContain('test:orphan');
  });

  it('that was destroyed is not one that another instance has taken over', async () => {
    const db = await open('going');
    const gone = db.destroy();
    const late = writeMeta(db, 'displayName', 'late').catch((error: unknown) => error);
    await gone;
    expect(await late).not.toBeInstanceOf(SupersededError);
    expect(await late).toMatchObject({ name: 'InvalidStateError' });
  });

  it('that the browser closes while something is read fails whoever reads, and nobody else', async () => {
    const db = await open();
    await expect(db.read(['messages'], async (tx) => {
      const reading = tx.objectStore('messages').get('m1');
      tx.abort();
      return reading;
    })).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('remembers which accounts there are', async () => {
    await addAccount('accounts-test', 'bob@example.org', 5);
    await addAccount('accounts-test', 'alice@example.org', 7);
    await useAccount('accounts-test', 'bob@example.org', 9);
    await useAccount('accounts-test', 'nobody@example.org', 9);
    expect(await listAccounts('accounts-test')).toEqual([
      { address: 'bob@example.org', added: 5, used: 9 }, { address: 'alice@example.org', added: 7, used: 7 },
    ]);
    for (const who of ['alice', 'bob']) await removeAccount('accounts-test', `${who}@example.org`);
    expect(await listAccounts('accounts-test')).toEqual([]);
  });
});

describe('the order of messages', () => {
  it('grows at both ends, and pages are cut out of it', async () => {
    const db = await open();
    await put(db, append, 'a', 'b', 'c');
    await put(db, prepend, 'z', 'y');
    const ids = (list: MessageRecord[]): string[] => list.map((one) => one.id);
    const all = await db.read(['messages'], (tx) => messagesBefore(tx, 'bob', Infinity, 10));
    expect(ids(all)).toEqual(['y', 'z', 'a', 'b', 'c']);
    expect(ids(await db.read(['messages'], (tx) => messagesBefore(tx, 'bob', all[3]?.order ?? 0, 2)))).toEqual(['z', 'a']);
    expect(ids(await db.read(['messages'], (tx) => messagesAfter(tx, 'bob', all[1]?.order ?? 0, 2)))).toEqual(['a', 'b']);
    const chat = await db.read(['chats'], (tx) => tx.objectStore('chats').get('bob'));
    expect(chat).toMatchObject({ unread: 3, top: all[4]?.order, bottom: all[0]?.order, last: { id: 'c' } });
  });

  it('lets what was not sent yet move behind what has come, and falls back when something is deleted', async () => {
    const db = await open();
    const [first] = await put(db, append, 'mine', 'theirs');
    await db.write(STORES, async (tx) => { if (first) await moveToEnd(tx, first); });
    expect((await db.read(['messages'], (tx) => messagesBefore(tx, 'bob', Infinity, 10))).map((one) => one.id)).toEqual(['theirs', 'mine']);
    await db.write(STORES, async (tx) => {
      const mine = await tx.objectStore('messages').get('mine');
      if (mine) await remove(tx, mine);
    });
    expect(await db.read(['chats'], (tx) => tx.objectStore('chats').get('bob'))).toMatchObject({ last: { id: 'theirs' } });
  });
});

describe('the outbox', () => {
  it('keeps the order of each chat', async () => {
    const db = await open();
    await db.write(STORES, async (tx) => {
      for (const [id, chat] of [['1', 'bob'], ['2', 'carol'], ['3', 'bob']] as const) await enqueue(tx, { message: id, chat, plain: false });
    });
    expect(await db.read(['outbox'], chatsWaiting)).toEqual(['bob', 'carol']);
    const first = await db.read(['outbox'], (tx) => nextOut(tx, 'bob', 0));
    expect(first?.message).toBe('1');
    expect((await db.read(['outbox'], (tx) => nextOut(tx, 'bob', first?.seq ?? 0)))?.message).toBe('3');
    await expect(db.write(STORES, (tx) => enqueue(tx, { message: '1', chat: 'bob', plain: false }))).rejects.toThrow();
    expect(await db.write(STORES, (tx) => dequeue(tx, '1'))).toBe(true);
    expect(await db.write(STORES, (tx) => dequeue(tx, '1'))).toBe(false);
  });
});

describe('records at rest', () => {
  const secret = new TextEncoder().encode('a private key, not to be seen');

  it('are sealed under their names, with a key that nobody can take out', async () => {
    const key = await newSealKey();
    expect(key.extractable).toBe(false);
    const sealer = new Sealer(key, 'omemo');
    const sealed = await sealer.seal('identity', secret);
    expect(new TextDecoder().decode(sealed.data)).not.toContain('private');
    expect(await sealer.open('identity', sealed)).toEqual(secret);
    await expect(sealer.open('prekeys', sealed)).rejects.toThrow();
    await expect(new Sealer(key, 'meta').open('identity', sealed)).rejects.toThrow();
    sealed.data[0] = (sealed.data[0] ?? 0) ^ 1;
    await expect(sealer.open('identity', sealed)).rejects.toThrow();
  });

  it('change only together with what the change is for', async () => {
    const stored = new Map<string, { iv: Uint8Array<ArrayBuffer>; data: Uint8Array<ArrayBuffer> }>();
    const store = new RecordStore(new Sealer(await newSealKey(), 'omemo'), async (keys) => new Map([...stored].filter(([key]) => keys.includes(key))));
    await expect(store.exclusive(async (session) => {
      session.stage([{ key: 'a', value: secret }]);
      expect((await session.read(['a'])).get('a')).toEqual(secret);
      await session.commit(() => Promise.reject(new Error('disk full')));
    })).rejects.toThrow('disk full');
    await store.exclusive(async (session) => {
      expect((await session.read(['a'])).get('a')).toBeNull();
      session.stage([{ key: 'a', value: secret }]);
      await session.commit(async (changes) => {
        for (const [name, value] of changes) if (value) stored.set(name, value);
      });
    });
    // One after the other, never between reading and writing.
    const seen: string[] = [];
    await Promise.all([1, 2].map((n) => store.exclusive(async (session) => {
      seen.push(`${n} in`);
      await session.read(['a']);
      seen.push(`${n} out`);
    })));
    expect(seen).toEqual(['1 in', '1 out', '2 in', '2 out']);
  });
});
