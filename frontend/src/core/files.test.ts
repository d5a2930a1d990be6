import { describe, expect, it } from 'vitest';
import { aesgcmUrl, sealFile } from '../crypto/files';
import type { MessageRecord } from '../db/schema';
import { ConnectionError } from '../xmpp/errors';
import { fileSharing, shareFile } from '../xmpp/xep0447_sfs';
import { parse, xml, type XmlElement } from '../xmpp/xml';
import type { Account } from './account';
import { fileElements, fileIn, Files } from './files';

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

describe('a voice message', () => {
  const levels = Uint8Array.of(0, 64, 255, 16);
  const record = (file: object): MessageRecord => ({
    text: aesgcmUrl('https://example.org/a.m4a', { key: new Uint8Array(32), iv: new Uint8Array(12) }), file: { name: 'voice-message.m4a', size: 9, sha256: new Uint8Array(32), ...file },
  } as unknown as MessageRecord);
  const travelled = (...elements: readonly XmlElement[]) => fileIn(parse(String(xml('jabber:client', 'message', {}, ...elements))), '')?.file;

  it('arrives as one, with its length and how loud it is', () => {
    expect(travelled(...fileElements(record({ length: 2500, voice: { levels } })))).toMatchObject({ name: 'voice-message.m4a', size: 9, length: 2500, voice: { levels } });
    expect(travelled(...fileElements(record({ length: 2500, voice: {} })))?.voice).toEqual({});
    expect(travelled(...fileElements(record({ length: 2500 })))?.voice).toBeUndefined();
  });

  it('is shown without what nobody can draw, or believe', () => {
    expect(travelled(...fileElements(record({ length: 90_000_000, voice: { levels: new Uint8Array(1000) } })))).toEqual({ name: 'voice-message.m4a', size: 9, sha256: new Uint8Array(32), voice: {} });
  });

  it('is a sound: nothing else becomes one', () => {
    expect(travelled(...fileElements(record({ name: 'a.png', voice: { levels } })))?.voice).toBeUndefined();
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

describe('how large a file may be', () => {
  const NS = 'urn:xmpp:http:upload:0';
  const files = (info: string | Error): Files => new Files({
    address: 'alice@example.org',
    stream: () => ({
      iq: (_: string, asked: XmlElement) => {
        if (info instanceof Error) return Promise.reject(info);
        const answer = asked.ns.endsWith('#items') ? '<query xmlns="http://jabber.org/protocol/disco#items"><item jid="upload.example.org"/></query>' : info;
        return Promise.resolve(parse(`<iq xmlns="jabber:client" type="result">${answer}</iq>`));
      },
    }),
  } as unknown as Account);
  const query = (inside: string): string => `<query xmlns="http://jabber.org/protocol/disco#info"><feature var="${NS}"/>${inside}</query>`;
  const form = (type: string, size: string): string =>
    `<x xmlns="jabber:x:data" type="result"><field var="FORM_TYPE" type="hidden"><value>${type}</value></field><field var="max-file-size"><value>${size}</value></field></x>`;

  it('is what the server says, less what encrypting adds', async () => {
    expect(await files(query(form(NS, '1000'))).limit()).toBe(984);
  });

  it('is not known where it does not say so, or cannot be asked', async () => {
    for (const inside of ['', form('something:else', '1000'), form(NS, 'many')]) expect(await files(query(inside)).limit(), inside).toBeUndefined();
    expect(await files(new ConnectionError('gone')).limit()).toBeUndefined();
  });
});
