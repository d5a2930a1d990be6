import { openDB } from 'idb';
import { describe, expect, it } from 'vitest';
import { Database } from './database';
import { append, emptyChat, getMessage, remove, update, type NewMessage } from './messages';
import { MIGRATIONS, type KithSchema, type Store } from './schema';
import { marksIn, queryWords, searchText, wordsOf } from './words';

const STORES: readonly Store[] = ['messages', 'chats'];
const message = (id: string, text: string, more: Partial<NewMessage> = {}): NewMessage => ({
  id, chat: 'bob', from: 'bob', outgoing: false, text, at: 0, state: 'received', lock: 'encrypted', ...more,
});

describe('the words of a text', () => {
  it('are each there once, in lower case and without marks', () => {
    expect(wordsOf('Grüße an Müller, GRÜSSE! 2026')).toEqual(['grusse', 'an', 'muller', '2026']);
    expect(wordsOf('a\u0308 ä')).toEqual(['a']);
    expect(wordsOf('')).toEqual([]);
    expect(wordsOf('… 🎂 —')).toEqual([]);
  });

  it('are all parts where words are not set apart', () => {
    expect(wordsOf('東京駅')).toEqual(['東京駅', '京駅', '駅']);
  });

  it('are bounded', () => {
    expect(wordsOf(Array.from({ length: 5_000 }, (_, i) => `w${i}`).join(' ')).length).toBe(400);
    expect(wordsOf('x'.repeat(10_000))).toEqual(['x'.repeat(32)]);
  });

  it('are the name where a file is shared, and none of what is gone', () => {
    expect(searchText({ text: 'aesgcm://up.example.org/a1/Oma%20im%20Garten.jpg#00ff' })).toBe('Oma im Garten.jpg');
    expect(searchText({ text: 'anything', retracted: { at: 1 } })).toBe('');
    expect(searchText({ text: 'anything', problem: 'undecryptable' })).toBe('');
  });

  it('are marked where they stand', () => {
    const text = 'Der Pflaumenkuchen und die Pflaume';
    expect(marksIn(text, queryWords('pflaume')).map(([from, to]) => text.slice(from, to))).toEqual(['Pflaumenkuchen', 'Pflaume']);
    expect(marksIn('新しい東京駅です', queryWords('東京')).map(([from, to]) => '新しい東京駅です'.slice(from, to))).toEqual(['東京']);
    expect(marksIn('nothing', queryWords('else'))).toEqual([]);
  });
});

describe('the index of words', () => {
  const hits = (db: Database, word: string): Promise<string[]> => db.read(['messages'], (tx) => tx.objectStore('messages').index('words').getAllKeys(word));

  it('follows what becomes of a message', async () => {
    const db = await Database.open('test', 'words-1');
    await db.write(STORES, async (tx) => void await append(tx, emptyChat('bob'), message('m1', 'the plum cake')));
    expect(await hits(db, 'plum')).toEqual(['m1']);
    const change = (changes: Parameters<typeof update>[2]): Promise<void> => db.write(STORES, async (tx) => {
      const before = await getMessage(tx, 'm1');
      if (before) await update(tx, before, changes);
    });
    await change({ text: 'the apple pie' });
    expect([await hits(db, 'plum'), await hits(db, 'apple')]).toEqual([[], ['m1']]);
    await change({ state: 'read' });
    expect(await hits(db, 'apple')).toEqual(['m1']);
    await change({ text: '', retracted: { at: 1 } });
    expect(await hits(db, 'apple')).toEqual([]);
    await change({ text: 'back' });
    await db.write(STORES, async (tx) => {
      const before = await getMessage(tx, 'm1');
      if (before) await remove(tx, before);
    });
    expect(await hits(db, 'back')).toEqual([]);
  });

  it('is made for what was there before', async () => {
    const old = await openDB<KithSchema>('test:words-2', 4, {
      upgrade(database, _from, _to, tx) { for (const migrate of MIGRATIONS.slice(0, 4)) void migrate(database, tx); },
    });
    await old.put('messages', { ...message('m1', 'from long ago'), order: 1 });
    await old.put('messages', { ...message('m2', 'answered', { outgoing: true }), order: 2 });
    await old.put('chats', emptyChat('bob'));
    old.close();
    const db = await Database.open('test', 'words-2');
    expect(await hits(db, 'long')).toEqual(['m1']);
    expect(await db.read(['chats'], (tx) => tx.objectStore('chats').get('bob'))).toMatchObject({ answered: true });
  });
});
