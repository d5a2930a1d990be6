/**
 * Files: encrypted here, put on the server by HTTP (XEP-0363), and named in a message by an address with the key (XEP-0454). In an
 * envelope of omemo:2 their name, size and hash stand beside it (XEP-0447, XEP-0448): what is fetched must fit.
 */
import { aesgcmUrl, FileError, openFile, parseAesgcm, sealFile } from '../crypto/files';
import type { FileFacts, MessageRecord } from '../db/schema';
import type { Bytes } from '../crypto/engine';
import { ConnectionError, StanzaError } from '../xmpp/errors';
import { domainOf } from '../xmpp/jid';
import { NS } from '../xmpp/ns';
import { voice } from '../xmpp/kith_voice';
import { valueOf } from '../xmpp/xep0004_form';
import { discoInfo, discoItems } from '../xmpp/xep0030_disco';
import { ALLOWED_HEADERS, request, slot } from '../xmpp/xep0363_upload';
import { fallback, withoutFallback } from '../xmpp/xep0428_fallback';
import { fileSharing, SFS, sharedFile, shareFile } from '../xmpp/xep0447_sfs';
import { sticker } from '../xmpp/xep0449_stickers';
import type { XmlElement } from '../xmpp/xml';
import type { Account } from './account';
import { CoreError, type Address } from './api';
import { Shared } from './async';
import { log } from './log';
import { fail, reasonOf } from './reasons';
import { descriptionOf } from './stickers';

/** What is fetched is kept, so that it is there without a network, up to this size. */
const KEPT = 20 << 20;
const MAX_DOWNLOAD = 512 << 20;
const STEP = 200;
/** What AES-GCM adds to a file. */
const TAG = 16;
/** A day: longer is somebody's mistake. In milliseconds. */
const MAX_LENGTH = 86_400_000;
/** More stretches are not shown. */
const MAX_LEVELS = 256;

export interface Uploaded {
  /** With the key. */
  readonly address: string;
  readonly sha256: Bytes;
}

export class Files {
  private service: { readonly at: Address; readonly limit: number | undefined } | undefined;
  private readonly running = new Map<string, AbortController>();
  private readonly fetching = new Shared<Blob>();

  constructor(private readonly account: Account) {}

  /** Puts a file on the server; gives the address to send. Rejects with ConnectionError or StanzaError when that may work later. */
  async upload(message: MessageRecord, facts: FileFacts): Promise<Uploaded> {
    const stored = await this.account.db.read(['files'], (tx) => tx.objectStore('files').get(message.id));
    if (!stored) throw fail('storage', 'the file is gone');
    const abort = new AbortController();
    this.running.set(message.id, abort);
    try {
      const sealed = await sealFile(stored, { signal: abort.signal });
      const { url, get, headers } = await this.slot(facts, sealed.data.size);
      this.tell(message, 0, sealed.data.size);
      let told = 0;
      const status = await this.account.platform.put(this.reachable(url), headers, sealed.data, abort.signal, (done) => {
        const now = this.account.platform.clock.now();
        if (now - told < STEP && done < sealed.data.size) return;
        told = now;
        this.tell(message, done, sealed.data.size);
      });
      if (status >= 500) throw new ConnectionError(`upload: HTTP ${status}`);
      if (status < 200 || status >= 300) throw fail(status === 413 ? 'too-large' : 'server', `upload: HTTP ${status}`);
      return { address: aesgcmUrl(get.replace(/^http:/, 'https:'), sealed.fileKey), sha256: sealed.sha256 };
    } finally {
      this.running.delete(message.id);
    }
  }

  /** The person does not want it sent any more. */
  cancel(id: string): void {
    this.running.get(id)?.abort(new ConnectionError('cancelled'));
  }

  /** The file of a message: what is here, or what the server has. */
  fetch(message: MessageRecord): Promise<Blob> {
    return this.fetching.run(message.id, async () => {
      const stored = await this.account.db.read(['files'], (tx) => tx.objectStore('files').get(message.id));
      if (stored) return stored;
      const shared = parseAesgcm(message.text);
      if (!shared) throw fail('not-found', 'no file');
      const sealed = await this.download(shared.url, MAX_DOWNLOAD);
      let file: Blob;
      try {
        const { name, size, sha256 } = message.file ?? {};
        file = await openFile(sealed, shared.fileKey, sha256 && size !== undefined ? { size, sha256 } : {}, { type: typeOf(name ?? shared.url) });
      } catch (error) {
        if (error instanceof FileError) throw fail('server', error.message);
        throw error;
      }
      if (file.size <= KEPT) await this.keep(message.id, file);
      return file;
    });
  }

  private async keep(id: string, file: Blob): Promise<void> {
    try {
      await this.account.db.write(['files'], async (tx) => { await tx.objectStore('files').put(file, id); });
    } catch (error) {
      // On a full disk it is fetched again the next time.
      log.warn('file not kept', { code: reasonOf(error).code });
    }
  }

  /** Fetches from an https: address, without a word about who asks. Rejects `not-found`, `too-large`, `network`. */
  async download(url: string, most: number): Promise<Blob> {
    try {
      const response = await this.account.platform.fetch(this.reachable(url), { credentials: 'omit', referrerPolicy: 'no-referrer', redirect: 'error' });
      if (!response.ok) throw fail('not-found', `HTTP ${response.status}`);
      if (Number(response.headers.get('content-length') ?? 0) > most) throw fail('too-large');
      const fetched = await response.blob();
      if (fetched.size > most) throw fail('too-large');
      return fetched;
    } catch (error) {
      if (error instanceof TypeError) throw fail('network', error.message);
      throw error;
    }
  }

  private async slot(facts: FileFacts, size: number): Promise<{ url: string; get: string; headers: Record<string, string> }> {
    const stream = this.account.stream();
    this.service ??= await this.findService();
    if (this.service === undefined) throw fail('unsupported', 'this server keeps no files');
    let answer: ReturnType<typeof slot.in>;
    try {
      // The name says what kind of file it is, and nothing else of it.
      answer = slot.in(await stream.iq('get', request.write({ filename: `file${extensionOf(facts.name)}`, size, type: 'application/octet-stream' }), this.service.at));
    } catch (error) {
      if (error instanceof StanzaError && error.specific?.endsWith('}file-too-large') === true) throw fail('too-large', error.message);
      throw error;
    }
    if (!answer) throw fail('server', 'no place for the file');
    const headers = Object.fromEntries(answer.put.headers.filter(({ name }) => ALLOWED_HEADERS.has(name.toLowerCase())).map(({ name, value }) => [name, value.replace(/[\r\n]/g, '')]));
    return { url: answer.put.url, get: answer.get.url, headers };
  }

  /** The largest file that the server takes, before it is encrypted (section 4). `undefined`: it does not say so, or cannot be asked now. */
  async limit(): Promise<number | undefined> {
    try {
      this.service ??= await this.findService();
    } catch (error) {
      if (error instanceof ConnectionError || error instanceof StanzaError || error instanceof CoreError) return undefined;
      throw error;
    }
    const most = this.service?.limit;
    return most === undefined ? undefined : Math.max(0, most - TAG);
  }

  private async findService(): Promise<{ at: Address; limit: number | undefined } | undefined> {
    const stream = this.account.stream();
    const items = discoItems.in(await stream.iq('get', discoItems.write({ items: [] }), domainOf(this.account.address)))?.items ?? [];
    for (const jid of [...items.map((item) => item.jid), domainOf(this.account.address)].slice(0, 30)) {
      try {
        const info = discoInfo.in(await stream.iq('get', discoInfo.write({ identities: [], features: [], forms: [] }), jid));
        if (!info?.features.some((feature) => feature.var === NS.upload)) continue;
        const said = info.forms.map((form) => (valueOf(form, 'FORM_TYPE') === NS.upload ? Number(valueOf(form, 'max-file-size')) : NaN)).find((size) => size > 0);
        return { at: jid, limit: said };
      } catch (error) {
        if (!(error instanceof StanzaError)) throw error;
      }
    }
    return undefined;
  }

  /** The own server is spoken to as the page was fetched from it: without TLS where one tries things on one's own machine. */
  private reachable(url: string): string {
    const { origin } = this.account.platform;
    const there = new URL(url);
    return there.host === new URL(origin).host ? `${origin}${there.pathname}${there.search}` : url;
  }

  private tell(message: MessageRecord, done: number, total: number): void {
    this.account.hub.emit('transfer', { chat: message.chat, id: message.id, done, total });
  }
}

/** What an envelope says of the file that a message shares, and that it is a sticker or a voice message. */
export function fileElements({ text, file }: MessageRecord): readonly XmlElement[] {
  const there = parseAesgcm(text);
  if (!there || !file?.sha256) return [];
  const { name, size, sha256, width, height, length, description = '', sticker: marked, voice: spoken } = file;
  return [
    fileSharing.write(shareFile({
      name, size, sha256, mediaType: typeOf(name), disposition: kindOf(name) === 'file' ? 'attachment' : 'inline', url: there.url, ...there.fileKey,
      ...(width !== undefined && { width }), ...(height !== undefined && { height }), ...(length !== undefined && { length }), ...(description !== '' && { desc: description }),
    })),
    ...(marked ? [sticker.write(marked)] : []),
    ...(spoken ? [voice.write({ levels: spoken.levels ?? new Uint8Array() })] : []),
  ];
}

/** What is shown in the place of a sticker by who knows none (XEP-0449 section 4.5); `undefined`: it is none. */
export function stickerFallback({ file }: MessageRecord): string | undefined {
  return file?.sticker && (file.description || STICKER);
}

/** The file that an envelope shares, and the address with the key that stands for it. `text`: what is said beside it. */
export function fileIn(message: XmlElement, text: string): { readonly text: string; readonly file: FileFacts } | undefined {
  const said = fileSharing.in(message);
  const shared = said && sharedFile(said);
  if (!shared) return undefined;
  const { url, key, iv, size, sha256, width, height, length } = shared;
  const name = shared.name ?? `file${extensionOf(new URL(url).pathname) || extensionFor(shared.mediaType)}`;
  const marked = kindOf(name) === 'image' ? sticker.in(message) : undefined;
  const isAddress = text.trim() === url || parseAesgcm(text)?.url === url;
  // What stands beside a file is a text (XEP-0447 section 5.1); in the place of a sticker it says what that shows.
  const beside = marked || isAddress ? '' : besides(message, text, url);
  const spoken = kindOf(name) === 'audio' ? voice.in(message) : undefined;
  const description = descriptionOf(shared.desc ?? (marked && !isAddress && text !== STICKER ? text : ''));
  return {
    text: aesgcmUrl(url.replace(/#.*$/, ''), { key, iv }),
    file: {
      name, size, sha256, ...(width !== undefined && { width }), ...(height !== undefined && { height }),
      ...(length !== undefined && length > 0 && length <= MAX_LENGTH && { length }),
      ...(description !== '' && { description }), ...(beside !== '' && { caption: beside }), ...(marked && { sticker: marked }), ...(spoken && { voice: heard(spoken.levels) }),
    },
  };
}

/** What is said beside a file, without what stands there only for those who do not know files (XEP-0447 section 4.1). */
function besides(message: XmlElement, text: string, url: string): string {
  const instead = fallback.all(message).filter((one) => one.for === SFS);
  const said = instead.reduce((rest, { bodies }) => withoutFallback(rest, bodies.length === 0 ? [{}] : bodies), text);
  return said.split('\n').filter((line) => line.trim() !== url && parseAesgcm(line)?.url !== url).join('\n').trim();
}

/** Waveforms that nobody could draw are left out; the sound is there without them. */
export function heard(levels: Bytes | undefined): NonNullable<FileFacts['voice']> {
  return levels && levels.length > 0 && levels.length <= MAX_LEVELS ? { levels } : {};
}

/** Kinds of files that a page may show; everything else is only saved, so that nothing in it can run here. */
const TYPES: Readonly<Record<string, string>> = {
  '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg', '.png': 'image/png', '.gif': 'image/gif', '.webp': 'image/webp', '.avif': 'image/avif',
  '.mp4': 'video/mp4', '.webm': 'video/webm', '.weba': 'audio/webm', '.m4a': 'audio/mp4', '.mp3': 'audio/mpeg', '.ogg': 'audio/ogg', '.opus': 'audio/ogg', '.wav': 'audio/wav',
};

/** In the place of a sticker of which nobody has said what it shows. */
const STICKER = '🖼️';

function extensionFor(mediaType: string | undefined): string {
  return Object.entries(TYPES).find(([, type]) => type === mediaType)?.[0] ?? '';
}

export function extensionOf(name: string): string {
  return /\.[a-z0-9]{1,8}$/i.exec(name)?.[0].toLowerCase() ?? '';
}

export function typeOf(name: string): string {
  return TYPES[extensionOf(name.replace(/[?#].*$/, ''))] ?? 'application/octet-stream';
}

export function kindOf(name: string): 'image' | 'video' | 'audio' | 'file' {
  const [kind] = typeOf(name).split('/');
  return kind === 'image' || kind === 'video' || kind === 'audio' ? kind : 'file';
}
