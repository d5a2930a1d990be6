/** One's own data as one file to keep: a ZIP archive with files that people and programs can read. It is made piece by piece. */
import { makeZip } from 'client-zip';
import { messagesAfter } from '../db/messages';
import type { ContactRecord, FileFacts, GroupRecord, MessageRecord } from '../db/schema';
import type { Account } from './account';
import type { Address, ExportWords, SessionState } from './api';

const BATCH = 500;
const MAX_NAME = 80;

export interface Exported {
  state(): SessionState;
  titleOf(chat: Address): string;
  nameOf(person: Address): string;
  pictures(): readonly (readonly [address: Address, hash: string])[];
  picture(hash: string): Promise<Blob | undefined>;
}

interface Entry {
  readonly name: string;
  readonly lastModified: Date;
  readonly input: string | Blob | AsyncIterable<string>;
}

export class Exporting {
  constructor(private readonly account: Account, private readonly world: Exported) {}

  /** Everything that this browser has of the account. */
  make(words: ExportWords): Promise<Blob> {
    return new Response(makeZip(this.entries(words)), { headers: { 'content-type': 'application/zip' } }).blob();
  }

  private async *entries(words: ExportWords): AsyncGenerator<Entry> {
    const { db, platform } = this.account;
    const now = new Date(platform.clock.now());
    const names = new Names();
    const entry = (name: string, input: Entry['input']): Entry => ({ name, lastModified: now, input });
    const [contacts, groups, chats] = await db.read(['contacts', 'groups', 'chats'], (tx) =>
      Promise.all([tx.objectStore('contacts').getAll(), tx.objectStore('groups').getAll(), tx.objectStore('chats').getAll()]));
    const { address, displayName, role, fingerprint } = this.world.state();
    yield entry(`${clean(words.readme)}.txt`, `${words.about}\n`);
    yield entry(`${clean(words.profile)}.json`, pretty({ address, name: displayName, role, fingerprint, exported: now.toISOString() }));
    yield entry(`${clean(words.contacts)}.json`, pretty(contacts.filter((one) => one.address !== this.account.address).map(contactData)));
    yield entry(`${clean(words.groups)}.json`, pretty(groups.map(groupData)));
    for (const chat of chats) {
      if (chat.top === 0 && chat.bottom === 0) continue;
      const name = `${clean(words.chats)}/${names.take(this.world.titleOf(chat.id))}`;
      yield entry(`${name}.txt`, this.transcript(chat.id, words));
      yield entry(`${name}.json`, this.records(chat.id));
    }
    for (const [who, hash] of this.world.pictures()) {
      const picture = await this.world.picture(hash);
      if (!picture) continue;
      const kind = picture.type.split('/')[1] ?? 'png';
      yield entry(`${clean(words.pictures)}/${names.take(who)}.${kind === 'jpeg' ? 'jpg' : kind}`, picture);
    }
    for (const { description, data, gone } of await db.read(['stickers'], (tx) => tx.objectStore('stickers').getAll())) {
      if (gone) continue;
      const kind = data.type.split('/')[1] ?? 'webp';
      yield entry(`${clean(words.stickers)}/${names.take(description || words.sticker)}.${kind === 'jpeg' ? 'jpg' : kind}`, data);
    }
  }

  /** To be read by people. */
  private async *transcript(chat: Address, words: ExportWords): AsyncGenerator<string> {
    for await (const batch of this.batches(chat)) {
      yield batch.map((message) => `${stamp(message.at)}  ${this.author(message, words)}: ${said(message, words)}\n`).join('');
    }
  }

  /** To be read by programs. */
  private async *records(chat: Address): AsyncGenerator<string> {
    let first = true;
    yield '[';
    for await (const batch of this.batches(chat)) {
      yield batch.map((message) => {
        const before = first ? '\n' : ',\n';
        first = false;
        return before + JSON.stringify(messageData(message));
      }).join('');
    }
    yield '\n]\n';
  }

  private async *batches(chat: Address): AsyncGenerator<readonly MessageRecord[]> {
    let after = -Infinity;
    for (;;) {
      const from = after;
      const batch = await this.account.db.read(['messages'], (tx) => messagesAfter(tx, chat, from, BATCH));
      const last = batch[batch.length - 1];
      if (!last) return;
      yield batch;
      after = last.order;
    }
  }

  private author(message: MessageRecord, words: ExportWords): string {
    return message.outgoing ? words.you : message.nick ?? this.world.nameOf(message.from);
  }
}

function said(message: MessageRecord, words: ExportWords): string {
  if (message.retracted) return `(${words.deleted})`;
  if (message.problem !== undefined) return `(${words.unreadable})`;
  if (message.file?.sticker) return `(${[words.sticker, message.file.description ?? ''].filter((part) => part !== '').join(': ')})`;
  if (message.file) return [`(${words.file}: ${message.file.name})`, ...(message.file.caption?.split('\n') ?? [])].join('\n    ');
  return message.text.replaceAll('\n', '\n    ');
}

function messageData(message: MessageRecord): object {
  const { from, nick, text, at, state, lock, reply, reactions, edits, retracted, problem, file } = message;
  return {
    id: message.id, at: new Date(at).toISOString(), from, ...(nick !== undefined && { nick }), outgoing: message.outgoing, text, state, protection: lock,
    ...(reply && { reply }), ...(reactions && { reactions }), ...(edits && { edits }), ...(retracted && { retracted }), ...(problem !== undefined && { problem }),
    ...(file && { file: fileData(file) }),
  };
}

function fileData({ name, size, length, description, caption, sticker, voice }: FileFacts): object {
  return { name, size, ...(length !== undefined && { length }), ...(voice && { voice: true }), ...(description !== undefined && { description }), ...(caption !== undefined && { caption }), ...(sticker && { sticker: true }) };
}

function contactData({ address, name, nick, subscription, groups }: ContactRecord): object {
  return { address, name, nick, subscription, groups };
}

function groupData({ address, standing, room, subject, affiliation, members }: GroupRecord): object {
  return { address, name: room?.name, description: room?.description, standing, subject, role: affiliation, members };
}

const pretty = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

const stamp = (at: number): string => {
  const local = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16).replace('T', ' ');
};

/** A name that every system takes for a file: neither a way out of the folder nor a word that Windows keeps for itself. */
export function clean(name: string): string {
  const plain = name.normalize('NFC').replace(/[\p{C}\\/:*?"<>|]+/gu, ' ').replace(/\s+/g, ' ').trim().replace(/^\.+|[. ]+$/g, '').slice(0, MAX_NAME).trim();
  return plain === '' || /^(?:con|prn|aux|nul|com\d|lpt\d)$/i.test(plain) ? `_${plain}` : plain;
}

/** No two files of one name, also where capitals do not count. */
class Names {
  private readonly taken = new Set<string>();

  take(name: string): string {
    const wish = clean(name);
    let free = wish;
    for (let i = 2; this.taken.has(free.toLowerCase()); i++) free = `${wish} (${i})`;
    this.taken.add(free.toLowerCase());
    return free;
  }
}
