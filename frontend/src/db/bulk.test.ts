import { describe, expect, it } from 'vitest';
import { inBulk } from './bulk';
import { Database } from './database';
import { append, archivedAmong, emptyChat, findByStanzaId, messagesAfter, type NewMessage } from './messages';
import type { ChatRecord, Store, Tx } from './schema';

const STORES: readonly Store[] = ['messages', 'chats', 'pending', 'omemo'];
let count = 0;
const open = (): Promise<Database> => Database.open('bulk', `db${count++}`);
const message = (id: string, more: Partial<NewMessage> = {}): NewMessage => ({
  id, chat: 'bob', from: 'bob', outgoing: false, text: id, at: 0, state: 'received', lock: 'encrypted', incomingIn: 'bob', ...more,
});
const put = async (tx: Tx, id: string, more: Partial<NewMessage> = {}): Promise<ChatRecord> =>
  (await append(tx, (await tx.objectStore('chats').get('bob')) ?? emptyChat('bob'), message(id, more)))[1];
const bulk = <T>(db: Database, body: (tx: Tx) => Promise<T>): Promise<T> => db.write(STORES, (tx) => inBulk(tx, body));
const all = (db: Database): Promise<[string[], (ChatRecord | undefined)[]]> => db.read(STORES, async (tx) => [
  (await messagesAfter(tx, 'bob', -Infinity, 1_000)).map((one) => one.id), await tx.objectStore('chats').getAll(),
]);

describe('many changes in one transaction', () => {
  it('see each other, and are all there at the end', async () => {
    const db = await open();
    await bulk(db, (tx) => put(tx, 'm1'));
    await bulk(db, async (tx) => {
      for (const id of ['m2', 'm3']) await put(tx, id, { stanzaId: `at ${id}` });
      expect((await tx.objectStore('chats').get('bob'))?.unread).toBe(3);
      // Also by ways that are not remembered.
      expect((await tx.objectStore('chats').getAll()).map((chat) => chat.unread)).toEqual([3]);
      expect((await findByStanzaId(tx, 'at m3'))?.id).toBe('m3');
      expect((await put(tx, 'm4')).unread).toBe(4);
      await tx.objectStore('omemo').put({ iv: new Uint8Array(), data: new Uint8Array([1]) }, 'session');
    });
    const [messages, chats] = await all(db);
    expect(messages).toEqual(['m1', 'm2', 'm3', 'm4']);
    expect(chats.map((chat) => [chat?.id, chat?.unread, chat?.last?.id])).toEqual([['bob', 4, 'm4']]);
    expect(await db.read(['omemo'], (tx) => tx.objectStore('omemo').getAllKeys())).toEqual(['session']);
  });

  it('take back what was put and deleted', async () => {
    const db = await open();
    const waiting = (tx: Tx<'readonly' | 'readwrite'>, key: string): Promise<unknown> => tx.objectStore('pending').get(key);
    await bulk(db, async (tx) => {
      await tx.objectStore('pending').put({ key: 'old', deeds: [] });
      await tx.objectStore('pending').put({ key: 'gone', deeds: [] });
      await tx.objectStore('pending').delete('gone');
    });
    await bulk(db, async (tx) => {
      expect([await waiting(tx, 'old'), await waiting(tx, 'gone'), await waiting(tx, 'never')]).toEqual([{ key: 'old', deeds: [] }, undefined, undefined]);
      await tx.objectStore('pending').delete('old');
      expect(await waiting(tx, 'old')).toBeUndefined();
    });
    expect(await db.read(['pending'], (tx) => tx.objectStore('pending').count())).toBe(0);
  });

  it('are nothing where one fails, be it at the end', async () => {
    const db = await open();
    await bulk(db, (tx) => put(tx, 'm1', { stanzaId: 'taken' }));
    const before = await all(db);
    await expect(bulk(db, async (tx) => {
      await put(tx, 'm2');
      await put(tx, 'm3', { stanzaId: 'taken' }); // nobody waits for this answer
    })).rejects.toThrow();
    expect(await all(db)).toEqual(before);
    await expect(bulk(db, async (tx) => {
      await put(tx, 'm2');
      throw new Error('no');
    })).rejects.toThrow('no');
    expect(await all(db)).toEqual(before);
  });

  it('find in few questions what is here of an archive', async () => {
    const db = await open();
    await bulk(db, async (tx) => { for (let i = 0; i < 60; i++) await put(tx, `m${i}`, i % 2 ? { stanzaId: `id ${String(i).padStart(2, '0')}` } : {}); });
    const among = (...ids: string[]): Promise<ReadonlySet<string> | undefined> => db.read(['messages'], (tx) => archivedAmong(tx, ids));
    expect(await among()).toEqual(new Set());
    expect(await among('id 99', 'id 98')).toEqual(new Set());
    expect(await among('id 13', 'id 10', 'id 11')).toEqual(new Set(['id 11', 'id 13']));
    expect(await among('id 01', 'id 59')).toBeUndefined(); // ids in no order: too much lies between
  });
});
