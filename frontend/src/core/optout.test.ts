/** Being asked to go on without encryption (XEP-0384 section 5.7), by those who may ask and by those who may not. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Device } from '../../test/support/device';
import { ScriptServer, type Connected } from '../../test/support/script';
import { Stranger } from '../../test/support/stranger';
import type { Target, Version } from '../crypto/engine';
import { NS } from '../xmpp/ns';
import { xml, XmlElement } from '../xmpp/xml';
import { bundlePlace, LIST_NODES, readBundle, readEncrypted } from './omemo/wire';

const ALICE = 'alice@example.org', BOB = 'bob@example.org';
const WISH = `<opt-out xmlns='urn:xmpp:omemo:2'><reason>The office  keeps records.</reason></opt-out>`;

let server: ScriptServer;
let device: Device;
let bob: Stranger;
let connected: Connected;
let id: number;
let profile = 0;

beforeEach(async () => {
  profile++;
  server = new ScriptServer();
  bob = await Stranger.make(BOB, 11);
  bob.publish(server);
  await open();
  [connected] = await Promise.all([server.accept(), device.commands.signIn(ALICE, 'pencil')]);
  await device.online();
  // It is on the lists of both versions once both were published.
  for (const version of [1, 2] as const) await connected.until((one) => one.child('pubsub', NS.pubsub)?.child('publish')?.attrs['node'] === LIST_NODES[version]);
  id = device.session.deviceId ?? 0;
  seen.clear();
});

afterEach(async () => {
  await device.stop();
});

async function open(): Promise<void> {
  device = await Device.open({
    origin: 'https://example.org', socket: server.listener.factory, profile: `optout-${profile}`,
    platform: { fetch: () => Promise.reject(new Error('no network')) },
  });
}

const itemOf = (owner: string, node: string, item = ''): XmlElement | undefined => server.nodes.get(`${owner} ${node}${item === '' ? '' : ` ${item}`}`)?.elements[0];

function bundles(target: Target, version: Version): Target['bundle'] {
  const { node, item } = bundlePlace(version, target.device);
  return readBundle(version, itemOf(target.jid, node, item));
}

let counter = 0;

function stanza(from: string, ...children: readonly XmlElement[]): XmlElement {
  const name = `m${++counter}`;
  return xml(NS.client, 'message', { from: `${from}/x`, to: ALICE, type: 'chat', id: name }, ...children, xml(NS.sid, 'stanza-id', { id: `a-${name}`, by: ALICE }));
}

/** What a device of Bob's says in omemo:2, or in what this device is said to have. */
function said(content: { readonly text?: string; readonly elements?: string }, from = bob, v2 = true): XmlElement {
  return stanza(from.jid, ...from.elements(from.seal(ALICE, [{ jid: ALICE, device: id, v03: true, v2 }], content, bundles)));
}

async function handled(): Promise<void> {
  await connected.ask(`<iq xmlns='jabber:client' type='get' id='${crypto.randomUUID()}' from='example.org'><ping xmlns='urn:xmpp:ping'/></iq>`);
  await device.commands.page(BOB, { limit: 1 });
}

const chat = () => device.chats.get(BOB);
const seen = new Set<XmlElement>();

/** The next message to Bob. */
async function sentTo(): Promise<XmlElement> {
  const found = await connected.until((one) => !seen.has(one) && one.name === 'message' && one.attrs['to'] === BOB && one.child('body', NS.client) !== undefined);
  seen.add(found);
  return found;
}

describe('an encrypted wish to go on in the clear', () => {
  it('is shown with its reason, and nothing goes out before the person has decided', async () => {
    await device.commands.send(BOB, 'before');
    expect(readEncrypted(await sentTo())).toHaveLength(1);
    connected.send(said({ elements: WISH }));
    await device.until(() => chat()?.optOut);
    expect(chat()).toMatchObject({ optOut: { agreed: false, reason: 'The office keeps records.' }, lock: 'encrypted', unread: 1, last: { optOut: true, text: '' } });
    expect((await device.read(BOB)).at(-1)).toMatchObject({ optOut: { reason: 'The office keeps records.' }, text: '', outgoing: false });
    const before = connected.stanzas.length;
    const sent = await device.until(() => device.message(BOB, 'before'));
    for (const attempt of [
      () => device.commands.send(BOB, 'hello'), () => device.commands.send(BOB, 'hello', { allowUnencrypted: true }),
      () => device.commands.sendFile(BOB, new Blob(['x']), { id: 'f', name: 'x.txt' }), () => device.commands.react(BOB, sent.id, ['👍']), () => device.commands.setTimer(BOB, 60),
    ]) await expect(attempt()).rejects.toMatchObject({ reason: { code: 'opt-out' } });
    await handled();
    // What only moves a session on says nothing.
    const says = (one: XmlElement): boolean => one.child('body', NS.client) !== undefined || readEncrypted(one).some(({ payload }) => payload !== undefined);
    expect(connected.stanzas.slice(before).filter((one) => one.attrs['to'] === BOB && says(one))).toEqual([]);
  });

  it('is refused with one word, and the chat stays encrypted', async () => {
    connected.send(said({ elements: WISH }));
    await device.until(() => chat()?.optOut);
    await device.commands.answerOptOut(BOB, false);
    expect(chat()).toMatchObject({ lock: 'encrypted' });
    expect(chat()?.optOut).toBeUndefined();
    await device.commands.send(BOB, 'still secret');
    const out = await sentTo();
    expect(bob.open(out, ALICE)?.text).toBe('still secret');
    expect(out.toString()).not.toContain('still secret');
  });

  it('is agreed to for this chat until one of both encrypts again', async () => {
    connected.send(said({ elements: WISH }));
    await device.until(() => chat()?.optOut);
    await device.commands.answerOptOut(BOB, true);
    expect(chat()).toMatchObject({ lock: 'unencrypted', optOut: { agreed: true } });
    // One's own app asks for it each time: nothing is sent in the clear by mistake.
    await expect(device.commands.send(BOB, 'open')).rejects.toMatchObject({ reason: { code: 'cannot-encrypt' } });
    await device.commands.send(BOB, 'open', { allowUnencrypted: true });
    const first = await sentTo();
    expect([readEncrypted(first), first.child('body', NS.client)?.text]).toEqual([[], 'open']);
    expect((await device.until(() => device.message(BOB, 'open'))).lock).toBe('unencrypted');
    // Asked once more, nothing is asked again; what comes in the clear changes nothing.
    connected.send(said({ elements: WISH }));
    connected.send(stanza(BOB, xml(NS.client, 'body', {}, 'plain')));
    await device.until(() => device.message(BOB, 'plain'));
    expect(chat()).toMatchObject({ lock: 'unencrypted', optOut: { agreed: true } });
    connected.send(said({ text: 'secret again' }));
    await device.until(() => chat()?.lock === 'encrypted');
    expect(chat()?.optOut).toBeUndefined();
    await device.commands.send(BOB, 'me too', { allowUnencrypted: true });
    const second = await sentTo();
    expect(readEncrypted(second)).toHaveLength(1);
    expect(bob.open(second, ALICE)?.text).toBe('me too');
  });

  it('can be taken back by the one who agreed', async () => {
    connected.send(said({ elements: WISH }));
    await device.until(() => chat()?.optOut);
    await device.commands.answerOptOut(BOB, true);
    await device.commands.answerOptOut(BOB, false);
    expect(chat()?.lock).toBe('encrypted');
    await expect(device.commands.answerOptOut(BOB, true)).rejects.toMatchObject({ reason: { code: 'not-found' } });
  });

  it('lets nothing out that was written to be encrypted, also not after it was agreed to', async () => {
    await handled();
    await device.stop();
    await open();
    await device.commands.send(BOB, 'written before');
    expect(device.message(BOB, 'written before')?.state).toBe('sending');
    const wish = said({ elements: WISH });
    const name = wish.attrs['id'] ?? '';
    server.archive.push({ id: `a-${name}`, stamp: new Date().toISOString(), message: new XmlElement(wish.ns, wish.name, wish.attrs, wish.elements.filter((one) => one.name !== 'stanza-id')).toString() });
    connected = await server.accept();
    await device.online();
    await device.until(() => chat()?.optOut);
    await handled();
    expect(device.message(BOB, 'written before')?.state).toBe('sending');
    expect(connected.stanzas.filter((one) => one.name === 'message' && one.attrs['to'] === BOB && one.child('body', NS.client))).toEqual([]);
    await device.commands.answerOptOut(BOB, true);
    const out = await sentTo();
    expect(bob.open(out, ALICE)?.text).toBe('written before');
  });

  it('is remembered over a restart', async () => {
    connected.send(said({ elements: WISH }));
    await device.until(() => chat()?.optOut);
    await handled();
    await device.stop();
    await open();
    expect(chat()?.optOut).toEqual({ agreed: false, reason: 'The office keeps records.' });
    await expect(device.commands.send(BOB, 'hello')).rejects.toMatchObject({ reason: { code: 'opt-out' } });
  });
});

describe('nobody else makes a chat less safe', () => {
  const untouched = async (): Promise<void> => {
    await handled();
    expect(chat()?.optOut).toBeUndefined();
    expect(chat()?.lock).not.toBe('unencrypted');
    await device.commands.send(BOB, 'secret');
    const out = await sentTo();
    expect(bob.open(out, ALICE)?.text).toBe('secret');
  };
  const wish = xml('urn:xmpp:omemo:2', 'opt-out', {}, xml('urn:xmpp:omemo:2', 'reason', {}, 'Please'));

  it('neither a wish in the clear, alone or beside a text', async () => {
    connected.send(stanza(BOB, wish));
    connected.send(stanza(BOB, wish, xml(NS.client, 'body', {}, 'plain')));
    await device.until(() => device.message(BOB, 'plain'));
    expect((await device.read(BOB)).some((one) => one.optOut)).toBe(false);
    await untouched();
  });

  it('nor one that somebody has put beside what is encrypted, in either version', async () => {
    for (const v2 of [true, false]) {
      const message = said({ text: `text ${String(v2)}` }, bob, v2);
      connected.send(new XmlElement(message.ns, message.name, message.attrs, [...message.children, wish]));
      await device.until(() => device.message(BOB, `text ${String(v2)}`));
    }
    expect((await device.read(BOB)).some((one) => one.optOut)).toBe(false);
    await untouched();
  });

  it('nor one that stands in the text of OMEMO 0.3', async () => {
    connected.send(said({ text: WISH.replaceAll('<', '&lt;') }, bob, false));
    await handled();
    await untouched();
  });

  it('nor one of somebody else, also under Bob’s name', async () => {
    const mallory = await Stranger.make('mallory@example.org', 31);
    mallory.publish(server);
    const theirs = said({ elements: WISH }, mallory);
    connected.send(theirs);
    // The envelope says who wrote it: it does not become Bob's by another address on it.
    const stolen = said({ elements: WISH }, mallory);
    connected.send(new XmlElement(stolen.ns, stolen.name, { ...stolen.attrs, from: `${BOB}/x` }, stolen.children));
    await device.until(() => device.chats.get('mallory@example.org')?.optOut);
    await untouched();
  });

  it('nor one that another own device has sent, which only tells so', async () => {
    const phone = await Stranger.make(ALICE, 77);
    phone.publish(server, { 1: [id, 77], 2: [id, 77] });
    const sealed = phone.seal(BOB, [{ jid: ALICE, device: id, v03: true, v2: true }], { elements: WISH }, bundles);
    const inner = xml(NS.client, 'message', { from: `${ALICE}/phone`, to: BOB, type: 'chat', id: 'own-wish' }, ...phone.elements(sealed));
    connected.send(xml(NS.client, 'message', { from: ALICE, to: `${ALICE}/Kith~1`, type: 'chat' },
      xml(NS.carbons, 'sent', {}, xml('urn:xmpp:forward:0', 'forwarded', {}, inner))));
    await device.until(() => chat()?.last?.optOut);
    expect(chat()?.last?.outgoing).toBe(true);
    await untouched();
  });

  it('nor a device of Bob’s that the person does not take for his', async () => {
    connected.send(said({ text: 'hello' }));
    await device.until(() => device.message(BOB, 'hello'));
    const [known] = await device.commands.devices(BOB);
    await device.commands.setTrust(BOB, known?.id ?? 0, 'verified');
    // From now on others of his wait for a decision.
    const other = await Stranger.make(BOB, 12);
    other.publish(server, { 1: [11, 12], 2: [11, 12] });
    connected.send(said({ elements: WISH }, other));
    await device.until(() => chat()?.last?.optOut);
    expect(chat()?.optOut).toBeUndefined();
  });

  it('nor a word in the clear when Bob’s encrypted wish is still open', async () => {
    connected.send(said({ elements: WISH }));
    await device.until(() => chat()?.optOut);
    connected.send(stanza(BOB, xml(NS.client, 'body', {}, 'go on, agree')));
    await device.until(() => device.message(BOB, 'go on, agree'));
    expect(chat()).toMatchObject({ optOut: { agreed: false }, lock: 'encrypted' });
  });
});
