import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { aesgcmUrl, FileError, hashFile, openFile, parseAesgcm, sealFile, type FileKey } from './files';
import { Ghash } from './ghash';

/** Bytes that differ from place to place. */
function content(size: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(size);
  for (let i = 0, x = size + 1; i < size; i++) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0;
    out[i] = x >>> 24;
  }
  return out;
}

const bytesOf = async (blob: Blob): Promise<Uint8Array> => new Uint8Array(await blob.arrayBuffer());
const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());

/** The same by WebCrypto's own GCM. */
async function gcm({ key, iv }: FileKey, usage: 'encrypt' | 'decrypt', data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const aes = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, [usage]);
  return new Uint8Array(await crypto.subtle[usage]({ name: 'AES-GCM', iv }, aes, data));
}

const SIZES = [0, 1, 15, 16, 17, 63, 64, 65, 1000, 10_003];

describe('files', () => {
  it.each(SIZES.flatMap((size) => [[size, 64], [size, undefined]] as const))('of %i bytes in pieces of %s agree with AES-GCM', async (size, piece) => {
    const data = content(size);
    const sealed = await sealFile(new Blob([data]), piece === undefined ? {} : { piece });
    expect(sealed.data.size).toBe(size + 16);
    expect(new Uint8Array(await gcm(sealed.fileKey, 'decrypt', new Uint8Array(await sealed.data.arrayBuffer())))).toEqual(data);
    expect(sealed.sha256).toEqual(sha256(data));
    expect(sealed.sealedSha256).toEqual(sha256(await bytesOf(sealed.data)));
    const opened = await openFile(sealed.data, sealed.fileKey, { size, sha256: sealed.sha256 }, { piece: 48, type: 'image/png' });
    expect(opened.type).toBe('image/png');
    expect(await bytesOf(opened)).toEqual(data);
    expect(await hashFile(opened, { piece: 16 })).toEqual(sealed.sha256);
  });

  it.each([12, 16])('opens what others sealed with an IV of %i bytes', async (length) => {
    // An IV of 16 bytes gives any first counter, which may run over in its last 32 bits.
    for (let i = 0; i < 20; i++) {
      const fileKey = { key: content(32).fill(i, 0, 3), iv: content(length).fill(255 - i, 0, 5) };
      const data = content(500);
      const sealed = new Blob([await gcm(fileKey, 'encrypt', data)]);
      expect(await bytesOf(await openFile(sealed, fileKey, {}, { piece: 32 }))).toEqual(data);
    }
  });

  it.each([{}, { piece: 64 }])('hands out nothing of a file that was changed, is another one, or comes with another key (%j)', async (options) => {
    const { data, fileKey, sha256: hash } = await sealFile(new Blob([content(1000)]));
    const problem = async (...[sealed, key, expected]: Parameters<typeof openFile>): Promise<string> => {
      try {
        await openFile(sealed, key, expected, options);
      } catch (error) {
        return error instanceof FileError ? error.problem : String(error);
      }
      return 'opened';
    };
    const bytes = await bytesOf(data);
    for (const at of [0, 500, 999, 1000, 1015]) {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await problem(new Blob([changed]), fileKey)).toBe('damaged');
    }
    expect(await problem(data.slice(0, 900), fileKey)).toBe('damaged');
    expect(await problem(data.slice(0, 10), fileKey)).toBe('damaged');
    expect(await problem(data, { ...fileKey, key: content(32) })).toBe('damaged');
    expect(await problem(data, { ...fileKey, iv: content(12) })).toBe('damaged');
    expect(await problem(data, { ...fileKey, key: content(16) })).toBe('bad-key');
    expect(await problem(data, { ...fileKey, iv: content(8) })).toBe('bad-key');
    expect(await problem(data, fileKey, { size: 999 })).toBe('wrong-size');
    expect(await problem(data, fileKey, { sha256: content(32) })).toBe('wrong-hash');
    expect(await problem(data, fileKey, { size: 1000, sha256: hash })).toBe('opened');
  });

  it('never uses a key twice', async () => {
    const file = new Blob([content(10)]);
    const [one, two] = [await sealFile(file), await sealFile(file)];
    expect(one.fileKey.key).not.toEqual(two.fileKey.key);
    expect(one.fileKey.iv).not.toEqual(two.fileKey.iv);
  });

  it('tells how far it is, and stops when told', async () => {
    const done: number[] = [];
    await sealFile(new Blob([content(100)]), { piece: 48, onProgress: (n) => done.push(n) });
    expect(done).toEqual([48, 96, 100]);
    await sealFile(new Blob([content(100)]), { onProgress: (n) => done.push(n) });
    expect(done.at(-1)).toBe(100);
    const abort = new AbortController();
    await expect(sealFile(new Blob([content(100)]), { piece: 48, signal: abort.signal, onProgress: () => abort.abort() })).rejects.toThrow('abort');
    await expect(sealFile(new Blob([content(100)]), { piece: 50 })).rejects.toThrow(RangeError);
  });

  it('hashes blocks as the specification does', () => {
    // Test case 2 of the GCM specification: hash key, one block of ciphertext, and their GHASH.
    const of = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
    const hash = new Ghash(of('66e94bd4ef8a2c3b884cfa59ca342b2e'));
    hash.update(of('0388dace60b6a392f328c2b971b2fe78'));
    expect(hash.finish(16)).toEqual(of('f38cbb1ad69223dcc3457ae5b6b0f885'));
  });
});

describe('aesgcm: addresses', () => {
  const iv = '8c3d050e9386ec173861778f';
  const key = '68e9af38a97aaf82faa4063b4d0878a61261534410c8a84331eaac851759f587';
  const https = 'https://download.montague.tld/4a771ac1-f0b2-4a4a-9700-f2a26fa2bb67/tr%C3%A8s%20cool.jpg';
  const address = `aesgcm${https.slice(5)}#${iv}${key}`;

  it('are written and read as in XEP-0454', () => {
    const read = parseAesgcm(address);
    expect(read).toMatchObject({ url: https });
    expect(read?.fileKey.iv).toHaveLength(12);
    expect(read?.fileKey.key).toHaveLength(32);
    expect(read && aesgcmUrl(https, read.fileKey)).toBe(address);
    expect(parseAesgcm(`aesgcm://example.org/f#${iv}00000000${key.toUpperCase()}`)?.fileKey.iv).toHaveLength(16);
  });

  it('can have a thumbnail below', () => {
    expect(parseAesgcm(`${address}\ndata:image/jpeg,/9j/4AAQSkZJRgABAQEBLAEsAAD=`)?.thumbnail).toBe('data:image/jpeg,/9j/4AAQSkZJRgABAQEBLAEsAAD=');
    expect(parseAesgcm(`${address}\ndata:image/jpeg;base64,/9j/4AAQ`)?.thumbnail).toBe('data:image/jpeg;base64,/9j/4AAQ');
  });

  it.each([
    '', 'hello', https, `look: ${address}`, `${address} `, `${address}\n`, `${address}\nhello`, `${address}\n\ndata:image/jpeg,AAAA`,
    `${address}\ndata:text/html,AAAA`, `${address}\ndata:image/svg+xml,AAAA`, address.slice(0, -1), `${address}0`, address.replace('#', '#x'),
    `aesgcm://#${iv}${key}`, `aesgcm://user:secret@example.org/f#${iv}${key}`, `aesgcm:example.org/f#${iv}${key}`, `http://example.org/f#${iv}${key}`,
  ])('are nothing else: %s', (text) => {
    expect(parseAesgcm(text)).toBeUndefined();
  });

  it('are not made of other addresses', () => {
    const fileKey = { key: new Uint8Array(32), iv: new Uint8Array(12) };
    for (const url of ['http://example.org/f', 'ftp://example.org/f', 'https://example.org/f#x', 'nothing']) {
      expect(() => aesgcmUrl(url, fileKey), url).toThrow(TypeError);
    }
  });
});
