import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Device } from '../../test/support/device';
import { ScriptServer, type Connected } from '../../test/support/script';
import { toBase64 } from '../xmpp/bytes';
import { parse, type XmlElement } from '../xmpp/xml';
import { typeOf } from './pictures';

const ALICE = 'alice@example.org', BOB = 'bob@example.org', EVE = 'eve@example.net';
const METADATA = 'urn:xmpp:avatar:metadata', DATA = 'urn:xmpp:avatar:data';
/** The smallest PNG there is, and another. */
const PNG = Uint8Array.from(atob('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='), (one) => one.charCodeAt(0));
const OTHER = Uint8Array.from([...PNG, 0]);

async function sha1(data: Uint8Array<ArrayBuffer>): Promise<string> {
  return [...new Uint8Array(await crypto.subtle.digest('SHA-1', data))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

let server: ScriptServer;
let device: Device;
let profile = 0;
let photos: Map<string, Uint8Array>;
/** Who was asked for pictures, in order. */
let asked: string[];

beforeEach(async () => {
  profile++;
  photos = new Map();
  asked = [];
  server = new ScriptServer();
  const pubsub = server.responders.get('{http://jabber.org/protocol/pubsub}pubsub');
  server.on('http://jabber.org/protocol/pubsub', 'pubsub', (payload, iq, connected) => {
    if (payload.child('items')?.attrs['node'] === DATA) asked.push(iq.attrs['to'] ?? '');
    return pubsub?.(payload, iq, connected);
  });
  server.on('vcard-temp', 'vCard', (_payload, iq) => {
    asked.push(iq.attrs['to'] ?? '');
    const photo = photos.get(iq.attrs['to'] ?? '');
    return `<vCard xmlns='vcard-temp'>${photo ? `<PHOTO><TYPE>image/png</TYPE><BINVAL>${toBase64(photo)}</BINVAL></PHOTO>` : ''}</vCard>`;
  });
  device = await open();
});

afterEach(async () => {
  await device.stop();
});

function open(): Promise<Device> {
  return Device.open({ origin: 'https://example.org', socket: server.listener.factory, profile: `pictures-${profile}`, platform: { fetch: () => Promise.reject(new Error('no network')) } });
}

async function signIn(): Promise<Connected> {
  const [connected] = await Promise.all([server.accept(), device.commands.signIn(ALICE, 'pencil')]);
  await device.online();
  return connected;
}

async function handled(connected: Connected): Promise<void> {
  await connected.ask(`<iq xmlns='jabber:client' type='get' id='${crypto.randomUUID()}' from='example.org'><ping xmlns='urn:xmpp:ping'/></iq>`);
  await device.commands.page(BOB, { limit: 1 });
}

function announce(connected: Connected, from: string, hash: string | undefined, extra = ''): void {
  connected.send(`<message xmlns='jabber:client' type='headline' from='${from}' to='${ALICE}/Kith~1'><event xmlns='http://jabber.org/protocol/pubsub#event'>
    <items node='${METADATA}'><item id='${hash ?? 'none'}'><metadata xmlns='${METADATA}'>${hash === undefined ? '' : `<info id='${hash}' type='image/png' bytes='70' ${extra}/>`}</metadata></item></items></event></message>`);
}

async function published(owner: string, data: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = await sha1(data);
  server.nodes.set(`${owner} ${DATA}`, parse(`<item xmlns='http://jabber.org/protocol/pubsub' id='${hash}'><data xmlns='${DATA}'>${toBase64(data)}</data></item>`));
  return hash;
}

const wearing = (connected: Connected, from: string, hash: string): void =>
  connected.send(`<presence xmlns='jabber:client' from='${from}/phone' to='${ALICE}'><x xmlns='vcard-temp:x:update'><photo>${hash}</photo></x></presence>`);

describe('the picture of a contact', () => {
  it('is fetched when it is announced, checked, kept, and there without a connection', async () => {
    const connected = await signIn();
    const hash = await published(BOB, PNG);
    announce(connected, BOB, hash);
    await device.until(() => device.contacts.get(BOB)?.picture === hash);
    expect(new Uint8Array(await (await device.commands.picture(hash))?.arrayBuffer() ?? new ArrayBuffer(0))).toEqual(PNG);
    await device.stop();
    device = await open();
    expect(device.contacts.get(BOB)?.picture).toBe(hash);
    expect((await device.commands.picture(hash))?.type).toBe('image/png');
    expect(asked).toEqual([BOB]);
  });

  it('is fetched once, however often it is announced', async () => {
    const connected = await signIn();
    const hash = await published(BOB, PNG);
    announce(connected, BOB, hash);
    announce(connected, BOB, hash);
    wearing(connected, BOB, hash);
    await device.until(() => device.contacts.get(BOB)?.picture === hash);
    announce(connected, BOB, hash);
    await handled(connected);
    expect(asked).toEqual([BOB]);
  });

  it('is replaced, and what nobody has any more is deleted', async () => {
    const connected = await signIn();
    const first = await published(BOB, PNG);
    announce(connected, BOB, first);
    await device.until(() => device.contacts.get(BOB)?.picture === first);
    const second = await published(BOB, OTHER);
    announce(connected, BOB, second);
    await device.until(() => device.contacts.get(BOB)?.picture === second);
    expect(await device.commands.picture(first)).toBeUndefined();
    announce(connected, BOB, undefined);
    await device.until(() => device.contacts.get(BOB)?.picture === undefined);
    expect(await device.commands.picture(second)).toBeUndefined();
  });

  it.each([
    ['what is not what its hash says', async () => { await published(BOB, OTHER); return sha1(PNG); }, ''],
    ['what is no picture', () => published(BOB, new TextEncoder().encode('<svg onload="alert(1)"/>')), ''],
    ['what lies somewhere else', () => published(BOB, PNG), `url='https://tracker.example/bob.png'`],
  ])('is not %s', async (_, publish, extra) => {
    const connected = await signIn();
    announce(connected, BOB, await publish(), extra);
    await handled(connected);
    await handled(connected);
    expect(device.contacts.get(BOB)?.picture).toBeUndefined();
    expect(asked.filter((who) => who !== BOB)).toEqual([]);
  });

  it('comes out of the vCard where presence tells of it', async () => {
    const connected = await signIn();
    photos.set(BOB, PNG);
    const hash = await sha1(PNG);
    wearing(connected, BOB, hash);
    await device.until(() => device.contacts.get(BOB)?.picture === hash);
    wearing(connected, BOB, '');
    await device.until(() => device.contacts.get(BOB)?.picture === undefined);
  });

  it('goes with the contact', async () => {
    const connected = await signIn();
    const hash = await published(BOB, PNG);
    announce(connected, BOB, hash);
    await device.until(() => device.contacts.get(BOB)?.picture === hash);
    await connected.ask(`<iq xmlns='jabber:client' type='set' id='push'><query xmlns='jabber:iq:roster'><item jid='${BOB}' subscription='remove'/></query></iq>`);
    await device.until(() => device.contacts.get(BOB)?.picture === undefined);
    await handled(connected);
    expect(await device.commands.picture(hash)).toBeUndefined();
  });
});

describe('the picture of a stranger', () => {
  it('is not asked for before one knows them, and then at once', async () => {
    const connected = await signIn();
    const hash = await published(EVE, PNG);
    announce(connected, EVE, hash);
    wearing(connected, EVE, hash);
    connected.send(`<presence xmlns='jabber:client' type='subscribe' from='${EVE}' to='${ALICE}'/>`);
    await device.until(() => device.contacts.get(EVE)?.relation === 'request');
    await handled(connected);
    expect(asked).toEqual([]);
    await connected.ask(`<iq xmlns='jabber:client' type='set' id='push'><query xmlns='jabber:iq:roster'><item jid='${EVE}' subscription='both'/></query></iq>`);
    await device.until(() => device.contacts.get(EVE)?.picture === hash);
    expect(asked).toEqual([EVE]);
  });
});

describe('one’s own picture', () => {
  it('is published with what it is, and taken away', async () => {
    const connected = await signIn();
    const hash = await sha1(PNG);
    const sent: XmlElement[] = [];
    const before = server.responders.get('{http://jabber.org/protocol/pubsub}pubsub');
    server.on('http://jabber.org/protocol/pubsub', 'pubsub', (payload, iq, to) => {
      // The keys are being announced at the same time.
      if ([DATA, METADATA].includes(payload.child('publish')?.attrs['node'] ?? '')) sent.push(payload);
      return before?.(payload, iq, to);
    });
    await device.commands.setPicture(new Blob([PNG]));
    expect(device.session.picture).toBe(hash);
    expect(sent.map((one) => one.child('publish')?.attrs['node'])).toEqual([DATA, METADATA]);
    const info = sent[1]?.child('publish')?.child('item')?.child('metadata', METADATA)?.child('info')?.attrs;
    expect(info).toEqual({ id: hash, type: 'image/png', bytes: String(PNG.length), width: '1', height: '1' });
    expect(sent.every((one) => one.toString().includes('presence'))).toBe(true);
    await device.commands.setPicture(null);
    expect(device.session.picture).toBeUndefined();
    expect(sent[2]?.child('publish')?.child('item')?.child('metadata', METADATA)?.elements).toEqual([]);
    await handled(connected);
  });

  it('is refused when it is none, or too large', async () => {
    await signIn();
    await expect(device.commands.setPicture(new Blob(['hello']))).rejects.toMatchObject({ reason: { code: 'unsupported' } });
    await expect(device.commands.setPicture(new Blob([PNG, new Uint8Array(600_000)]))).rejects.toMatchObject({ reason: { code: 'too-large' } });
  });
});

it.each([
  [[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], 'image/png'], [[0xff, 0xd8, 0xff, 0xe0], 'image/jpeg'], [[0x47, 0x49, 0x46, 0x38, 0x39, 0x61], 'image/gif'],
  [[0x52, 0x49, 0x46, 0x46, 0, 0, 0, 0, 0x57, 0x45, 0x42, 0x50], 'image/webp'], [[0x3c, 0x73, 0x76, 0x67], undefined], [[], undefined],
])('bytes %j are %s', (bytes, type) => expect(typeOf(Uint8Array.from(bytes))).toBe(type));
