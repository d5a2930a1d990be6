/** Stickers against a server and people that a test plays: sent, taken over, on all own devices; and what strangers cannot make happen. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Device } from '../../test/support/device';
import { House, says, sentTo } from '../../test/support/house';
import { Stranger } from '../../test/support/stranger';
import { aesgcmUrl, parseAesgcm, sealFile } from '../crypto/files';
import { toBase64 } from '../xmpp/bytes';
import { NS } from '../xmpp/ns';
import { fileSharing, sharedFile, shareFile } from '../xmpp/xep0447_sfs';
import { pack, sticker } from '../xmpp/xep0449_stickers';
import { parse, xml, XmlElement } from '../xmpp/xml';
import { LIST_NODES, readEncrypted } from './omemo/wire';
import { MAX_STICKER_BYTES } from './stickers';

const ALICE = 'alice@example.org', BOB = 'bob@example.org', MALLORY = 'mallory@example.net';
const PICTURES = 'kith:stickers:0#pictures';

const png = (...rest: number[]): Uint8Array<ArrayBuffer> => new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, ...rest]);
const cat = png(1, 2, 3), dog = png(4, 5, 6);
const picture = (data = cat): Blob => new Blob([data], { type: 'image/png' });
const bytes = async (blob: Blob): Promise<number[]> => [...new Uint8Array(await blob.arrayBuffer())];

let house: House;

beforeEach(() => { house = new House(); });
afterEach(async () => {
  for (const device of house.devices) await device.stop();
});

const stickerOf = (device: Device, chat: string) => [...device.messages.get(chat)?.values() ?? []].find((message) => message.file?.sticker);

/** An encrypted file on the server, as it is shared. */
async function shared(name: string | undefined, url: string, data = cat, desc?: string): Promise<{ address: string; element: string }> {
  const file = await sealFile(new Blob([data]));
  house.files.set(url, file.data);
  return {
    address: aesgcmUrl(url, file.fileKey),
    element: fileSharing.write(shareFile({
      ...(name !== undefined && { name }), mediaType: 'image/png', size: data.length, sha256: file.sha256, url, ...file.fileKey, ...(desc !== undefined && { desc }),
    })).toString(),
  };
}

describe('a sticker that is sent', () => {
  it('is a picture for who has only 0.3, and a sticker inside the envelope of omemo:2', async () => {
    const kith = await Stranger.make(BOB, 11), native = await Stranger.make(BOB, 12);
    kith.publish(house.first, { 1: [11, 12], 2: [11] });
    native.publish(house.first, { 1: [11, 12] });
    const { device, connected } = await house.enter();
    const own = await device.commands.addSticker(picture(), { description: ' a waving\ncat ', width: 512, height: 400 });
    expect(own).toEqual({ id: own.id, description: 'a waving cat', width: 512, height: 400 });
    const sent = await device.commands.sendSticker(BOB, own.id, { id: 'one' });
    expect(sent).toMatchObject({ id: 'one', text: '', state: 'sending', file: { kind: 'image', width: 512, height: 400, sticker: { description: 'a waving cat', pack: false } } });
    const stanza = await sentTo(connected, BOB);
    for (const secret of ['sticker', 'cat', 'aesgcm', NS.stickers]) expect(stanza.toString()).not.toContain(secret);
    const old = native.open(stanza, ALICE);
    const address = parseAesgcm(old?.text ?? '');
    expect(old?.version).toBe(1);
    expect(address).toBeDefined();
    const opened = kith.open(stanza, ALICE);
    expect(opened).toMatchObject({ version: 2, text: 'a waving cat' });
    expect(opened?.content.map((one) => one.name)).toEqual(['body', 'file-sharing', 'sticker', 'active', 'origin-id']);
    const content = new XmlElement('', 'content', {}, opened?.content ?? []);
    expect(sticker.in(content)).toEqual({});
    const said = fileSharing.in(content);
    expect(said?.disposition).toBe('inline');
    expect(said && sharedFile(said)).toMatchObject({ name: 'sticker.png', mediaType: 'image/png', desc: 'a waving cat', size: cat.length, url: address?.url });
    // What is uploaded is not the picture.
    expect(await bytes(house.files.get(address?.url ?? '') ?? new Blob())).not.toEqual([...cat]);
    expect(device.chats.get(BOB)?.last).toMatchObject({ file: 'image', sticker: true, text: 'a waving cat' });
    expect((await device.commands.findMessages('wav', { limit: 3 })).messages).toMatchObject([{ id: 'one', sticker: true, file: 'image', text: 'a waving cat' }]);
  });

  it('answers a message without putting a quotation before its address, and comes first afterwards', async () => {
    const bob = await Stranger.make(BOB, 11);
    bob.publish(house.first, { 1: [11] });
    const { device, connected } = await house.enter();
    connected.message(`${BOB}/x`, '<body>how are you?</body>', { id: 'q', stanzaId: 'a-q' });
    const question = await device.until(() => device.message(BOB, 'how are you?'));
    const first = await device.commands.addSticker(picture(cat), { description: 'cat' });
    await device.commands.addSticker(picture(dog), { description: 'dog' });
    expect((await device.commands.stickers()).map((one) => one.description)).toEqual(['dog', 'cat']);
    const sent = await device.commands.sendSticker(BOB, first.id, { id: 'one', replyTo: question.id });
    expect(sent.reply).toMatchObject({ id: question.id, text: 'how are you?' });
    const stanza = await sentTo(connected, BOB);
    expect(stanza.child('reply', NS.reply)?.attrs['id']).toBe('q');
    expect(stanza.child('fallback', NS.fallback)).toBeUndefined();
    expect(parseAesgcm(bob.open(stanza, ALICE)?.text ?? '')).toBeDefined();
    expect((await device.commands.stickers()).map((one) => one.description)).toEqual(['cat', 'dog']);
  });

  it('is never in the clear', async () => {
    const { device } = await house.enter();
    const own = await device.commands.addSticker(picture(), { description: '' });
    await device.commands.focus(BOB);
    await device.until(() => device.chats.get(BOB)?.lock === 'unencrypted');
    await expect(device.commands.sendSticker(BOB, own.id, { id: 'one' })).rejects.toMatchObject({ reason: { code: 'cannot-encrypt' } });
  });
});

describe('a sticker that comes', () => {
  it('is one by what its envelope says, with what it shows; and can be kept', async () => {
    const bob = await Stranger.make(BOB, 11);
    bob.publish(house.first);
    const { device, connected } = await house.enter();
    const url = 'https://example.org/upload/x';
    const { address, element } = await shared(undefined, url);
    says(house, bob, connected, 'm1', device.session.deviceId ?? 0, { text: '😘', elements: `${element}<sticker xmlns='${NS.stickers}'/>` });
    const message = await device.until(() => stickerOf(device, BOB));
    expect(message.file).toMatchObject({ kind: 'image', name: 'file.png', sticker: { description: '😘', pack: false } });
    expect(message.text).toBe('');
    const blob = await device.commands.fetchFile(BOB, message.id);
    expect(await bytes(blob)).toEqual([...cat]);
    await device.commands.addSticker(blob, { description: message.file?.sticker?.description ?? '' });
    await device.commands.addSticker(blob, { description: 'again' });
    expect(await device.commands.stickers()).toMatchObject([{ description: '😘' }]);
    // Without the mark it is a picture, and a text beside it is what is said of it.
    says(house, bob, connected, 'm2', device.session.deviceId ?? 0, { text: address, elements: element });
    const plain = await device.until(() => [...device.messages.get(BOB)?.values() ?? []].find((one) => one.file && !one.file.sticker));
    expect(plain.file?.kind).toBe('image');
    // What a notification says has no key in it.
    const told = device.log.flatMap((entry) => (entry.event === 'notify' ? [entry.data.text] : []));
    expect(told).toEqual(['😘', 'file.png']);
    says(house, bob, connected, 'm3', device.session.deviceId ?? 0, { text: 'look', elements: element });
    expect((await device.until(() => device.message(BOB, 'look'))).file).toMatchObject({ kind: 'image' });
    // What is no picture is no sticker.
    const script = await shared('x.html', 'https://example.org/upload/y');
    says(house, bob, connected, 'm4', device.session.deviceId ?? 0, { text: script.address, elements: `${script.element}<sticker xmlns='${NS.stickers}'/>` });
    expect((await device.until(() => [...device.messages.get(BOB)?.values() ?? []].find((one) => one.file?.kind === 'file'))).file?.sticker).toBeUndefined();
  });

  it('of a stranger asks for nothing by itself, neither its picture nor its pack', async () => {
    const mallory = await Stranger.make(MALLORY, 66);
    mallory.publish(house.first);
    const { device, connected } = await house.enter();
    const { element } = await shared(undefined, 'https://example.org/upload/x');
    says(house, mallory, connected, 'm1', device.session.deviceId ?? 0, { text: '🎁', elements: `${element}<sticker xmlns='${NS.stickers}' pack='p1' jid='tracker@example.net'/>` });
    const message = await device.until(() => stickerOf(device, MALLORY));
    expect(message.file?.sticker).toEqual({ description: '🎁', pack: true });
    await connected.ask(`<iq xmlns='jabber:client' type='get' id='p' from='example.org'><ping xmlns='urn:xmpp:ping'/></iq>`);
    expect(house.fetched.filter((url) => url.includes('/upload/'))).toEqual([]);
    expect(connected.stanzas.filter((one) => one.name === 'iq' && one.toString().includes(NS.stickers))).toEqual([]);
    // Beside what is encrypted anybody could say that it is one.
    const sealed = mallory.seal(ALICE, [{ jid: ALICE, device: device.session.deviceId ?? 0, v03: true, v2: true }], { text: 'plain' }, house.bundles);
    connected.send(xml(NS.client, 'message', { from: `${MALLORY}/x`, to: ALICE, type: 'chat', id: 'm2' }, ...mallory.elements(sealed), parse(element), xml(NS.stickers, 'sticker')));
    expect((await device.until(() => device.message(MALLORY, 'plain'))).file).toBeUndefined();
  });
});

describe('a pack', () => {
  const item = (desc: string, url: string, hash: Uint8Array, extra = ''): string => `<item><file xmlns='urn:xmpp:file:metadata:0'><media-type>image/png</media-type><desc>${desc}</desc>${extra}
    <hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>${toBase64(hash)}</hash></file><sources xmlns='urn:xmpp:sfs:0'><url-data xmlns='http://jabber.org/protocol/url-data' target='${url}'/></sources></item>`;
  const hashOf = async (data: Uint8Array<ArrayBuffer>): Promise<Uint8Array> => new Uint8Array(await crypto.subtle.digest('SHA-256', data));

  it('is looked up where its sticker says, and its pictures are checked', async () => {
    const bob = await Stranger.make(BOB, 11);
    bob.publish(house.first);
    const { device, connected } = await house.enter();
    house.files.set('https://example.org/upload/cat', new Blob([cat]));
    house.files.set('https://example.org/upload/other', new Blob([dog]));
    house.files.set('https://example.org/upload/text', new Blob(['<script>']));
    const content = `<pack xmlns='${NS.stickers}'><name xml:lang='fr'>Chats</name><name>Cats
      of the house</name><summary>All of them</summary>${item('cat', 'https://example.org/upload/cat', await hashOf(cat), '<width>5</width><height>6</height>')}
      ${item('other', 'https://example.org/upload/other', await hashOf(cat))}${item('text', 'https://example.org/upload/text', await hashOf(new TextEncoder().encode('<script>')))}
      ${item('insecure', 'http://example.org/upload/cat', await hashOf(cat))}${item('short', 'https://example.org/upload/cat', new Uint8Array(3))}
      ${item('huge', 'https://example.org/upload/cat', await hashOf(cat), '<size>9999999</size>')}<item/></pack>`;
    expect(pack.read(parse(content))?.items).toHaveLength(6);
    house.first.put(BOB, NS.stickers, xml(NS.pubsub, 'item', { id: 'p1' }, parse(content)));
    const { element } = await shared(undefined, 'https://example.org/upload/x');
    says(house, bob, connected, 'm1', device.session.deviceId ?? 0, { text: 'cat', elements: `${element}<sticker xmlns='${NS.stickers}' pack='p1'/>` });
    const message = await device.until(() => stickerOf(device, BOB));
    const found = await device.commands.stickerPack(BOB, message.id);
    expect(found).toMatchObject({
      name: 'Cats of the house', summary: 'All of them', restricted: false,
      stickers: [{ description: 'cat', width: 5, height: 6 }, { description: 'other' }, { description: 'text' }],
    });
    const blob = await device.commands.packPicture(found.id, 0);
    expect(blob.type).toBe('image/png');
    expect(await bytes(blob)).toEqual([...cat]);
    await expect(device.commands.packPicture(found.id, 1)).rejects.toMatchObject({ reason: { code: 'server' } });
    await expect(device.commands.packPicture(found.id, 2)).rejects.toMatchObject({ reason: { code: 'unsupported' } });
    await expect(device.commands.packPicture(found.id, 3)).rejects.toMatchObject({ reason: { code: 'not-found' } });
    expect(house.fetched.every((url) => url.startsWith('https://example.org/'))).toBe(true);
  });

  it('that is not there, or of a message without one, is not found', async () => {
    const bob = await Stranger.make(BOB, 11);
    bob.publish(house.first);
    const { device, connected } = await house.enter();
    const { element } = await shared(undefined, 'https://example.org/upload/x');
    says(house, bob, connected, 'm1', device.session.deviceId ?? 0, { text: 'cat', elements: `${element}<sticker xmlns='${NS.stickers}' pack='gone'/>` });
    const message = await device.until(() => stickerOf(device, BOB));
    await expect(device.commands.stickerPack(BOB, message.id)).rejects.toMatchObject({ reason: { code: 'not-found' } });
    connected.message(`${BOB}/x`, '<body>text</body>', { id: 't', stanzaId: 'a-t' });
    const text = await device.until(() => device.message(BOB, 'text'));
    await expect(device.commands.stickerPack(BOB, text.id)).rejects.toMatchObject({ reason: { code: 'not-found' } });
    await expect(device.commands.packPicture('nothing', 0)).rejects.toMatchObject({ reason: { code: 'not-found' } });
  });
});

describe('one\'s own stickers', () => {
  const names = async (device: Device): Promise<string[]> => (await device.commands.stickers()).map((one) => one.description).toSorted();
  const settled = async (device: Device, ...wanted: string[]): Promise<void> => {
    for (;;) {
      const before = device.log.length;
      if ((await names(device)).join() === wanted.toSorted().join()) return;
      await device.until(() => device.log.slice(before).some((entry) => entry.event === 'stickers'), `stickers ${wanted.join()}`);
    }
  };
  const published = (node: string, count: number): Promise<void> => expect.poll(() => house.nodes.get(node)?.size ?? 0, { timeout: 20_000 }).toBe(count);

  it('are pictures of a size that every server takes', async () => {
    const { device } = await house.enter();
    await expect(device.commands.addSticker(new Blob([png(), new Uint8Array(MAX_STICKER_BYTES)]), { description: '' })).rejects.toMatchObject({ reason: { code: 'too-large' } });
    await expect(device.commands.addSticker(new Blob(['<svg/>'], { type: 'image/png' }), { description: '' })).rejects.toMatchObject({ reason: { code: 'unsupported' } });
    await device.commands.addSticker(new Blob([png(), new Uint8Array(MAX_STICKER_BYTES - 8)]), { description: 'largest' });
    await published(NS.kithStickers, 1);
    expect(house.connected[0]?.stanzas.every((stanza) => stanza.toString().length < 250_000)).toBe(true);
    await expect(device.commands.stickerPicture('none')).rejects.toMatchObject({ reason: { code: 'not-found' } });
  });

  it('are on all own devices, also on one that comes later, and the server cannot read them', async () => {
    const { device: phone } = await house.enter();
    const first = await phone.commands.addSticker(picture(cat), { description: 'the secret cat', width: 10, height: 20 });
    await published(NS.kithStickers, 1);
    const { device: laptop } = await house.enter();
    await settled(laptop, 'the secret cat');
    const [there] = await laptop.commands.stickers();
    expect(there).toEqual(first);
    expect(await bytes(await laptop.commands.stickerPicture(first.id))).toEqual([...cat]);
    // The other way round, and away again.
    await laptop.commands.addSticker(picture(dog), { description: 'the secret dog' });
    await settled(phone, 'the secret cat', 'the secret dog');
    await phone.commands.removeSticker(first.id);
    await settled(laptop, 'the secret dog');
    await published(PICTURES, 1);
    const seen = [...house.connected.flatMap((one) => one.stanzas)].map(String).join('\n');
    for (const secret of ['secret', toBase64(cat), toBase64(dog)]) expect(seen).not.toContain(secret);
    // Nobody has written to anybody.
    for (const device of [phone, laptop]) {
      expect([...device.chats.keys()].filter((chat) => device.chats.get(chat)?.last)).toEqual([]);
      expect(device.messages.get(ALICE)).toBeUndefined();
    }
  });

  it('wait for a connection, and stay when the server has lost them', async () => {
    const { device, server } = await house.enter();
    house.connected[0]?.peer.cut();
    await device.commands.addSticker(picture(cat), { description: 'cat' });
    expect(house.nodes.size).toBe(0);
    server.resumable = false;
    house.connected[0] = await server.accept();
    await published(NS.kithStickers, 1);
    house.nodes.clear();
    house.connected[0].peer.cut();
    house.connected[0] = await server.accept();
    await published(NS.kithStickers, 1);
    expect(await names(device)).toEqual(['cat']);
  });

  it('are told to the others when a connection that broke goes on', async () => {
    const { device, server } = await house.enter();
    house.connected[0]?.peer.cut();
    await device.commands.addSticker(picture(cat), { description: 'cat' });
    house.connected[0] = await server.accept({ resume: 'yes' });
    await published(NS.kithStickers, 1);
  });

  it('are taken neither from where the server has put them nor in the place of others', async () => {
    const { device, server } = await house.enter();
    await device.commands.addSticker(picture(cat), { description: 'cat' });
    await device.commands.addSticker(picture(dog), { description: 'dog' });
    await published(NS.kithStickers, 2);
    const index = house.nodes.get(NS.kithStickers) ?? new Map<string, XmlElement>();
    const [one] = [...index.values()];
    // The same under another id, one that nobody has sealed, and one under a key that nobody has.
    for (const [id, payload] of [['copy', one?.elements[0]], ['mine', parse('<sticker xmlns="kith:stickers:0"/>')], ['key', parse(`<sealed xmlns='kith:vault:0' key='other'>${toBase64(new Uint8Array(64))}</sealed>`)]] as const) {
      index.set(id, xml(NS.pubsub, 'item', { id }, payload ?? ''));
    }
    server.resumable = false;
    house.connected[0]?.peer.cut();
    const again = await server.accept();
    await again.until((stanza) => stanza.toString().includes(NS.kithStickers));
    await device.commands.addSticker(picture(png(9)), { description: 'later' }); // behind what was looked at
    await published(NS.kithStickers, 6);
    expect(await names(device)).toEqual(['cat', 'dog', 'later']);
  });

  it('are not given to a device that the person does not trust', async () => {
    const { device, connected } = await house.enter();
    const evil = await Stranger.make(ALICE, 666);
    const own = device.session.deviceId ?? 0;
    evil.publish(house.first, { 1: [own, 666], 2: [own, 666] });
    for (const version of [1, 2] as const) {
      connected.send(`<message xmlns='jabber:client' from='${ALICE}' type='headline'><event xmlns='${NS.pubsubEvent}'><items node='${LIST_NODES[version]}'>
        <item id='current'>${house.itemOf(ALICE, LIST_NODES[version])?.toString() ?? ''}</item></items></event></message>`);
    }
    await device.knowsDevicesOf(ALICE, 2);
    await device.commands.setTrust(ALICE, 666, 'distrusted');
    const given = (): readonly XmlElement[] => connected.stanzas.filter((one) => one.name === 'message' && one.attrs['to'] === ALICE && readEncrypted(one).some(({ payload }) => payload));
    await device.commands.addSticker(picture(cat), { description: 'cat' });
    await published(NS.kithStickers, 1);
    expect(given()).toEqual([]);
    // Nor is anything taken from it.
    says(house, evil, connected, 'v1', own, { text: '', elements: `<keys xmlns='kith:vault:0' ask='true'/>` });
    await device.commands.addSticker(picture(dog), { description: 'dog' });
    await published(NS.kithStickers, 2);
    expect(given()).toEqual([]);
  });

  it('are sealed with another key once a device has left', async () => {
    const { device } = await house.enter();
    const { device: lost } = await house.enter();
    await device.knowsDevicesOf(ALICE, 2);
    const keyOf = (i: number): string | undefined => [...house.nodes.get(NS.kithStickers)?.values() ?? []][i]?.elements[0]?.attrs['key'];
    await device.commands.addSticker(picture(cat), { description: 'cat' });
    await settled(lost, 'cat');
    await device.commands.addSticker(picture(dog), { description: 'dog' });
    await settled(lost, 'cat', 'dog');
    expect(keyOf(0)).toBe(keyOf(1));
    await lost.commands.signOut();
    await device.until(() => device.log.some((entry) => entry.event === 'devices' && entry.data.address === ALICE));
    await expect.poll(async () => (await device.commands.devices(ALICE)).filter((one) => !one.stale).length).toBe(1);
    await device.commands.addSticker(picture(png(9)), { description: 'later' });
    await published(NS.kithStickers, 3);
    expect(keyOf(2)).not.toBe(keyOf(1));
    expect(await names(device)).toEqual(['cat', 'dog', 'later']);
  });
});
