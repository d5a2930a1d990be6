/**
 * XEP-0447 Stateless File Sharing, with the metadata of XEP-0446, hashes of XEP-0300 and encrypted sources of XEP-0448. In an
 * omemo:2 envelope this binds a file to its message: whoever fetches it checks size and hash (`crypto/files`).
 */
import { attr, child, children, define, leafText, optional, text, type Of } from './codec';
import type { Bytes } from './bytes';

export const SFS = 'urn:xmpp:sfs:0';
const METADATA = 'urn:xmpp:file:metadata:0';
const ESFS = 'urn:xmpp:esfs:0';
export const AES_256_GCM = 'urn:xmpp:ciphers:aes-256-gcm-nopadding:0';

export const hash = define('urn:xmpp:hashes:2', 'hash', { algo: attr('algo'), value: text.bytes() });

export const thumbnail = define('urn:xmpp:thumbs:1', 'thumbnail', {
  uri: attr('uri'), mediaType: optional(attr('media-type')), width: optional(attr.uint('width')), height: optional(attr.uint('height')),
});

export const metadata = define(METADATA, 'file', {
  mediaType: optional(leafText(METADATA, 'media-type')),
  name: optional(leafText(METADATA, 'name')),
  size: optional(leafText.uint(METADATA, 'size')),
  width: optional(leafText.uint(METADATA, 'width')),
  height: optional(leafText.uint(METADATA, 'height')),
  /** Of sound and video, in milliseconds. */
  length: optional(leafText.uint(METADATA, 'length')),
  hashes: children(hash),
  desc: optional(leafText(METADATA, 'desc')),
  thumbnails: children(thumbnail),
});

const urlData = define('http://jabber.org/protocol/url-data', 'url-data', { target: attr('target') });
const innerSources = define(SFS, 'sources', { urls: children(urlData) });

const encrypted = define(ESFS, 'encrypted', {
  cipher: attr('cipher'),
  key: leafText.bytes(ESFS, 'key'),
  iv: leafText.bytes(ESFS, 'iv'),
  hashes: children(hash),
  sources: child(innerSources),
});

export const sources = define(SFS, 'sources', { urls: children(urlData), encrypted: children(encrypted) });

export const fileSharing = define(SFS, 'file-sharing', {
  disposition: optional(attr.oneOf('disposition', 'inline', 'attachment')),
  id: optional(attr('id')),
  file: child(metadata),
  sources: optional(child(sources)),
});
export type FileSharing = Of<typeof fileSharing>;

/** A file that was encrypted and uploaded, as it is shared. */
export interface SharedFile {
  readonly name?: string;
  readonly mediaType?: string;
  readonly size: number;
  readonly sha256: Bytes;
  readonly width?: number;
  readonly height?: number;
  readonly length?: number;
  readonly desc?: string;
  readonly thumbnail?: Of<typeof thumbnail>;
  readonly disposition?: 'inline' | 'attachment';
  /** Where the encrypted file is. */
  readonly url: string;
  readonly key: Bytes;
  readonly iv: Bytes;
  readonly sealedSha256?: Bytes;
}

export function shareFile(shared: SharedFile): FileSharing {
  const { name, mediaType, size, sha256, width, height, length, desc, disposition, url, key, iv, sealedSha256 } = shared;
  return {
    ...(disposition && { disposition }),
    file: {
      ...(mediaType !== undefined && { mediaType }), ...(name !== undefined && { name }), size,
      ...(width !== undefined && { width }), ...(height !== undefined && { height }), ...(length !== undefined && { length }),
      hashes: [{ algo: 'sha-256', value: sha256 }],
      ...(desc !== undefined && { desc }),
      thumbnails: shared.thumbnail ? [shared.thumbnail] : [],
    },
    sources: {
      urls: [],
      encrypted: [{
        cipher: AES_256_GCM, key, iv, hashes: sealedSha256 ? [{ algo: 'sha-256', value: sealedSha256 }] : [],
        sources: { urls: [{ target: url }] },
      }],
    },
  };
}

/**
 * The file that is shared, if it is one that we can fetch, decrypt and check: size, SHA-256 and an encrypted source at an
 * https: address (XEP-0448 section 4.1 requires the first two).
 */
export function sharedFile({ disposition, file, sources: from }: FileSharing): SharedFile | undefined {
  const sha256 = sha256Of(file.hashes);
  const source = from?.encrypted.find(({ cipher, key, iv }) => cipher === AES_256_GCM && key.length === 32 && iv.length === 12);
  const url = source?.sources.urls.find(({ target }) => isHttps(target))?.target;
  if (!sha256 || file.size === undefined || !source || url === undefined) return undefined;
  const { name, mediaType, size, width, height, length, desc, thumbnails: [thumb] } = file;
  const sealedSha256 = sha256Of(source.hashes);
  return {
    ...(name !== undefined && { name: baseName(name) }), ...(mediaType !== undefined && { mediaType }), size, sha256,
    ...(width !== undefined && { width }), ...(height !== undefined && { height }), ...(length !== undefined && { length }),
    ...(desc !== undefined && { desc }), ...(thumb && { thumbnail: thumb }), ...(disposition && { disposition }),
    url, key: source.key, iv: source.iv, ...(sealedSha256 && { sealedSha256 }),
  };
}

export function sha256Of(hashes: readonly Of<typeof hash>[]): Bytes | undefined {
  const found = hashes.find(({ algo, value }) => algo.toLowerCase() === 'sha-256' && value.length === 32);
  return found?.value;
}

export function isHttps(target: string): boolean {
  // The browser would read it all the same, and read something else than stands there.
  if (/\s/.test(target)) return false;
  try {
    const { protocol, username, password } = new URL(target);
    return protocol === 'https:' && username === '' && password === '';
  } catch {
    return false;
  }
}

/** A name without a path, and without what could make it look like another one. */
function baseName(name: string): string {
  // oxlint-disable-next-line no-control-regex
  const base = (name.split(/[/\\]/).pop() ?? '').replace(/[\0-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '').trim();
  return base === '' || base === '.' || base === '..' ? 'file' : base.slice(0, 255);
}
