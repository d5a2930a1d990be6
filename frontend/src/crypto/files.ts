/**
 * Encryption of files: AES-256-GCM with the tag at the end, as XEP-0454 (aesgcm: addresses) and XEP-0448 have it. The cipher
 * is WebCrypto's. Small files are done in one go; of large ones only a piece is in memory at a time, whatever their size.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import type { Bytes } from './engine';
import { Ghash } from './ghash';

export interface FileKey {
  /** 32 bytes. */
  readonly key: Bytes;
  /** 12 bytes; old clients made 16. */
  readonly iv: Bytes;
}

export interface SealedFile {
  readonly data: Blob;
  readonly fileKey: FileKey;
  /** SHA-256 of the file, for its metadata (XEP-0446), and of what is uploaded. */
  readonly sha256: Bytes;
  readonly sealedSha256: Bytes;
}

/** What the sender has said about the file inside the encrypted message: it binds the file to the message. */
export interface Expected {
  readonly size?: number;
  readonly sha256?: Bytes;
}

export interface FileOptions {
  readonly signal?: AbortSignal;
  /** Bytes done, of the file's size. */
  readonly onProgress?: (done: number) => void;
  /** Bytes per piece, a multiple of 16; also for small files. */
  readonly piece?: number;
  /** Media type of the result. */
  readonly type?: string;
}

export type FileProblem = 'damaged' | 'wrong-size' | 'wrong-hash' | 'too-large' | 'bad-key';

export class FileError extends Error {
  constructor(readonly problem: FileProblem) {
    super(`file: ${problem}`);
    this.name = 'FileError';
  }
}

/** Up to this size a file is read as a whole. */
const WHOLE = 16 << 20;
const PIECE = 1 << 20;
const TAG = 16;
/** What GCM can encrypt under one IV (NIST SP 800-38D section 5.2.1.1). */
const MAX_SIZE = (2 ** 32 - 2) * 16;

/** How much larger an encrypted file is. */
export const SEALED_OVERHEAD = TAG;

/** Encrypts a file with a new key. */
export async function sealFile(file: Blob, options: FileOptions = {}): Promise<SealedFile> {
  if (file.size > MAX_SIZE) throw new FileError('too-large');
  const fileKey: FileKey = { key: crypto.getRandomValues(new Uint8Array(32)), iv: crypto.getRandomValues(new Uint8Array(12)) };
  if (isSmall(file.size, options)) return sealWhole(file, fileKey, options);
  const gcm = await Gcm.start(fileKey);
  const [plain, sealed] = [sha256.create(), sha256.create()];
  const parts: Blob[] = [];
  for await (const piece of pieces(file, file.size, options)) {
    plain.update(piece);
    const ciphertext = await gcm.crypt(piece);
    gcm.hash.update(ciphertext);
    sealed.update(ciphertext);
    parts.push(new Blob([ciphertext])); // the browser may put it on disk
  }
  const tag = gcm.tag(file.size);
  sealed.update(tag);
  return {
    data: new Blob([...parts, tag], { type: 'application/octet-stream' }),
    fileKey, sha256: plain.digest(), sealedSha256: sealed.digest(),
  };
}

/**
 * Decrypts a file. Nothing of it is handed out before all of it was found genuine and to be what was expected. Rejects with
 * a FileError.
 */
export async function openFile(sealed: Blob, fileKey: FileKey, expected: Expected = {}, options: FileOptions = {}): Promise<Blob> {
  const size = sealed.size - TAG;
  if (size < 0) throw new FileError('damaged');
  if (size > MAX_SIZE) throw new FileError('too-large');
  if (expected.size !== undefined && expected.size !== size) throw new FileError('wrong-size');
  if (isSmall(size, options)) return openWhole(sealed, fileKey, expected, options);
  const gcm = await Gcm.start(fileKey);
  const plain = sha256.create();
  const parts: Blob[] = [];
  for await (const piece of pieces(sealed, size, options)) {
    gcm.hash.update(piece);
    const text = await gcm.crypt(piece);
    if (expected.sha256) plain.update(text);
    parts.push(new Blob([text]));
  }
  const tag = new Uint8Array(await sealed.slice(size).arrayBuffer());
  if (!same(gcm.tag(size), tag)) throw new FileError('damaged');
  if (expected.sha256 && !same(plain.digest(), expected.sha256)) throw new FileError('wrong-hash');
  return new Blob(parts, { type: options.type ?? '' });
}

function isSmall(size: number, options: FileOptions): boolean {
  return options.piece === undefined && size <= WHOLE;
}

async function sealWhole(file: Blob, fileKey: FileKey, { signal, onProgress }: FileOptions): Promise<SealedFile> {
  const plain = await file.arrayBuffer();
  signal?.throwIfAborted();
  const key = await importWhole(fileKey, 'encrypt');
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: fileKey.iv }, key, plain);
  const [hash, sealedHash] = await Promise.all([digest(plain), digest(sealed)]);
  signal?.throwIfAborted();
  onProgress?.(file.size);
  return { data: new Blob([sealed], { type: 'application/octet-stream' }), fileKey, sha256: hash, sealedSha256: sealedHash };
}

async function openWhole(sealed: Blob, fileKey: FileKey, expected: Expected, { signal, onProgress, type = '' }: FileOptions): Promise<Blob> {
  const data = await sealed.arrayBuffer();
  signal?.throwIfAborted();
  const key = await importWhole(fileKey, 'decrypt');
  let plain: ArrayBuffer;
  try {
    plain = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: fileKey.iv }, key, data);
  } catch {
    throw new FileError('damaged');
  }
  if (expected.sha256 && !same(await digest(plain), expected.sha256)) throw new FileError('wrong-hash');
  signal?.throwIfAborted();
  onProgress?.(plain.byteLength);
  return new Blob([plain], { type });
}

function importWhole({ key, iv }: FileKey, usage: 'encrypt' | 'decrypt'): Promise<CryptoKey> {
  if (key.length !== 32 || (iv.length !== 12 && iv.length !== 16)) throw new FileError('bad-key');
  return crypto.subtle.importKey('raw', key, 'AES-GCM', false, [usage]);
}

async function digest(data: ArrayBuffer): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', data));
}

/** SHA-256 of a file, read in pieces. */
export async function hashFile(file: Blob, options: FileOptions = {}): Promise<Bytes> {
  if (isSmall(file.size, options)) return digest(await file.arrayBuffer());
  const hash = sha256.create();
  for await (const piece of pieces(file, file.size, options)) hash.update(piece);
  return hash.digest();
}

async function* pieces(blob: Blob, size: number, { signal, onProgress, piece = PIECE }: FileOptions): AsyncGenerator<Bytes> {
  if (piece <= 0 || piece % 16 !== 0) throw new RangeError('pieces must be whole blocks');
  for (let at = 0; at < size; at += piece) {
    signal?.throwIfAborted();
    yield new Uint8Array(await blob.slice(at, Math.min(at + piece, size)).arrayBuffer());
    onProgress?.(Math.min(at + piece, size));
  }
  signal?.throwIfAborted();
}

/** AES-GCM made of AES-CTR and GHASH (NIST SP 800-38D section 7). */
class Gcm {
  private block = 1;

  private constructor(readonly hash: Ghash, private readonly key: CryptoKey, private readonly first: Bytes, private readonly mask: Bytes) {}

  static async start({ key, iv }: FileKey): Promise<Gcm> {
    if (key.length !== 32 || (iv.length !== 12 && iv.length !== 16)) throw new FileError('bad-key');
    const aes = await crypto.subtle.importKey('raw', key, 'AES-CTR', false, ['encrypt']);
    const encrypt = async (counter: Bytes): Promise<Bytes> =>
      new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-CTR', counter, length: 32 }, aes, new Uint8Array(16)));
    const hashKey = await encrypt(new Uint8Array(16));
    let first = new Uint8Array(16);
    if (iv.length === 12) {
      first.set(iv);
      first[15] = 1;
    } else {
      const hash = new Ghash(hashKey);
      hash.update(iv);
      first = hash.finish(iv.length);
    }
    return new Gcm(new Ghash(hashKey), aes, first, await encrypt(first));
  }

  /** Encrypts or decrypts the next piece. */
  async crypt(piece: Bytes): Promise<Bytes> {
    const counter = this.first.slice();
    const view = new DataView(counter.buffer);
    view.setUint32(12, view.getUint32(12) + this.block);
    this.block += Math.ceil(piece.length / 16);
    return new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-CTR', counter, length: 32 }, this.key, piece));
  }

  /** The tag after so many bytes of ciphertext. */
  tag(length: number): Bytes {
    return this.hash.finish(length).map((byte, i) => byte ^ (this.mask[i] ?? 0));
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

// ── aesgcm: addresses ──

/** The aesgcm: address of an uploaded file; only https: addresses have one. Throws a TypeError. */
export function aesgcmUrl(url: string, { key, iv }: FileKey): string {
  const { protocol, hash } = new URL(url);
  if (protocol !== 'https:' || hash !== '') throw new TypeError('only an https: address without fragment can be one of aesgcm');
  return `aesgcm${url.slice(url.indexOf(':'))}#${hex(iv)}${hex(key)}`;
}

export interface AesgcmFile {
  /** Where to fetch the encrypted file. It must not be opened or shown as a link (XEP-0454 section 7). */
  readonly url: string;
  readonly fileKey: FileKey;
  /** A data: address of a small JPEG. */
  readonly thumbnail?: string;
}

/** Reads the body of a message that shares a file: an address, perhaps a thumbnail below, nothing else. */
export function parseAesgcm(body: string): AesgcmFile | undefined {
  const [, address, secret, , thumbnail] =
    /^(aesgcm:\/\/[^\s#]{1,4096})#((?:[0-9a-f]{88}|[0-9a-f]{96}))(\n(data:image\/jpeg(?:;base64)?,[A-Za-z0-9+/=]{1,65536}))?$/i.exec(body) ?? [];
  if (address === undefined || secret === undefined) return undefined;
  const text = `https${address.slice('aesgcm'.length)}`;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return undefined;
  }
  if (url.username !== '' || url.password !== '') return undefined;
  const bytes = unhex(secret);
  return {
    url: text,
    fileKey: { iv: bytes.slice(0, bytes.length - 32), key: bytes.slice(-32) },
    ...(thumbnail !== undefined && { thumbnail }),
  };
}

function hex(bytes: Uint8Array): string {
  let out = '';
  for (const byte of bytes) out += byte.toString(16).padStart(2, '0');
  return out;
}

function unhex(text: string): Bytes {
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return out;
}
