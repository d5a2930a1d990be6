import { describe, expect, it } from 'vitest';
import { aesgcmUrl, sealFile } from '../crypto/files';
import type { MessageRecord } from '../db/schema';
import { fileSharing, shareFile } from '../xmpp/xep0447_sfs';
import { parse, xml } from '../xmpp/xml';
import type { Account } from './account';
import { fileIn, Files } from './files';

const shared = (url: string) => parse(String(xml('jabber:client', 'message', {}, fileSharing.write(shareFile({
  name: 'a.png', size: 1, sha256: new Uint8Array(32), url, key: new Uint8Array(32), iv: new Uint8Array(12),
})))));

describe('a file that somebody shares', () => {
  it('has the address with the key for its text', () => {
    expect(fileIn(shared('https://example.org/a.png'), '')?.text).toBe(`aesgcm://example.org/a.png#${'00'.repeat(44)}`);
    expect(fileIn(shared('https://example.org/a.png#part'), '')?.text).toBe(`aesgcm://example.org/a.png#${'00'.repeat(44)}`);
  });

  it('is none at an address that is none, whatever the browser makes of it', () => {
    for (const url of ['https://example.org/a#b\nc', 'https://example.org/a#b\u2028c', ' https://example.org/a', 'https://exam\nple.org/a', 'https://u:p@example.org/a']) {
      expect(fileIn(shared(url), ''), JSON.stringify(url)).toBeUndefined();
    }
  });
});

it('a file that was fetched is shown also where there is no room to keep it', async () => {
  const { data, fileKey } = await sealFile(new Blob(['a map']));
  const account = {
    db: { read: () => Promise.resolve(undefined), write: () => Promise.reject(new DOMException('the disk is full', 'QuotaExceededError')) },
    platform: { origin: 'https://example.org', fetch: () => Promise.resolve(new Response(data)) },
  } as unknown as Account;
  const message = { id: 'm1', text: aesgcmUrl('https://example.org/map', fileKey) } as MessageRecord;
  expect(await (await new Files(account).fetch(message)).text()).toBe('a map');
});
