/** What somebody has begun to write in a chat: the text, what it answers, files and a recording that are not sent yet. All of it outlives a reload. */
import { getMessage } from '../db/messages';
import type { ChatRecord, Store } from '../db/schema';
import type { Account } from './account';
import type { Address, Message, VoiceDraft } from './api';
import type { Chats } from './chats';
import { fail } from './reasons';
import { messageView } from './view';

const STORES: readonly Store[] = ['chats', 'files'];
const MAX_FILES = 50;

export class Drafts {
  constructor(private readonly account: Account, private readonly chats: Chats) {}

  async set(chat: Address, text: string, replyTo?: string): Promise<void> {
    await this.chats.modify(chat, (record) => (record.draft === text && record.draftReply === replyTo ? undefined : withReply({ ...record, draft: text }, replyTo)));
  }

  /** These files and no others wait here to be sent. */
  async stage(chat: Address, files: readonly File[]): Promise<void> {
    if (files.length > MAX_FILES) throw fail('too-large', `at most ${MAX_FILES} files`);
    // Read before the transaction begins, which would not wait for it.
    const copies = await Promise.all(files.map(async (file) => new Blob([await file.arrayBuffer()], { type: file.type })));
    const changed = await this.account.db.write(STORES, async (tx) => {
      const { draftFiles: before, ...record } = (await tx.objectStore('chats').get(chat)) ?? this.chats.of(chat);
      for (let i = 0; i < Math.max(before?.length ?? 0, copies.length); i++) {
        const copy = copies[i];
        if (copy) await tx.objectStore('files').put(copy, draftKey(chat, i));
        else await tx.objectStore('files').delete(draftKey(chat, i));
      }
      const next: ChatRecord = { ...record, ...(files.length > 0 && { draftFiles: files.map(({ name, type }) => ({ name, type })) }) };
      await tx.objectStore('chats').put(next);
      return next;
    });
    this.chats.put([changed]);
  }

  async staged(chat: Address): Promise<readonly File[]> {
    const facts = this.chats.of(chat).draftFiles ?? [];
    const blobs = await this.account.db.read(['files'], (tx) => Promise.all(facts.map((_, i) => tx.objectStore('files').get(draftKey(chat, i)))));
    return facts.flatMap(({ name, type }, i) => {
      const blob = blobs[i];
      return blob ? [new File([blob], name, { type })] : [];
    });
  }

  /** This recording and no other waits here to be sent. */
  async stageVoice(chat: Address, voice: VoiceDraft | null): Promise<void> {
    const copy = voice && new Blob([await voice.data.arrayBuffer()], { type: voice.data.type });
    const changed = await this.account.db.write(STORES, async (tx) => {
      const { draftVoice: _, ...record } = (await tx.objectStore('chats').get(chat)) ?? this.chats.of(chat);
      if (copy) await tx.objectStore('files').put(copy, draftKey(chat, 'voice'));
      else await tx.objectStore('files').delete(draftKey(chat, 'voice'));
      const next: ChatRecord = { ...record, ...(voice && { draftVoice: { type: voice.data.type, length: voice.length, levels: voice.levels } }) };
      await tx.objectStore('chats').put(next);
      return next;
    });
    this.chats.put([changed]);
  }

  async voice(chat: Address): Promise<VoiceDraft | undefined> {
    const facts = this.chats.of(chat).draftVoice;
    const data = facts && await this.account.db.read(['files'], (tx) => tx.objectStore('files').get(draftKey(chat, 'voice')));
    return data && { data: new Blob([data], { type: facts.type }), length: facts.length, levels: facts.levels };
  }

  async message(chat: Address, id: string): Promise<Message | undefined> {
    const record = await this.account.db.read(['messages'], (tx) => getMessage(tx, id));
    return record?.chat === chat ? messageView(record, this.account.address) : undefined;
  }
}

/** No id of a message looks like this. */
function draftKey(chat: Address, index: number | 'voice'): string {
  return `draft\n${chat}\n${index}`;
}

function withReply({ draftReply: _, ...record }: ChatRecord, replyTo: string | undefined): ChatRecord {
  return { ...record, ...(replyTo !== undefined && { draftReply: replyTo }) };
}
