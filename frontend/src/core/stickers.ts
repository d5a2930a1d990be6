/**
 * The stickers that one has: here, and on all own devices by two private nodes, one that tells which there are and one with the
 * pictures. What lies there is sealed (`vault.ts`): the server sees how many there are and how large.
 */
import type { StickerRecord } from '../db/schema';
import type { Bytes } from '../crypto/engine';
import { fromUtf8, utf8 } from '../xmpp/bytes';
import { StanzaError } from '../xmpp/errors';
import { NS } from '../xmpp/ns';
import { itemsRequest, pubsub, type PubsubItem } from '../xmpp/xep0060_pubsub';
import { cleanText } from '../xmpp/xml';
import type { Account } from './account';
import type { Sticker } from './api';
import { Serial } from './async';
import { log } from './log';
import type { Pep } from './pep';
import { typeOf } from './pictures';
import { fail, reasonOf } from './reasons';
import type { Vault } from './vault';

/** What fits into a stanza that every server takes, sealed and encoded. */
export const MAX_STICKER_BYTES = 128 << 10;
export const MAX_STICKERS = 200;
const MAX_DESCRIPTION = 100;
const MAX_SIDE = 4096;

const PICTURES = `${NS.kithStickers}#pictures`;
const OPTIONS = {
  'pubsub#persist_items': 'true',
  'pubsub#max_items': 'max',
  'pubsub#send_last_published_item': 'never',
  'pubsub#access_model': 'whitelist',
} as const;

/** What is sealed of a sticker besides its picture. */
interface Facts {
  readonly sha256: string;
  readonly description: string;
  readonly width?: number;
  readonly height?: number;
  readonly addedAt: number;
}

export class Stickers {
  private readonly turn = new Serial();

  constructor(private readonly account: Account, private readonly pep: Pep, private readonly vault: Pick<Vault, 'seal' | 'open'>) {
    // What comes is looked at behind what is being done: fetching a picture waits for answers on the same stream.
    pep.on(NS.kithStickers, (from, items, retracted) => {
      if (from === account.address) this.later(() => (items === null ? this.lost() : this.told(items, retracted)));
      return Promise.resolve();
    });
  }

  /** Those used last first. */
  async list(): Promise<readonly Sticker[]> {
    const seen = new Set<string>();
    const all = (await this.all()).filter((record) => record.gone !== true).toSorted((a, b) => b.usedAt - a.usedAt || b.addedAt - a.addedAt);
    return all.filter(({ sha256 }) => !seen.has(sha256) && seen.add(sha256)).map(stickerView);
  }

  async picture(id: string): Promise<Blob> {
    return (await this.get(id)).data;
  }

  /** A sticker that is not removed. Rejects `not-found`. */
  async get(id: string): Promise<StickerRecord> {
    const record = await this.account.db.read(['stickers'], (tx) => tx.objectStore('stickers').get(id));
    if (!record || record.gone) throw fail('not-found', 'no such sticker');
    return record;
  }

  /** Keeps a picture as it is; one that is there already comes to the front. Rejects `too-large`, `unsupported`. */
  async add(picture: Blob, facts: { readonly description: string; readonly width?: number; readonly height?: number }): Promise<Sticker> {
    if (picture.size > MAX_STICKER_BYTES) throw fail('too-large', `at most ${MAX_STICKER_BYTES} bytes`);
    const data = new Uint8Array(await picture.arrayBuffer());
    const type = typeOf(data);
    if (type === undefined) throw fail('unsupported', 'not a picture');
    const sha256 = await hashOf(data);
    const now = this.account.platform.clock.now();
    const record = await this.account.db.write(['stickers'], async (tx) => {
      const all = await tx.objectStore('stickers').getAll();
      const there = all.find((one) => one.sha256 === sha256 && one.gone !== true);
      if (!there && all.filter((one) => one.gone !== true).length >= MAX_STICKERS) throw fail('too-large', `at most ${MAX_STICKERS} stickers`);
      const next: StickerRecord = there ? { ...there, usedAt: now } : {
        id: crypto.randomUUID(), sha256, data: new Blob([data], { type }), description: descriptionOf(facts.description), ...sidesOf(facts), addedAt: now, usedAt: now, untold: true,
      };
      await tx.objectStore('stickers').put(next);
      return next;
    }, 'strict');
    this.changed();
    this.later(() => this.tell());
    return stickerView(record);
  }

  async remove(id: string): Promise<void> {
    await this.account.db.write(['stickers'], async (tx) => {
      const all = await tx.objectStore('stickers').getAll();
      const wanted = all.find((one) => one.id === id);
      // Two devices may have added the same one.
      for (const record of all) if (record.sha256 === wanted?.sha256) await tx.objectStore('stickers').put({ ...record, gone: true, data: new Blob([]) });
    }, 'strict');
    this.changed();
    this.later(() => this.tell());
  }

  /** It was sent, and comes first from now on. Only here: when what was sent is not the server's business. */
  async used(id: string): Promise<void> {
    await this.account.db.write(['stickers'], async (tx) => {
      const record = await tx.objectStore('stickers').get(id);
      if (record && !record.gone) await tx.objectStore('stickers').put({ ...record, usedAt: this.account.platform.clock.now() });
    });
    this.changed();
  }

  // ── session ──

  /** Everything that was missed is here: so are the stickers, both ways. */
  caughtUp(): void {
    this.later(() => this.sync());
  }

  /** The connection is there again, and nothing was missed: what was done meanwhile is told. */
  resumed(): void {
    this.later(() => this.tell());
  }

  // ── with the other own devices ──

  private async sync(): Promise<void> {
    if (!this.account.online) return;
    const items = await this.listed();
    if (items === undefined) {
      await this.lost();
    } else {
      const there = new Set(items.map((item) => item.id));
      // What they know of and is there no more was removed by one of them.
      const removed = (await this.all()).filter((record) => record.untold !== true && !there.has(record.id)).map(({ id }) => id);
      await this.told(items, removed);
    }
    await this.tell();
  }

  /** `undefined`: there is no such node. */
  private async listed(): Promise<readonly PubsubItem[] | undefined> {
    try {
      const found = pubsub.in(await this.account.stream().iq('get', itemsRequest(NS.kithStickers), this.account.address))?.items;
      return found?.node === NS.kithStickers ? found.items : [];
    } catch (error) {
      if (error instanceof StanzaError && error.condition === 'item-not-found') return undefined;
      throw error;
    }
  }

  /** The server has lost what it had: it gets it again. */
  private async lost(): Promise<void> {
    await this.account.db.write(['stickers'], async (tx) => {
      for (const record of await tx.objectStore('stickers').getAll()) {
        if (record.gone) await tx.objectStore('stickers').delete(record.id);
        else await tx.objectStore('stickers').put({ ...record, untold: true });
      }
    });
  }

  private async told(items: readonly PubsubItem[], removed: readonly string[]): Promise<void> {
    const known = new Set((await this.all()).map(({ id }) => id));
    let changed = false;
    for (const id of removed.filter((one) => known.has(one))) {
      await this.account.db.write(['stickers'], (tx) => tx.objectStore('stickers').delete(id));
      changed = true;
    }
    for (const { id, payload } of items.slice(-2 * MAX_STICKERS)) {
      if (id === undefined || id === '' || id.length > 64 || known.has(id) || known.size >= 2 * MAX_STICKERS) continue;
      const facts = factsOf(await this.vault.open(`${NS.kithStickers}\n${id}`, payload));
      const data = facts && await this.fetch(id, facts);
      if (!data) continue;
      const { sha256, description, width, height, addedAt } = facts;
      const record: StickerRecord = { id, sha256, data, description, ...sidesOf({ ...(width !== undefined && { width }), ...(height !== undefined && { height }) }), addedAt, usedAt: addedAt };
      await this.account.db.write(['stickers'], async (tx) => { await tx.objectStore('stickers').put(record); });
      known.add(id);
      changed = true;
    }
    if (changed) this.changed();
  }

  private async fetch(id: string, { sha256 }: Facts): Promise<Blob | undefined> {
    const items = await this.pep.items(this.account.address, PICTURES, { id });
    const data = await this.vault.open(`${PICTURES}\n${id}`, items.find((item) => item.id === id)?.payload);
    if (data === undefined || data === 'locked' || data.length > MAX_STICKER_BYTES || await hashOf(data) !== sha256) return undefined;
    const type = typeOf(data);
    return type === undefined ? undefined : new Blob([data], { type });
  }

  /** Publishes what the others do not know of yet: the picture first, then that it is there. */
  private async tell(): Promise<void> {
    if (!this.account.online) return;
    for (const record of await this.all()) {
      const { id } = record;
      if (record.gone) {
        for (const node of [NS.kithStickers, PICTURES]) await this.pep.retract(node, id).catch(refused);
        await this.account.db.write(['stickers'], (tx) => tx.objectStore('stickers').delete(id));
      } else if (record.untold) {
        const facts: Facts = {
          sha256: record.sha256, description: record.description, addedAt: record.addedAt,
          ...(record.width !== undefined && { width: record.width }), ...(record.height !== undefined && { height: record.height }),
        };
        const picture = await this.vault.seal(`${PICTURES}\n${id}`, new Uint8Array(await record.data.arrayBuffer()));
        await this.pep.publish(PICTURES, id, picture, OPTIONS);
        await this.pep.publish(NS.kithStickers, id, await this.vault.seal(`${NS.kithStickers}\n${id}`, utf8(JSON.stringify(facts))), OPTIONS);
        await this.account.db.write(['stickers'], async (tx) => {
          const now = await tx.objectStore('stickers').get(id);
          if (!now) return;
          const { untold: _, ...told } = now;
          await tx.objectStore('stickers').put(told);
        });
      }
    }
  }

  private all(): Promise<StickerRecord[]> {
    return this.account.db.read(['stickers'], (tx) => tx.objectStore('stickers').getAll());
  }

  /** What does not succeed now is done when there is a connection again. */
  private later(task: () => Promise<void>): void {
    void this.turn.run(task).catch((error: unknown) => log.debug('stickers not in step', { code: reasonOf(error).code }));
  }

  private changed(): void {
    this.account.hub.emit('stickers', {});
  }
}

function stickerView({ id, description, width, height }: StickerRecord): Sticker {
  return { id, description, ...(width !== undefined && { width }), ...(height !== undefined && { height }) };
}

/** In one line, of bounded length. */
export function descriptionOf(text: string): string {
  return [...cleanText(text).replace(/\s+/g, ' ').trim()].slice(0, MAX_DESCRIPTION).join('').trim();
}

function sidesOf({ width, height }: { readonly width?: number; readonly height?: number }): { width?: number; height?: number } {
  const whole = (side: number | undefined): side is number => side !== undefined && Number.isInteger(side) && side > 0 && side <= MAX_SIDE;
  return whole(width) && whole(height) ? { width, height } : {};
}

function factsOf(bytes: Bytes | 'locked' | undefined): Facts | undefined {
  if (bytes === undefined || bytes === 'locked') return undefined;
  try {
    const { sha256, description, width, height, addedAt } = JSON.parse(fromUtf8(bytes)) as Record<string, unknown>;
    if (typeof sha256 !== 'string' || typeof description !== 'string' || typeof addedAt !== 'number' || !Number.isFinite(addedAt)) return undefined;
    return { sha256, description: descriptionOf(description), addedAt, ...(typeof width === 'number' && { width }), ...(typeof height === 'number' && { height }) };
  } catch {
    return undefined;
  }
}

async function hashOf(data: Bytes): Promise<string> {
  return [...new Uint8Array(await crypto.subtle.digest('SHA-256', data))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** It was not there. */
function refused(error: unknown): void {
  if (!(error instanceof StanzaError) || error.type === 'wait') throw error;
}
