/**
 * Packs of stickers that others publish (XEP-0449). Nothing of one is asked for before the person wants to see it, and its
 * pictures are fetched as files are: from where the browser may fetch, checked against their hash, shown from here.
 */
import { FileError, openFile, type FileKey } from '../crypto/files';
import type { Bytes } from '../crypto/engine';
import type { MessageRecord } from '../db/schema';
import { equalBytes } from '../xmpp/bytes';
import { bareOf } from '../xmpp/jid';
import { NS } from '../xmpp/ns';
import { AES_256_GCM, isHttps, sha256Of } from '../xmpp/xep0447_sfs';
import { anyLanguage, pack, type Pack } from '../xmpp/xep0449_stickers';
import { cleanText } from '../xmpp/xml';
import type { StickerPack } from './api';
import type { Files } from './files';
import type { Pep } from './pep';
import { typeOf } from './pictures';
import { fail } from './reasons';
import { descriptionOf } from './stickers';

const MAX_ITEMS = 200;
/** Larger pictures of packs are not fetched. */
const MAX_PICTURE = 1 << 20;
const MAX_NAME = 100;
const MAX_SUMMARY = 500;
const MAX_NODE = 200;
/** So many packs that were looked at are remembered. */
const KEPT = 4;

interface Source {
  readonly url: string;
  readonly fileKey?: FileKey;
  readonly size?: number;
  readonly sha256: Bytes;
}

export class Packs {
  private readonly seen = new Map<string, readonly Source[]>();

  constructor(private readonly pep: Pep, private readonly files: Pick<Files, 'download'>) {}

  /** The pack of a sticker that somebody sent. Rejects `not-found`. */
  async look({ from, file }: MessageRecord): Promise<StickerPack> {
    const named = file?.sticker;
    const owner = bareOf(named?.jid ?? from);
    const node = named?.node ?? NS.stickers;
    if (named?.pack === undefined || owner === undefined || node.length > MAX_NODE) throw fail('not-found', 'no pack');
    const items = await this.pep.items(owner, node, { id: named.pack });
    const found = pack.read(items.find((item) => item.id === named.pack)?.payload);
    const stickers = found?.items.slice(0, MAX_ITEMS).flatMap((item) => {
      const source = sourceOf(item);
      const { desc, width, height } = item.file;
      return source ? [{ source, sticker: { description: descriptionOf(desc ?? ''), ...(width !== undefined && height !== undefined && { width, height }) } }] : [];
    }) ?? [];
    if (!found || stickers.length === 0) throw fail('not-found', 'no pack');
    const id = `${owner}\n${node}\n${named.pack}`;
    this.seen.delete(id);
    this.seen.set(id, stickers.map(({ source }) => source));
    for (const key of [...this.seen.keys()].slice(0, -KEPT)) this.seen.delete(key);
    return {
      id, name: lineOf(anyLanguage(found.names), MAX_NAME), summary: lineOf(anyLanguage(found.summaries), MAX_SUMMARY), restricted: found.restricted === true,
      stickers: stickers.map(({ sticker }) => sticker),
    };
  }

  /** One picture of a pack that was looked at. Rejects `not-found`, `too-large`, `network`. */
  async picture(id: string, index: number): Promise<Blob> {
    const source = this.seen.get(id)?.[index];
    if (!source) throw fail('not-found', 'no such sticker');
    const { url, fileKey, size, sha256 } = source;
    const fetched = await this.files.download(url, MAX_PICTURE);
    let data: Bytes;
    if (fileKey) {
      const opened = await openFile(fetched, fileKey, { ...(size !== undefined && { size }), sha256 }).catch((error: unknown) => {
        throw error instanceof FileError ? fail('server', error.message) : error;
      });
      data = new Uint8Array(await opened.arrayBuffer());
    } else {
      data = new Uint8Array(await fetched.arrayBuffer());
      if (!equalBytes(new Uint8Array(await crypto.subtle.digest('SHA-256', data)), sha256)) throw fail('server', 'another picture');
    }
    const type = typeOf(data);
    if (type === undefined) throw fail('unsupported', 'not a picture');
    return new Blob([data], { type });
  }
}

/** Where the picture of an item is, if it can be fetched safely and checked. */
function sourceOf({ file, sources }: Pack['items'][number]): Source | undefined {
  const sha256 = sha256Of(file.hashes);
  if (!sha256 || (file.size ?? 0) > MAX_PICTURE) return undefined;
  const size = file.size === undefined ? {} : { size: file.size };
  const sealed = sources?.encrypted.find(({ cipher, key, iv }) => cipher === AES_256_GCM && key.length === 32 && iv.length === 12);
  const sealedUrl = sealed?.sources.urls.find(({ target }) => isHttps(target))?.target;
  if (sealed && sealedUrl !== undefined) return { url: sealedUrl, fileKey: { key: sealed.key, iv: sealed.iv }, sha256, ...size };
  const url = sources?.urls.find(({ target }) => isHttps(target))?.target;
  return url === undefined ? undefined : { url, sha256, ...size };
}

function lineOf(text: string | undefined, most: number): string {
  return [...cleanText(text ?? '').replace(/\s+/g, ' ').trim()].slice(0, most).join('');
}
