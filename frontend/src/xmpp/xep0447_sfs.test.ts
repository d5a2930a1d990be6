import { describe, expect, it } from 'vitest';
import { AES_256_GCM, fileSharing, sharedFile, shareFile, type SharedFile } from './xep0447_sfs';
import { parse } from './xml';

const file: SharedFile = {
  name: 'summit.jpg', mediaType: 'image/jpeg', size: 3_032_449, sha256: new Uint8Array(32).fill(1), width: 4096, height: 2160, length: 5,
  desc: 'Photo from the summit.', disposition: 'inline',
  thumbnail: { uri: 'data:image/jpeg;base64,AAAA', mediaType: 'image/jpeg', width: 128, height: 96 },
  url: 'https://download.montague.lit/encrypted.jpg', key: new Uint8Array(32).fill(2), iv: new Uint8Array(12).fill(3),
  sealedSha256: new Uint8Array(32).fill(4),
};

describe('file sharing', () => {
  it('survives the wire', () => {
    const xml = String(fileSharing.write(shareFile(file)));
    const read = fileSharing.read(parse(xml));
    expect(read && sharedFile(read)).toEqual(file);
    const least: SharedFile = { size: 0, sha256: file.sha256, url: file.url, key: file.key, iv: file.iv };
    const again = fileSharing.read(parse(String(fileSharing.write(shareFile(least)))));
    expect(again && sharedFile(again)).toEqual(least);
  });

  it('reads what others write', () => {
    const read = fileSharing.read(parse(`<file-sharing xmlns='urn:xmpp:sfs:0' disposition='attachment' id='1'>
      <file xmlns='urn:xmpp:file:metadata:0'><media-type>image/jpeg</media-type><name>../../x/\u202Esummit.jpg</name><size>10</size>
      <dimension>1x1</dimension><hash xmlns='urn:xmpp:hashes:2' algo='sha3-256'>2XarmwTlNxDAMkvymloX3S5+VbylNrJt/l5QyPa+YoU=</hash>
      <hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=</hash></file>
      <sources><encrypted xmlns='urn:xmpp:esfs:0' cipher='urn:xmpp:ciphers:aes-256-cbc-pkcs7:0'><key>AA==</key><iv>AA==</iv><sources xmlns='urn:xmpp:sfs:0'/></encrypted>
      <encrypted xmlns='urn:xmpp:esfs:0' cipher='${AES_256_GCM}'><key>SuRJ2agVm/pQbJQlPq/B23Xt1YOOJCcEGJA5HrcYOGQ=</key><iv>T8RDMBaiqn6Ci4Nw</iv>
      <sources xmlns='urn:xmpp:sfs:0'><url-data xmlns='http://jabber.org/protocol/url-data' target='http://example.org/1'/>
      <url-data xmlns='http://jabber.org/protocol/url-data' target='https://example.org/2'/></sources></encrypted>
      <jinglepub xmlns='urn:xmpp:jinglepub:1'/></sources></file-sharing>`));
    const shared = read && sharedFile(read);
    expect(shared).toMatchObject({ name: 'summit.jpg', size: 10, url: 'https://example.org/2', disposition: 'attachment', mediaType: 'image/jpeg' });
    expect(shared?.key).toHaveLength(32);
    expect(shared?.iv).toHaveLength(12);
  });

  it('takes no file that could not be checked or not be fetched safely', () => {
    const good = shareFile(file);
    const [source] = good.sources?.encrypted ?? [];
    if (!source) throw new Error('no source');
    const withSource = (change: Partial<typeof source>): typeof good => ({ ...good, sources: { urls: [], encrypted: [{ ...source, ...change }] } });
    const { size: _size, ...sizeless } = good.file;
    const { sources: _sources, ...sourceless } = good;
    for (const [name, bad] of Object.entries({
      'no size': { ...good, file: sizeless },
      'no hash': { ...good, file: { ...good.file, hashes: [] } },
      'short hash': { ...good, file: { ...good.file, hashes: [{ algo: 'sha-256', value: new Uint8Array(31) }] } },
      'no source': sourceless,
      'other cipher': withSource({ cipher: 'none' }),
      'short key': withSource({ key: new Uint8Array(16) }),
      'short iv': withSource({ iv: new Uint8Array(8) }),
      'http': withSource({ sources: { urls: [{ target: 'http://example.org/' }] } }),
      'script': withSource({ sources: { urls: [{ target: 'javascript:alert(1)' }] } }),
      'password': withSource({ sources: { urls: [{ target: 'https://a:b@example.org/' }] } }),
      'no address': withSource({ sources: { urls: [{ target: 'x' }] } }),
    })) expect(sharedFile(bad), name).toBeUndefined();
  });
});
