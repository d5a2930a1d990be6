/** OMEMO as a whole, against a server and people that a test plays. Classes of attack: docs/threat-model.md. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Device } from '../../../test/support/device';
import { loadEngine } from '../../../test/support/omemo';
import { ScriptServer, type Connected } from '../../../test/support/script';
import { Stranger } from '../../../test/support/stranger';
import type { SealResult, Target, Version } from '../../crypto/engine';
import { aesgcmUrl, sealFile } from '../../crypto/files';
import { fromBase64 } from '../../xmpp/bytes';
import { systemClock } from '../../xmpp/clock';
import { NS } from '../../xmpp/ns';
import { fileSharing, shareFile } from '../../xmpp/xep0447_sfs';
import { parse, XmlElement, xml } from '../../xmpp/xml';
import type { Platform } from '../platform';
import type { Message } from '../api';
import { bundlePlace, LIST_NODES, readBundle, readEncrypted, readList, writeEncrypted, writeList } from './wire';

const ALICE = 'alice@example.org', BOB = 'bob@example.org', CAROL = 'carol@example.org';
const OMEMO2 = 'urn:xmpp:omemo:2', OLD = 'eu.siacs.conversations.axolotl';

let server: ScriptServer;
let device: Device;
let profile = 0;

beforeEach(() => {
  profile++;
  server = new ScriptServer();
});

afterEach(async () => {
  await device.stop();
});

async function open(platform: Partial<Platform> = {}): Promise<Device> {
  return Device.open({
    origin: 'https://example.org', socket: server.listener.factory, profile: `omemo-${profile}`,
    platform: { fetch: () => Promise.reject(new Error('no network')), ...platform },
  });
}

async function signIn(platform?: Partial<Platform>): Promise<Connected> {
  device = await open(platform);
  const [connected] = await Promise.all([server.accept(), device.commands.signIn(ALICE, 'pencil')]);
  await device.online();
  return connected;
}

/** This device is announced in both versions. */
async function announced(): Promise<number> {
  for (;;) {
    const id = device.session.deviceId;
    const done = id !== undefined && ([1, 2] as const).every((version) => ownList(version).includes(id));
    if (done) return id;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function itemOf(owner: string, node: string, id = ''): XmlElement | undefined {
  return server.nodes.get(`${owner} ${node}${id === '' ? '' : ` ${id}`}`)?.elements[0];
}

function ownList(version: Version): number[] {
  return (readList(version, [{ payload: itemOf(ALICE, LIST_NODES[version]) ?? xml('', 'none') }]) ?? []).map((one) => one.id);
}

/** What somebody has published for a device. */
function bundles(target: Target, version: Version): Target['bundle'] {
  const { node, item } = bundlePlace(version, target.device);
  return readBundle(version, itemOf(target.jid, node, item));
}

const own = (id: number, v2 = true): Target => ({ jid: ALICE, device: id, v03: true, v2 });

function message(from: Stranger, sealed: SealResult, id: string, options: { readonly elements?: readonly XmlElement[]; readonly type?: string } = {}): XmlElement {
  return xml(NS.client, 'message', { from: `${from.jid}/x`, to: ALICE, type: options.type ?? 'chat', id },
    ...(options.elements ?? from.elements(sealed)), xml(NS.sid, 'stanza-id', { id: `a-${id}`, by: ALICE }), xml(NS.hints, 'store'), xml(NS.client, 'body', {}, 'fallback'));
}

/** Resolves when everything that was sent to the client so far has been handled. */
async function handled(connected: Connected): Promise<void> {
  await connected.ask(`<iq xmlns='jabber:client' type='get' id='${crypto.randomUUID()}' from='example.org'><ping xmlns='urn:xmpp:ping'/></iq>`);
  await device.commands.page(BOB, { limit: 1 });
}

async function texts(chat = BOB): Promise<string[]> {
  return (await device.read(chat)).map((one) => one.problem ?? one.text);
}

describe('what is announced', () => {
  it('is one device in both versions, with one identity', async () => {
    await signIn();
    const id = await announced();
    const [old, now] = ([1, 2] as const).map((version) => bundles(own(id), version));
    expect(old?.identityKey).toHaveLength(33);
    expect(now?.identityKey).toHaveLength(32);
    expect(now?.signedPreKeyId).toBe(old?.signedPreKeyId);
    expect(now?.preKeys.length).toBeGreaterThanOrEqual(25);
    const reader = await Stranger.make(BOB, 7);
    for (const version of [1, 2] as const) {
      const sealed = reader.seal(ALICE, [own(id, version === 2)], { text: 'x' }, bundles);
      expect(sealed.elements[0]?.keys[0]?.fingerprint, String(version)).toBe(device.session.fingerprint);
    }
  });

  it('asks the server for open nodes with room for every bundle', async () => {
    const connected = await signIn();
    await announced();
    const publish = connected.stanzas.filter((stanza) => stanza.child('pubsub', NS.pubsub)?.child('publish'));
    const options = new Map(publish.map((stanza) => {
      const pubsub = stanza.child('pubsub', NS.pubsub);
      const fields = pubsub?.child('publish-options')?.child('x', 'jabber:x:data')?.elements ?? [];
      return [pubsub?.child('publish')?.attrs['node'], Object.fromEntries(fields.map((field) => [field.attrs['var'], field.child('value')?.text]))];
    }));
    expect(options.get(`${OMEMO2}:bundles`)).toMatchObject({ 'pubsub#access_model': 'open', 'pubsub#max_items': 'max' });
    expect(options.get(`${OMEMO2}:devices`)).toMatchObject({ 'pubsub#access_model': 'open' });
    expect(options.get(`${OLD}.devicelist`)).toMatchObject({ 'pubsub#access_model': 'open' });
  });

  it('configures nodes anew that somebody has made otherwise', async () => {
    const refused = new Set<string>();
    const answer = server.responders.get(`{${NS.pubsub}}pubsub`);
    server.on(NS.pubsub, 'pubsub', (payload, iq, peer) => {
      const node = payload.child('publish')?.attrs['node'];
      if (node === undefined || refused.has(node)) return answer?.(payload, iq, peer);
      refused.add(node);
      return { error: 'conflict', specific: `<precondition-not-met xmlns='${NS.pubsubErrors}'/>` };
    });
    const configured: string[] = [];
    server.on(NS.pubsubOwner, 'pubsub', (payload) => {
      configured.push(payload.child('configure')?.attrs['node'] ?? '');
      return undefined;
    });
    await signIn();
    const id = await announced();
    expect(configured.toSorted()).toEqual([`${OLD}.bundles:${id}`, `${OLD}.devicelist`, `${OMEMO2}:bundles`, `${OMEMO2}:devices`]);
  });

  it('is put back when another program leaves it out, and what that said of others is kept', async () => {
    const connected = await signIn();
    const id = await announced();
    const label = { id: 77, label: 'Phone', labelsig: 'AAAA' };
    for (const version of [1, 2] as const) {
      const list = writeList(version, [label]);
      connected.send(`<message xmlns='jabber:client' from='${ALICE}' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'>
        <items node='${LIST_NODES[version]}'><item id='current'>${list.toString()}</item></items></event></message>`);
    }
    await connected.until((stanza) => stanza.toString().includes(`id='77'`) && stanza.child('pubsub', NS.pubsub)?.child('publish')?.attrs['node'] === LIST_NODES[1]);
    await connected.until((stanza) => stanza.toString().includes(`id='77'`) && stanza.child('pubsub', NS.pubsub)?.child('publish')?.attrs['node'] === LIST_NODES[2]);
    expect(readList(2, [{ payload: itemOf(ALICE, LIST_NODES[2]) ?? xml('', 'none') }])).toEqual([label, { id }]);
    expect(ownList(1)).toEqual([77, id]);
  });
});

describe('what goes out', () => {
  it('is omemo:2 for who has it, 0.3 for who has not, in one stanza, and beside it nothing that need not be', async () => {
    const kith = await Stranger.make(BOB, 11), native = await Stranger.make(BOB, 12);
    kith.publish(server, { 1: [11, 12], 2: [11] });
    native.publish(server, { 1: [11, 12] });
    const connected = await signIn();
    await announced();
    await device.commands.send(BOB, 'hello');
    const stanza = await connected.until((one) => one.name === 'message' && one.attrs['to'] === BOB && readEncrypted(one).length > 0);
    expect(readEncrypted(stanza).map(({ version, keys }) => [version, keys.map((key) => key.device)])).toEqual([[2, [11]], [1, [12]]]);
    expect(stanza.toString()).not.toContain('hello');
    const opened = kith.open(stanza, ALICE);
    expect(opened).toMatchObject({ version: 2, text: 'hello' });
    expect(opened?.content.map((one) => one.name)).toEqual(['body', 'active', 'origin-id']);
    expect(native.open(stanza, ALICE)).toMatchObject({ version: 1, text: 'hello' });
    // What went out in 0.3 as well is no better than that.
    expect((await device.until(() => device.message(BOB, 'hello')?.level !== undefined && device.message(BOB, 'hello'))).level).toBe(1);
  });

  it('is only omemo:2 where everybody has it, with reactions and retractions inside', async () => {
    const bob = await Stranger.make(BOB, 11);
    bob.publish(server);
    const connected = await signIn();
    const id = await announced();
    await device.commands.send(BOB, 'secret');
    const first = await connected.until((one) => readEncrypted(one).length > 0);
    expect(readEncrypted(first).map((one) => one.version)).toEqual([2]);
    expect(first.elements.map((one) => one.name)).toEqual(['encrypted', 'encryption', 'body', 'store', 'origin-id', 'request', 'markable']);
    expect(first.child('encryption', NS.eme)?.attrs['namespace']).toBe(OMEMO2);
    expect(bob.open(first, ALICE)?.text).toBe('secret');
    const sent = await device.until(() => device.message(BOB, 'secret')?.state === 'sent' && device.message(BOB, 'secret'));
    expect(sent.level).toBe(3);
    connected.send(message(bob, bob.seal(ALICE, [own(id)], { text: 'yes' }, bundles), 'm1'));
    const answer = await device.until(() => device.message(BOB, 'yes'));
    await device.commands.react(BOB, answer.id, ['\u{1F44D}']);
    const reaction = await connected.until((one) => one.name === 'message' && one !== first && readEncrypted(one)[0]?.payload !== undefined);
    expect(reaction.elements.map((one) => one.name)).toEqual(['encrypted', 'encryption', 'store', 'origin-id']);
    expect(bob.open(reaction, ALICE)?.content.map((one) => one.name)).toEqual(['reactions', 'origin-id']);
    await device.commands.retract(BOB, sent.id);
    const retraction = await connected.until((one) => one.name === 'message' && one !== first && one !== reaction && readEncrypted(one)[0]?.payload !== undefined);
    expect(retraction.toString()).not.toContain('retract');
    expect(bob.open(retraction, ALICE)?.content.map((one) => one.name)).toEqual(['retract', 'origin-id']);
  });

  it('is what it always was for who has only 0.3', async () => {
    const bob = await Stranger.make(BOB, 11);
    bob.publish(server, { 1: [11] });
    const connected = await signIn();
    const id = await announced();
    await device.commands.send(BOB, 'secret');
    const stanza = await connected.until((one) => readEncrypted(one).length > 0);
    expect(readEncrypted(stanza).map((one) => one.version)).toEqual([1]);
    expect(stanza.child('encryption', NS.eme)?.attrs['namespace']).toBe(OLD);
    expect(bob.open(stanza, ALICE)?.text).toBe('secret');
    connected.send(message(bob, bob.seal(ALICE, [own(id, false)], { text: 'yes' }, bundles), 'm1'));
    const answer = await device.until(() => device.message(BOB, 'yes'));
    await device.commands.react(BOB, answer.id, ['\u{1F44D}']);
    const reaction = await connected.until((one) => one.child('reactions', NS.reactions) !== undefined);
    expect(reaction.elements.map((one) => one.name)).toEqual(['store', 'reactions', 'origin-id']);
  });

  it('falls back to 0.3 where the better keys cannot be had, and says so', async () => {
    const bob = await Stranger.make(BOB, 11);
    bob.publish(server, { 1: [11], 2: [11] });
    for (const item of ['', ' 11']) server.nodes.delete(`${BOB} ${OMEMO2}:bundles${item}`);
    const connected = await signIn();
    await announced();
    await device.commands.send(BOB, 'secret');
    const stanza = await connected.until((one) => readEncrypted(one).length > 0);
    expect(bob.open(stanza, ALICE)).toMatchObject({ version: 1, text: 'secret' });
    expect((await device.until(() => device.message(BOB, 'secret')?.level !== undefined && device.message(BOB, 'secret'))).level).toBe(1);
  });

  it('stays so when the other side does not let one look any more, as when it blocks one', async () => {
    const bob = await Stranger.make(BOB, 11);
    bob.publish(server);
    const connected = await signIn();
    await announced();
    await device.commands.send(BOB, 'secret');
    await connected.until((one) => readEncrypted(one).length > 0);
    const answer = server.responders.get(`{${NS.pubsub}}pubsub`);
    server.on(NS.pubsub, 'pubsub', (payload, iq, now) => (iq.attrs['to'] === BOB ? { error: 'service-unavailable' } : answer?.(payload, iq, now)));
    connected.peer.cut();
    const again = await server.accept({ resume: 'no' });
    await device.online();
    const { id } = await device.commands.send(BOB, 'still secret');
    const stanza = await again.until((one) => one.attrs['id'] === id);
    expect(bob.open(stanza, ALICE)?.text).toBe('still secret');
    expect(device.chats.get(BOB)?.lock).toBe('encrypted');
  });

  it('is not sent when no server would take it, and what follows is', async () => {
    const bob = await Stranger.make(BOB, 11);
    bob.publish(server);
    const connected = await signIn();
    await announced();
    await device.commands.send(BOB, '<'.repeat(60_000));
    await device.until(() => [...device.messages.get(BOB)?.values() ?? []].find((one) => one.state === 'failed' && one.reason?.code === 'too-large'));
    await device.commands.send(BOB, 'shorter');
    expect(bob.open(await connected.until((one) => readEncrypted(one).length > 0), ALICE)?.text).toBe('shorter');
  });

  it('leaves out devices that have been silent for months, visibly, unless there is no other', async () => {
    let shift = 0;
    const bob = await Stranger.make(BOB, 11), old = await Stranger.make(BOB, 12);
    bob.publish(server, { 1: [11, 12], 2: [11, 12] });
    old.publish(server, { 1: [11, 12], 2: [11, 12] });
    const connected = await signIn({ clock: { now: () => Date.now() + shift, after: (ms, callback) => systemClock.after(ms, callback) } });
    const id = await announced();
    const sent = async (text: string): Promise<XmlElement> => {
      await device.commands.send(BOB, text);
      await device.until(() => device.message(BOB, text)?.state === 'sent');
      const stanza = connected.stanzas.findLast((one) => readEncrypted(one)[0]?.payload !== undefined);
      if (!stanza) throw new Error('not sent');
      return stanza;
    };
    const to = (stanza: XmlElement): number[] => readEncrypted(stanza)[0]?.keys.map((key) => key.device) ?? [];
    for (let i = 0; i < 107; i++) await sent(`${i}`);
    shift = 13 * 7 * 86_400_000;
    connected.send(message(bob, bob.seal(ALICE, [own(id)], { text: 'still here' }, bundles), 'm1'));
    await device.until(() => device.message(BOB, 'still here'));
    expect(to(await sent('for who is there'))).toEqual([11]);
    const silent = async (): Promise<unknown> => (await device.commands.devices(BOB)).map((one) => [one.id, one.silent ?? false]);
    expect(await silent()).toEqual([[11, false], [12, true]]);
    connected.send(message(old, old.seal(ALICE, [own(id)], { text: 'back again' }, bundles), 'm2'));
    await device.until(() => device.message(BOB, 'back again'));
    expect(to(await sent('for both'))).toEqual([11, 12]);
    expect(await silent()).toEqual([[11, false], [12, false]]);
    for (let i = 0; i < 107; i++) await sent(`again ${i}`);
    shift *= 2;
    expect(to(await sent('for nobody who is there'))).toEqual([11, 12]);
  });

  it('is noticed when the archive shows something else', async () => {
    const bob = await Stranger.make(BOB, 11);
    bob.publish(server);
    let connected = await signIn();
    await announced();
    await device.commands.send(BOB, 'as it was');
    const first = await connected.until((one) => readEncrypted(one).length > 0);
    await device.commands.send(BOB, 'to be changed');
    const second = await connected.until((one) => one !== first && readEncrypted(one).length > 0);
    const stripped = xml(NS.client, 'message', second.attrs, ...second.elements.map((one) => (one.is(OMEMO2, 'encrypted')
      ? xml(OMEMO2, 'encrypted', {}, ...one.elements.map((part) => (part.name === 'header' ? xml(OMEMO2, 'header', part.attrs) : part))) : one)));
    for (const [i, stanza] of [first, stripped].entries()) {
      const archived = xml(NS.client, 'message', { ...stanza.attrs, from: `${ALICE}/x` }, ...stanza.elements);
      server.archive.push({ id: `a${i}`, stamp: new Date().toISOString(), message: archived.toString() });
    }
    connected.peer.cut();
    connected = await server.accept();
    const changed = await device.until(() => device.message(BOB, 'to be changed')?.alarm && device.message(BOB, 'to be changed'));
    expect(changed.findings).toEqual([{ kind: 'changed', address: '', device: 0 }]);
    expect(device.message(BOB, 'as it was')?.findings).toBeUndefined();
  });
});

describe('what comes in', () => {
  let bob: Stranger;
  let connected: Connected;
  let id: number;

  beforeEach(async () => {
    bob = await Stranger.make(BOB, 11);
    bob.publish(server);
    connected = await signIn();
    id = await announced();
  });

  const sealed = (text: string, targets: readonly Target[] = [own(id)], elements = ''): SealResult => bob.seal(ALICE, targets, { text, elements }, bundles);
  const refused = (chat: string): Promise<Message> => device.until(() => [...device.messages.get(chat)?.values() ?? []].find((one) => one.problem === 'misdirected'));
  const got = (text: string): Promise<Message> => device.until(() => device.message(BOB, text));

  it('in omemo:2 is protected whole, and believed only from inside', async () => {
    const stanza = message(bob, sealed('inside'), 'm1');
    connected.send(xml(NS.client, 'message', stanza.attrs, ...stanza.elements,
      xml(NS.replace, 'replace', { id: 'other' }), xml(NS.reactions, 'reactions', { id: 'other' }, xml(NS.reactions, 'reaction', {}, 'x')), xml(NS.reply, 'reply', { id: 'other' })));
    expect(await got('inside')).toMatchObject({ lock: 'encrypted', level: 3, device: 11 });
    expect((await got('inside')).reply).toBeUndefined();
    expect(await texts()).toEqual(['inside']);
  });

  it('in both versions counts once', async () => {
    const other: Target = { jid: ALICE, device: 99, v03: true, v2: false };
    const native = await Stranger.make(ALICE, 99);
    native.publish(server, { 1: [id, 99] });
    const both = sealed('twice', [own(id), other]);
    expect(both.elements.map((one) => one.version)).toEqual([2, 1]);
    connected.send(message(bob, both, 'm1'));
    expect(await got('twice')).toMatchObject({ level: 3 });
    connected.send(message(bob, both, 'm1'));
    connected.send(message(bob, both, 'm2')); // as another message: its key is used up
    await handled(connected);
    expect(await texts()).toEqual(['twice']);
  });

  it('in 0.3 is marked as the weaker kind', async () => {
    connected.send(message(bob, sealed('older', [own(id, false)]), 'm1'));
    expect(await got('older')).toMatchObject({ lock: 'encrypted', level: 1 });
  });

  it('is refused when it was written for another chat, and by somebody else', async () => {
    connected.send(message(bob, bob.seal(CAROL, [own(id)], { text: 'for Carol' }, bundles), 'm1'));
    await refused(BOB);
    const words = sealed('by Bob');
    const stanza = message(bob, words, 'm2');
    connected.send(xml(NS.client, 'message', { ...stanza.attrs, from: `${CAROL}/x` }, ...stanza.elements));
    await refused(CAROL);
    expect(await texts()).toEqual(['misdirected']);
    expect(await texts(CAROL)).toEqual(['misdirected']);
    // Nor is Bob's key Carol's from now on.
    expect(await device.commands.devices(CAROL)).toEqual([]);
    connected.send(message(bob, words, 'm3'));
    await got('by Bob');
    expect(JSON.stringify(device.log)).not.toContain('for Carol');
  });

  it('is refused when the server gives it the id of another message', async () => {
    connected.send(message(bob, sealed('real', undefined, `<origin-id xmlns='urn:xmpp:sid:0' id='m1'/>`), 'm1'));
    await got('real');
    connected.send(message(bob, sealed('moved', undefined, `<origin-id xmlns='urn:xmpp:sid:0' id='m2'/>`), 'm3'));
    await refused(BOB);
    expect(await texts()).toEqual(['real', 'misdirected']);
  });

  it('shows which keys were taken out or put in on the way, once', async () => {
    const phone = await Stranger.make(ALICE, 99);
    phone.publish(server, { 1: [id, 99], 2: [id, 99] });
    const targets = [own(id), { jid: ALICE, device: 99, v03: true, v2: true }];
    const without = (stanza: XmlElement): XmlElement => xml(NS.client, 'message', stanza.attrs, ...stanza.elements.map((one) => (one.is(OMEMO2, 'encrypted')
      ? parse(one.toString().replace(/<key rid='99'[^]*?<\/key>/, '')) : one)));
    for (const text of ['first', 'second']) connected.send(without(message(bob, sealed(text, targets), text)));
    expect(await got('first')).toMatchObject({ level: 2, alarm: true, findings: expect.arrayContaining([{ kind: 'key-stripped', address: ALICE, device: 99 }]) as unknown });
    const second = await got('second');
    expect(second.level).toBe(2);
    expect(second.alarm).toBeUndefined();
    const added = sealed('third');
    const [element] = added.elements;
    const more = element && { ...element, keys: [...element.keys, ...element.keys.map((key) => ({ ...key, device: 1234 }))] };
    connected.send(message(bob, added, 'third', { elements: more ? [writeEncrypted(11, more)] : [] }));
    expect(await got('third')).toMatchObject({ level: 2, alarm: true, findings: expect.arrayContaining([{ kind: 'key-added', address: ALICE, device: 1234 }]) as unknown });
  });

  it('shows a device that the server has put among ours for the sender', async () => {
    const spy = await Stranger.make(ALICE, 666);
    const { node, item } = bundlePlace(2, 666);
    server.put(ALICE, node, xml(NS.pubsub, 'item', { id: item }, xml('', 'none')));
    connected.send(message(bob, bob.seal(ALICE, [own(id), { jid: ALICE, device: 666, v03: false, v2: true }], { text: 'spied on' },
      (target, version) => (target.device === 666 ? spy.bundle(version) : bundles(target, version))), 'm1'));
    expect(await got('spied on')).toMatchObject({ alarm: true, findings: [{ kind: 'device-injected', address: ALICE, device: 666 }] });
  });

  it('is corrected, taken back and reacted to only with the same protection', async () => {
    connected.send(message(bob, sealed('original'), 'm1'));
    const { id: known } = await got('original');
    const clear = (content: string, number: string): void => connected.message(`${BOB}/x`, content, { id: number, stanzaId: `a-${number}` });
    clear(`<body>forged</body><replace xmlns='${NS.replace}' id='m1'/>`, 'c1');
    clear(`<retract xmlns='${NS.retract}' id='m1'/>`, 'c2');
    clear(`<reactions xmlns='${NS.reactions}' id='m1'><reaction>x</reaction></reactions>`, 'c3');
    connected.send(xml(NS.client, 'message', { from: `${BOB}/x`, to: ALICE, type: 'chat', id: 'c4' },
      ...bob.elements(sealed('in 0.3', [own(id, false)])), xml(NS.replace, 'replace', { id: 'm1' }), xml(NS.sid, 'stanza-id', { id: 'a-c4', by: ALICE })));
    await got('in 0.3');
    const still = (await device.read(BOB)).find((one) => one.id === known);
    expect(still).toMatchObject({ text: 'original' });
    expect(still?.retracted ?? still?.reactions ?? still?.edited).toBeUndefined();
    connected.send(message(bob, bob.seal(ALICE, [own(id)], { elements: `<reactions xmlns='${NS.reactions}' id='m1'><reaction>\u{1F44D}</reaction></reactions>` }, bundles), 'd1'));
    await device.until(() => [...device.messages.get(BOB)?.values() ?? []].find((one) => one.id === known)?.reactions);
    connected.send(message(bob, sealed('corrected', undefined, `<replace xmlns='${NS.replace}' id='m1'/>`), 'd2'));
    expect(await got('corrected')).toMatchObject({ id: known, edited: true, level: 3 });
    connected.send(message(bob, bob.seal(ALICE, [own(id)], { elements: `<retract xmlns='${NS.retract}' id='m1'/>` }, bundles), 'd3'));
    await device.until(() => [...device.messages.get(BOB)?.values() ?? []].find((one) => one.id === known)?.retracted);
  });

  it('shares a file with its name and its hash, and takes no other for it', async () => {
    await device.stop();
    let there = new Blob();
    connected = await signIn({ fetch: () => Promise.resolve(new Response(there)) });
    const map = await sealFile(new Blob(['the map']));
    const url = 'https://upload.example.org/x.txt';
    const share = fileSharing.write(shareFile({ name: '../maps/the map.txt', size: 7, sha256: map.sha256, url, ...map.fileKey })).toString();
    connected.send(message(bob, sealed(aesgcmUrl(url, map.fileKey), undefined, share), 'm1'));
    const shared = await device.until(() => [...device.messages.get(BOB)?.values() ?? []].find((one) => one.file));
    expect(shared).toMatchObject({ text: '', file: { name: 'the map.txt', size: 7, kind: 'file' } });
    // Whoever has the key can make another file for it.
    const key = await crypto.subtle.importKey('raw', map.fileKey.key, 'AES-GCM', false, ['encrypt']);
    there = new Blob([await crypto.subtle.encrypt({ name: 'AES-GCM', iv: map.fileKey.iv }, key, new TextEncoder().encode('no map!'))]);
    await expect(device.commands.fetchFile(BOB, shared.id)).rejects.toMatchObject({ reason: { detail: 'file: wrong-hash' } });
    there = map.data;
    expect(await (await device.commands.fetchFile(BOB, shared.id)).text()).toBe('the map');
    // Beside what is encrypted anybody could say it.
    connected.send(xml(NS.client, 'message', { from: `${BOB}/x`, to: ALICE, type: 'chat', id: 'm2' },
      ...bob.elements(sealed(aesgcmUrl(url, map.fileKey), [own(id, false)])), parse(share), xml(NS.sid, 'stanza-id', { id: 'a-m2', by: ALICE })));
    const old = await device.until(() => [...device.messages.get(BOB)?.values() ?? []].find((one) => one.file && one.id !== shared.id));
    expect(old.file).toEqual({ name: 'x.txt', kind: 'file', uploading: false });
  });

  it('goes on in omemo:2 with a device that no longer announces it, until the person allows less', async () => {
    await device.commands.send(BOB, 'one');
    await device.until(() => device.message(BOB, 'one')?.state === 'sent');
    connected.send(message(bob, sealed('two'), 'm1'));
    await got('two');
    const versions = async (text: string): Promise<number[]> => {
      const before = connected.stanzas.length;
      await device.commands.send(BOB, text);
      return readEncrypted(await connected.until((one) => connected.stanzas.indexOf(one) >= before && readEncrypted(one)[0]?.payload !== undefined)).map((one) => one.version);
    };
    const told = device.log.length;
    connected.send(`<message xmlns='jabber:client' from='${BOB}' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'>
      <items node='${LIST_NODES[2]}'><item id='current'>${writeList(2, []).toString()}</item></items></event></message>`);
    await device.until(() => device.log.slice(told).some((entry) => entry.event === 'devices' && entry.data.address === BOB));
    expect(await versions('three')).toEqual([2]);
    expect(await device.commands.devices(BOB)).toMatchObject([{ id: 11, older: true, withdrawn: true }]);
    await device.commands.allowOlder(BOB, 11);
    expect(await versions('four')).toEqual([1]);
    expect((await device.commands.devices(BOB))[0]?.withdrawn).toBeUndefined();
  });

  it('goes on in omemo:2 once somebody has that, with the trust that their key has', async () => {
    const carol = await Stranger.make(CAROL, 21);
    carol.publish(server, { 1: [21] });
    const say = async (text: string): Promise<ReturnType<Stranger['open']>> => {
      await device.commands.send(CAROL, text);
      await device.until(() => device.message(CAROL, text)?.state === 'sent');
      const stanza = connected.stanzas.findLast((one) => one.attrs['to'] === CAROL && readEncrypted(one)[0]?.payload !== undefined);
      return stanza && carol.open(stanza, ALICE);
    };
    expect(await say('before')).toMatchObject({ version: 1, text: 'before' });
    connected.send(message(carol, carol.seal(ALICE, [own(id, false)], { text: 'in 0.3' }, bundles), 'c1'));
    await device.until(() => device.message(CAROL, 'in 0.3'));
    await device.commands.setTrust(CAROL, 21, 'verified');
    carol.publish(server);
    const told = device.log.length;
    connected.send(`<message xmlns='jabber:client' from='${CAROL}' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'>
      <items node='${LIST_NODES[2]}'><item id='current'>${writeList(2, [{ id: 21 }]).toString()}</item></items></event></message>`);
    await device.until(() => device.log.slice(told).some((entry) => entry.event === 'devices' && entry.data.address === CAROL));
    expect(await say('after')).toMatchObject({ version: 2, text: 'after' });
    expect(device.message(CAROL, 'after')).toMatchObject({ lock: 'verified', level: 3 });
    connected.send(message(carol, carol.seal(ALICE, [own(id)], { text: 'in omemo:2' }, bundles), 'c2'));
    expect(await device.until(() => device.message(CAROL, 'in omemo:2'))).toMatchObject({ lock: 'verified', level: 3 });
    expect(device.log.some((entry) => entry.event === 'devices' && entry.data.news === 'key-changed')).toBe(false);
  });

  it('takes back nothing that the other side has not said', async () => {
    await device.commands.send(BOB, 'my words');
    const stanza = await connected.until((one) => readEncrypted(one)[0]?.payload !== undefined);
    await device.until(() => device.message(BOB, 'my words')?.state === 'sent');
    connected.send(message(bob, bob.seal(ALICE, [own(id)], { elements: `<retract xmlns='${NS.retract}' id='${stanza.attrs['id'] ?? ''}'/>` }, bundles), 'd3'));
    await handled(connected);
    expect((await device.read(BOB))[0]).toMatchObject({ text: 'my words' });
    expect((await device.read(BOB))[0]?.retracted).toBeUndefined();
  });
});

describe('in a group', () => {
  const ROOM = 'family@groups.example.org', MUC = 'http://jabber.org/protocol/muc';
  let bob: Stranger;
  let connected: Connected;
  let id: number;

  beforeEach(async () => {
    server.on('http://jabber.org/protocol/disco#info', 'query', (_payload, iq) => (iq.attrs['to'] !== ROOM ? `<query xmlns='http://jabber.org/protocol/disco#info'/>`
      : `<query xmlns='http://jabber.org/protocol/disco#info'><identity category='conference' type='text'/>${[MUC, 'urn:xmpp:mam:2', 'muc_membersonly', 'muc_nonanonymous', 'muc_hidden', 'muc_persistent']
        .map((feature) => `<feature var='${feature}'/>`).join('')}</query>`));
    const members: Record<string, string[]> = { owner: [BOB], member: [ALICE, CAROL] };
    server.on(`${MUC}#admin`, 'query', (payload) => {
      const wanted = payload.child('item')?.attrs['affiliation'] ?? '';
      return `<query xmlns='${MUC}#admin'>${(members[wanted] ?? []).map((jid) => `<item affiliation='${wanted}' jid='${jid}'/>`).join('')}</query>`;
    });
    server.nodes.set(`${ALICE} ${NS.bookmarks}`, parse(`<item xmlns='${NS.pubsub}' id='${ROOM}'><conference xmlns='${NS.bookmarks}' autojoin='true'><nick>Alice</nick></conference></item>`));
    bob = await Stranger.make(BOB, 11);
    bob.publish(server);
    (await Stranger.make(CAROL, 12)).publish(server);
    connected = await signIn();
    id = await announced();
    await connected.until((stanza) => stanza.name === 'presence' && stanza.attrs['to'] === `${ROOM}/Alice`);
    for (const [nick, jid, codes] of [['Bob', BOB, ''], ['Carol', CAROL, ''], ['Alice', ALICE, `<status code='100'/><status code='110'/>`]] as const) {
      connected.send(`<presence xmlns='jabber:client' from='${ROOM}/${nick}' to='${ALICE}/Kith~1'><x xmlns='${MUC}#user'>
        <item affiliation='member' role='participant' jid='${jid}/x'/>${codes}</x></presence>`);
    }
    connected.send(`<message xmlns='jabber:client' type='groupchat' from='${ROOM}'><subject/></message>`);
    await device.until(() => device.chats.get(ROOM)?.group?.state === 'here' && device.chats.get(ROOM)?.lock === 'encrypted');
  });

  const sealed = (text: string, to = ROOM): SealResult => bob.seal(to, [own(id)], { text }, bundles);
  const said = (words: SealResult, number: string, nick = 'Bob'): XmlElement => xml(NS.client, 'message', { from: `${ROOM}/${nick}`, to: ALICE, type: 'groupchat', id: number },
    ...bob.elements(words), xml(NS.sid, 'stanza-id', { id: `r-${number}`, by: ROOM }));
  const refused = (chat: string, count = 1): Promise<true> => device.until(() => [...device.messages.get(chat)?.values() ?? []].filter((one) => one.problem === 'misdirected').length === count);

  it('what was said there counts there', async () => {
    connected.send(said(sealed('hello family'), 'm1'));
    expect(await device.until(() => device.message(ROOM, 'hello family'))).toMatchObject({ from: BOB, level: 3 });
  });

  it('what was said elsewhere, or by another member, is refused', async () => {
    connected.send(said(sealed('to Alice alone', ALICE), 'm1'));
    await refused(ROOM);
    connected.send(message(bob, sealed('to the family'), 'm2'));
    await refused(BOB);
    connected.send(said(sealed('by Bob'), 'm3', 'Carol'));
    await refused(ROOM, 2);
    expect(JSON.stringify(device.log)).not.toMatch(/to Alice alone|to the family|by Bob/);
  });

  it('what the room passes on of our words is compared with them', async () => {
    await device.commands.send(ROOM, 'from Alice');
    const sent = await connected.until((one) => readEncrypted(one)[0]?.payload !== undefined);
    expect(readEncrypted(sent)[0]?.keys.map((key) => key.jid ?? '').toSorted()).toEqual([BOB, CAROL]);
    const reflected = parse(sent.toString().replace(/<keys jid=.carol@example.org.>[^]*?<\/keys>/, ''));
    connected.send(xml(NS.client, 'message', { ...reflected.attrs, from: `${ROOM}/Alice`, to: ALICE }, ...reflected.elements, xml(NS.sid, 'stanza-id', { id: 'r-1', by: ROOM })));
    expect(await device.until(() => device.message(ROOM, 'from Alice')?.alarm && device.message(ROOM, 'from Alice'))).toMatchObject({
      state: 'sent', findings: [{ kind: 'changed', address: '', device: 0 }],
    });
  });
});

/** Finding 2.2.3 of the audit of 2016, played by the core's own tests and kept: omemo/attack_keyholder_internal_test.go. */
describe('somebody for whom a message was as well', () => {
  interface Played {
    readonly version: Version;
    readonly keys: readonly { readonly JID: string; readonly Device: number; readonly Data: string; readonly KeyExchange: boolean }[];
    readonly iv: string | null;
    readonly payload: string;
    readonly forged: string;
    readonly genuine: string;
    readonly deception: string;
  }
  const attack = JSON.parse(readFileSync(new URL('../../../../omemo/testdata/keyholder.json', import.meta.url), 'utf8')) as {
    readonly now: number; readonly device: number; readonly from: string; readonly sid: number;
    readonly records: Readonly<Record<string, string>>; readonly played: readonly Played[];
  };
  const of = (version: Version): Played => {
    const found = attack.played.find((one) => one.version === version);
    if (!found) throw new Error('not played');
    return found;
  };

  function stanza(played: Played, payload: string, number: string): XmlElement {
    const element = writeEncrypted(attack.sid, {
      version: played.version, payload: fromBase64(payload), ...(played.iv !== null && { iv: fromBase64(played.iv) }),
      keys: played.keys.map((key) => ({ jid: key.JID, device: key.Device, data: fromBase64(key.Data), keyExchange: key.KeyExchange, fingerprint: '', trust: 'trusted' as const })),
    });
    return xml(NS.client, 'message', { from: `${attack.from}/x`, to: ALICE, type: 'chat', id: number }, element, xml(NS.sid, 'stanza-id', { id: number, by: ALICE }));
  }

  /** Signs in with the device of the play, at its time. */
  async function deceived(): Promise<Connected> {
    const engine = await loadEngine();
    const records = Object.entries(attack.records).map(([key, value]) => ({ key, value: fromBase64(value) }));
    const connected = await signIn({
      clock: { now: () => attack.now * 1000, after: (ms, callback) => systemClock.after(ms, callback) },
      loadCrypto: () => Promise.resolve({ ...engine, newDeviceId: () => attack.device, create: () => records }),
    });
    await announced();
    return connected;
  }

  it('cannot put other words under it in omemo:2', async () => {
    const connected = await deceived();
    connected.send(stanza(of(2), of(2).forged, 'forged'));
    connected.send(stanza(of(2), of(2).payload, 'genuine'));
    expect(await device.until(() => device.message(BOB, of(2).genuine))).toMatchObject({ level: 3 });
    expect(await texts()).toEqual(['undecryptable', of(2).genuine]);
    expect(JSON.stringify(device.log)).not.toContain(of(2).deception);
  });

  it('can in 0.3, which is why that is marked', async () => {
    const connected = await deceived();
    connected.send(stanza(of(1), of(1).forged, 'forged'));
    const shown = await device.until(() => [...device.messages.get(BOB)?.values() ?? []].find((one) => one.text.startsWith(of(1).deception)));
    expect(shown).toMatchObject({ lock: 'encrypted', level: 1 });
  });
});
