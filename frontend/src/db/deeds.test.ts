import { describe, expect, it } from 'vitest';
import { Database } from './database';
import { perform } from './deeds';
import { append, emptyChat } from './messages';
import { originKey } from './schema';

const [SELF, BOB] = ['alice@example.org', 'bob@example.org'];

describe('a message that is taken back', () => {
  it('leaves nothing of what it shared', async () => {
    const db = await Database.open('deeds', 'one');
    await db.write(['messages', 'chats', 'files'], async (tx) => {
      await append(tx, emptyChat(BOB), {
        id: 'm', chat: BOB, from: BOB, outgoing: false, text: 'aesgcm://example.org/lake#key', at: 0, state: 'received', lock: 'encrypted', origin: originKey(BOB, 'o'),
        file: { name: 'lake.png', size: 3, caption: 'The lake' }, edits: [{ text: 'The sea', at: 0 }], reactions: { [SELF]: ['👍'] },
      });
      await tx.objectStore('files').put(new Blob(['png']), 'm');
      await tx.objectStore('files').put(new Blob(['png']), 'other');
    });
    await db.write(['messages', 'chats', 'files'], (tx) => perform(tx, { deed: { kind: 'retract', ref: 'o' }, chat: BOB, from: BOB, self: SELF, at: 1 }, () => true));
    const [message, files] = await db.read(['messages', 'files'], async (tx) => [await tx.objectStore('messages').get('m'), await tx.objectStore('files').getAllKeys()] as const);
    expect(message).toMatchObject({ id: 'm', retracted: { at: 1 } });
    expect(JSON.stringify(message)).not.toMatch(/lake|sea|👍/);
    expect(files).toEqual(['other']);
  });
});
