import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Device } from '../../test/support/device';
import { ScriptServer, type Connected } from '../../test/support/script';
import { systemClock } from '../xmpp/clock';
import type { XmlElement } from '../xmpp/xml';

const ALICE = 'alice@example.org', BOB = 'bob@example.org';
const body = (text: string): string => `<body>${text}</body>`;

let server: ScriptServer;
let device: Device;
let profile = 0;

async function open(): Promise<Device> {
  return Device.open({ origin: 'https://example.org', socket: server.listener.factory, profile: `session-${profile}`, platform: { fetch: () => Promise.reject(new Error('no network')) } });
}

async function signIn(): Promise<Connected> {
  const [connected] = await Promise.all([server.accept(), device.commands.signIn(ALICE, 'pencil')]);
  await device.online();
  return connected;
}

/** Resolves when everything that was sent to the client so far has been handled. */
async function handled(connected: Connected): Promise<void> {
  await connected.ask(`<iq xmlns='jabber:client' type='get' id='${crypto.randomUUID()}' from='example.org'><ping xmlns='urn:xmpp:ping'/></iq>`);
  await device.commands.page(BOB, { limit: 1 });
}

beforeEach(async () => {
  profile++;
  server = new ScriptServer();
  device = await open();
});

afterEach(async () => {
  await device.stop();
});

describe('what comes in', () => {
  it('is stored, told, counted and acknowledged', async () => {
    const connected = await signIn();
    connected.message(`${BOB}/phone`, `${body('Hi')}<request xmlns='urn:xmpp:receipts'/>`, { id: 'm1', stanzaId: 'a1' });
    const message = await device.until(() => device.message(BOB, 'Hi'));
    expect(message).toMatchObject({ chat: BOB, from: BOB, outgoing: false, state: 'received', lock: 'unencrypted' });
    expect(device.chats.get(BOB)).toMatchObject({ title: 'Bob', unread: 1, last: { text: 'Hi' } });
    expect(device.log.find((entry) => entry.event === 'notify')?.data).toEqual({ account: ALICE, chat: BOB, title: 'Bob', text: 'Hi' });
    const receipt = await connected.until((stanza) => stanza.child('received', 'urn:xmpp:receipts') !== undefined);
    expect(receipt.attrs['to']).toBe(BOB);
    expect(receipt.child('received', 'urn:xmpp:receipts')?.attrs['id']).toBe('m1');
    await handled(connected);
    connected.send(`<r xmlns='urn:xmpp:sm:3'/>`);
    await handled(connected);
    expect(connected.acks[connected.acks.length - 1]).toBeGreaterThan(0);
  });

  it('is there once, however often and by whatever way it comes', async () => {
    const connected = await signIn();
    const origin = `<origin-id xmlns='urn:xmpp:sid:0' id='o1'/>`;
    connected.message(`${BOB}/phone`, body('once') + origin, { id: 'o1', stanzaId: 'a1' });
    connected.message(`${BOB}/phone`, body('once') + origin, { id: 'o1', stanzaId: 'a1' });
    connected.message(`${BOB}/phone`, body('once') + origin, { id: 'o1', stanzaId: 'a2' }); // sent again after a crash
    connected.send(`<message xmlns='jabber:client' from='${ALICE}'><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>
      <message xmlns='jabber:client' from='${BOB}/phone' to='${ALICE}/other' type='chat' id='o1'>${body('once')}${origin}</message></forwarded></received></message>`);
    await handled(connected);
    expect((await device.read(BOB)).map((message) => message.text)).toEqual(['once']);
    expect(device.chats.get(BOB)?.unread).toBe(1);
  });

  it('is twice there when somebody says the same thing twice', async () => {
    const connected = await signIn();
    connected.message(`${BOB}/phone`, body('ok'), { id: 'same', stanzaId: 'a1' });
    connected.message(`${BOB}/phone`, body('ok'), { id: 'same', stanzaId: 'a2' });
    connected.message(`${BOB}/phone`, body('ok'), { stanzaId: 'a3' });
    await handled(connected);
    expect((await device.read(BOB)).length).toBe(3);
  });

  it('is a copy of what another own device wrote', async () => {
    const connected = await signIn();
    connected.send(`<message xmlns='jabber:client' from='${ALICE}'><sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>
      <message xmlns='jabber:client' from='${ALICE}/phone' to='${BOB}' type='chat' id='c1'>${body('from my phone')}</message></forwarded></sent></message>`);
    const message = await device.until(() => device.message(BOB, 'from my phone'));
    expect(message).toMatchObject({ outgoing: true, state: 'sent' });
    expect(device.chats.get(BOB)?.unread).toBe(0);
  });

  it('says when it cannot be read', async () => {
    const connected = await signIn();
    connected.message(`${BOB}/phone`, `<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='5'><key rid='6'>AAAA</key><iv>AAAA</iv></header><payload>AAAA</payload></encrypted>${body('fallback')}`, { id: 'e1', stanzaId: 'a1' });
    connected.message(`${BOB}/phone`, `<openpgp xmlns='urn:xmpp:openpgp:0'/><encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:openpgp:0'/>${body('fallback')}`, { id: 'e2', stanzaId: 'a2' });
    connected.message(`${BOB}/phone`, `<encrypted xmlns='urn:xmpp:omemo:2'/>${body('fallback')}`, { id: 'e3', stanzaId: 'a3' });
    connected.message(`${BOB}/phone`, `<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='5'><key rid='6'>AAAA</key><iv>AAAA</iv></header></encrypted>`, { id: 'e4', stanzaId: 'a4' });
    await handled(connected);
    expect((await device.read(BOB)).map((message) => [message.problem, message.text])).toEqual(
      [['not-for-this-device', ''], ['openpgp', ''], ['unsupported', '']]);
  });
});

/** Named after the advisories that showed how clients fell for it. */
describe('what others make up', () => {
  it('a carbon of a stranger speaks for nobody (CVE-2017-5589)', async () => {
    const connected = await signIn();
    const copy = (inner: string): string => `<sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>${inner}</forwarded></sent>`;
    const inner = `<message xmlns='jabber:client' from='${ALICE}/x' to='${BOB}' type='chat'>${body('forged')}</message>`;
    connected.send(`<message xmlns='jabber:client' from='mallory@example.net'>${copy(inner)}</message>`);
    connected.send(`<message xmlns='jabber:client' from='${BOB}/x'>${copy(inner)}${body('forged')}</message>`);
    connected.send(`<message xmlns='jabber:client' from='${ALICE}/x'>${copy(inner)}</message>`);
    connected.send(`<message xmlns='jabber:client' from='${ALICE}'><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>
      <message xmlns='jabber:client' from='${BOB}' to='carol@example.org' type='chat'>${body('forged')}</message></forwarded></received></message>`);
    await handled(connected);
    expect(device.chats.size).toBe(0);
  });

  it('an archive result of a stranger is none (CVE-2020-26547)', async () => {
    const connected = await signIn();
    connected.send(`<message xmlns='jabber:client' from='mallory@example.net'><result xmlns='urn:xmpp:mam:2' id='x'><forwarded xmlns='urn:xmpp:forward:0'>
      <message xmlns='jabber:client' from='${BOB}' to='${ALICE}' type='chat'>${body('forged')}</message></forwarded></result></message>`);
    connected.send(`<message xmlns='jabber:client' from='${ALICE}'><result xmlns='urn:xmpp:mam:2' queryid='guessed' id='x'><forwarded xmlns='urn:xmpp:forward:0'>
      <message xmlns='jabber:client' from='${BOB}' to='${ALICE}' type='chat'>${body('forged')}</message></forwarded></result></message>`);
    await handled(connected);
    expect(device.chats.size).toBe(0);
  });

  it('a roster push of a stranger changes nothing (CVE-2019-16237)', async () => {
    const connected = await signIn();
    const push = (from: string, id: string): string => `<iq xmlns='jabber:client' type='set' id='${id}' ${from}><query xmlns='jabber:iq:roster'><item jid='mallory@example.net' subscription='both'/></query></iq>`;
    expect((await connected.ask(push(`from='mallory@example.net'`, 'p1'))).attrs['type']).toBe('error');
    expect(device.contacts.has('mallory@example.net')).toBe(false);
    expect((await connected.ask(push('', 'p2'))).attrs['type']).toBe('result');
    await device.until(() => device.contacts.has('mallory@example.net'));
  });

  it('an event speaks only for the owner of the node (CVE-2019-16236)', async () => {
    const connected = await signIn();
    const list = `<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='eu.siacs.conversations.axolotl.devicelist'><item id='current'>
      <list xmlns='eu.siacs.conversations.axolotl'><device id='666'/></list></item></items></event>`;
    connected.send(`<message xmlns='jabber:client' from='${BOB}/resource' type='headline'>${list}</message>`);
    await handled(connected);
    expect(device.log.some((entry) => entry.event === 'devices' && entry.data.address === BOB)).toBe(false);
    connected.send(`<message xmlns='jabber:client' from='${BOB}' type='headline'>${list}</message>`);
    await device.until(() => device.log.some((entry) => entry.event === 'devices' && entry.data.address === BOB));
  });

  it('an id of the archive counts only from the own server', async () => {
    const connected = await signIn();
    connected.message(`${BOB}/phone`, `${body('one')}<stanza-id xmlns='urn:xmpp:sid:0' id='a1' by='${BOB}'/>`, { id: 'm1' });
    connected.message(`${BOB}/phone`, body('two'), { id: 'm2', stanzaId: 'a1' });
    await handled(connected);
    expect((await device.read(BOB)).map((message) => message.text)).toEqual(['one', 'two']);
  });

  it('an answer counts only from whom was asked (CVE-2024-46957)', async () => {
    const connected = await signIn();
    server.on('urn:xmpp:cam:0', 'list', (_payload, iq, to) => {
      to.send(`<iq xmlns='jabber:client' type='result' id='${iq.attrs['id'] ?? ''}' from='mallory@example.net'><clients xmlns='urn:xmpp:cam:0'><client id='forged'/></clients></iq>`);
      to.send(`<message xmlns='jabber:client' type='result' id='${iq.attrs['id'] ?? ''}'/>`);
      return `<clients xmlns='urn:xmpp:cam:0'><client id='genuine'/></clients>`;
    });
    expect(await device.commands.logins()).toMatchObject([{ id: 'genuine' }]);
    expect(connected.peer.socket.readyState).toBe(1);
  });

  it('is confirmed again in a new session when the server may not have heard it, and only then', async () => {
    const isReceipt = (stanza: XmlElement): boolean => stanza.child('received', 'urn:xmpp:receipts') !== undefined;
    const asks = `<request xmlns='urn:xmpp:receipts'/>`;
    const first = await signIn();
    first.message(`${BOB}/phone`, body('heard') + asks, { id: 'm1', stanzaId: 'a1' });
    await first.until(isReceipt);
    await handled(first);
    first.mute = true; // what follows gets lost
    first.message(`${BOB}/phone`, body('lost') + asks, { id: 'm2', stanzaId: 'a2' });
    await first.until((stanza) => stanza.child('received', 'urn:xmpp:receipts')?.attrs['id'] === 'm2');
    first.peer.cut();
    const second = await server.accept({ resume: 'no' });
    await second.until(isReceipt);
    await handled(second);
    expect(second.stanzas.filter(isReceipt).map((stanza) => stanza.child('received', 'urn:xmpp:receipts')?.attrs['id'])).toEqual(['m2']);
  });

  it('a receipt or marker from somebody else confirms nothing', async () => {
    const connected = await signIn();
    const sent = await device.commands.send(BOB, 'mine', { allowUnencrypted: true });
    await device.until(() => device.message(BOB, 'mine')?.state === 'sent');
    connected.message('mallory@example.net/x', `<received xmlns='urn:xmpp:receipts' id='${sent.id}'/>`);
    connected.message('mallory@example.net/x', `<displayed xmlns='urn:xmpp:chat-markers:0' id='${sent.id}'/>`);
    await handled(connected);
    expect(device.message(BOB, 'mine')?.state).toBe('sent');
    connected.message(`${BOB}/x`, `<displayed xmlns='urn:xmpp:chat-markers:0' id='${sent.id}'/>`);
    await device.until(() => device.message(BOB, 'mine')?.state === 'read');
  });

  it('a stranger learns nothing, and what they write is not shown in a notification', async () => {
    const connected = await signIn();
    connected.message('eve@example.net/x', `${body('buy this')}<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>`, { id: 'm1', stanzaId: 'a1' });
    const message = await device.until(() => device.message('eve@example.net', 'buy this'));
    expect(device.log.find((entry) => entry.event === 'notify')?.data).toMatchObject({ text: '' });
    await device.commands.markRead('eve@example.net', message.order);
    await device.commands.setTyping('eve@example.net', true);
    await handled(connected);
    expect(connected.stanzas.filter((stanza) => stanza.attrs['to'] === 'eve@example.net' && stanza.name === 'message')).toEqual([]);
    expect(device.contacts.get('eve@example.net')).toMatchObject({ relation: 'none' });
  });
});

describe('what goes out', () => {
  it('is never in the clear unless the person agreed', async () => {
    const connected = await signIn();
    await device.commands.focus(BOB);
    await device.until(() => device.log.some((entry) => entry.event === 'devices' && entry.data.address === BOB));
    await expect(device.commands.send(BOB, 'secret')).rejects.toMatchObject({ reason: { code: 'cannot-encrypt' } });
    expect(connected.stanzas.some((stanza) => stanza.toString().includes('secret'))).toBe(false);
    await device.commands.send(BOB, 'public', { allowUnencrypted: true });
    const stanza = await connected.until((one) => one.name === 'message' && one.child('body')?.text === 'public');
    expect(stanza.attrs).toMatchObject({ to: BOB, type: 'chat' });
    expect(stanza.elements.map((element) => element.name)).toEqual(['body', 'active', 'origin-id', 'request', 'markable']);
    expect(await device.until(() => device.message(BOB, 'public')?.state === 'sent' && device.message(BOB, 'public'))).toMatchObject({ lock: 'unencrypted' });
  });

  it('fails by itself when nobody knew before that it could not be encrypted', async () => {
    await signIn();
    await device.commands.send(BOB, 'secret');
    const failed = await device.until(() => device.message(BOB, 'secret')?.state === 'failed' && device.message(BOB, 'secret'));
    expect(failed.reason?.code).toBe('cannot-encrypt');
    await device.commands.discard(BOB, failed.id);
    expect(await device.read(BOB)).toEqual([]);
    expect(device.chats.get(BOB)?.last).toBeUndefined();
  });

  it('is sent only when the server says so, and not twice when the command comes twice', async () => {
    const connected = await signIn();
    connected.mute = true;
    await device.commands.send(BOB, 'one', { allowUnencrypted: true, id: 'mine' });
    await device.commands.send(BOB, 'one', { allowUnencrypted: true, id: 'mine' });
    await connected.until((stanza) => stanza.child('body')?.text === 'one');
    expect(device.message(BOB, 'one')?.state).toBe('sending');
    expect(connected.stanzas.filter((stanza) => stanza.child('body')?.text === 'one').length).toBe(1);
    server.handled = connected.stanzas.length;
    connected.send(`<a xmlns='urn:xmpp:sm:3' h='${server.handled}'/>`);
    expect(await device.until(() => device.message(BOB, 'one')?.state === 'sent' && device.message(BOB, 'one'))).toMatchObject({ id: 'mine' });
  });

  it('is sent again on a resumed stream, and only what did not arrive', async () => {
    const first = await signIn();
    await device.commands.send(BOB, 'arrived', { allowUnencrypted: true });
    await device.until(() => device.message(BOB, 'arrived')?.state === 'sent');
    first.mute = true; // what follows gets lost
    await device.commands.send(BOB, 'lost', { allowUnencrypted: true });
    await first.until((stanza) => stanza.child('body')?.text === 'lost');
    first.peer.cut();
    const second = await server.accept({ resume: 'yes' });
    const again = await second.until((stanza) => stanza.name === 'message');
    expect(again.child('body')?.text).toBe('lost');
    expect(again.attrs['id']).toBe(first.stanzas.find((stanza) => stanza.child('body')?.text === 'lost')?.attrs['id']);
    await device.until(() => device.message(BOB, 'lost')?.state === 'sent');
    expect(second.stanzas.filter((stanza) => stanza.name === 'message').length).toBe(1);
  });

  it('is looked up in the archive before it is sent again in a new session', async () => {
    const first = await signIn();
    server.archive.push({ id: 'a0', stamp: '2026-01-01T00:00:00Z', message: `<message xmlns='jabber:client' from='${BOB}' to='${ALICE}' type='chat' id='b0'>${body('first')}</message>` });
    first.message(`${BOB}/phone`, body('first'), { id: 'b0', stanzaId: 'a0' });
    await device.until(() => device.message(BOB, 'first'));
    first.mute = true;
    for (const text of ['archived', 'lost']) await device.commands.send(BOB, text, { allowUnencrypted: true });
    const stanzas = await Promise.all(['archived', 'lost'].map((text) => first.until((stanza) => stanza.child('body')?.text === text)));
    // The server archived one of them, then it died before it could say so.
    server.archive.push({ id: 'a1', stamp: '2026-01-01T00:00:01Z', message: String(stanzas[0]).replace(`to=`, `from='${ALICE}/Kith~1' to=`) });
    server.archive.push({ id: 'a2', stamp: '2026-01-01T00:00:02Z', message: `<message xmlns='jabber:client' from='${BOB}' to='${ALICE}' type='chat' id='b1'>${body('meanwhile')}</message>` });
    first.peer.cut();
    const second = await server.accept({ resume: 'no' });
    await device.until(() => device.message(BOB, 'lost')?.state === 'sent');
    expect(second.stanzas.filter((stanza) => stanza.name === 'message' && stanza.child('body')).map((stanza) => [stanza.child('body')?.text, stanza.attrs['id']]))
      .toEqual([['lost', stanzas[1]?.attrs['id']]]);
    expect((await device.read(BOB)).map((message) => message.text)).toEqual(['first', 'archived', 'meanwhile', 'lost']);
    expect(device.message(BOB, 'archived')?.state).toBe('sent');
  });

  it('fails when it comes back, and can be tried again', async () => {
    const connected = await signIn();
    const message = await device.commands.send(BOB, 'refused', { allowUnencrypted: true });
    await device.until(() => device.message(BOB, 'refused')?.state === 'sent');
    connected.message(BOB, `<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`, { id: message.id, type: 'error' });
    await device.until(() => device.message(BOB, 'refused')?.state === 'failed');
    await device.commands.retry(BOB, message.id);
    await device.until(() => device.message(BOB, 'refused')?.state === 'sent');
    const ids = connected.stanzas.filter((stanza) => stanza.child('body')?.text === 'refused').map((stanza) => stanza.attrs['id']);
    expect(new Set(ids).size).toBe(2);
  });

  it('survives characters that XML cannot carry', async () => {
    const connected = await signIn();
    await device.commands.send(BOB, 'a\u0000b\u000bc\ud800d<&>', { allowUnencrypted: true });
    const stanza = await connected.until((one) => one.child('body') !== undefined);
    expect(stanza.child('body')?.text).toBe('abc\ufffdd<&>');
  });
});

describe('catching up', () => {
  const archived = (n: number, from = BOB): { id: string; stamp: string; message: string } => ({
    id: `a${n}`, stamp: new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString(),
    message: `<message xmlns='jabber:client' from='${from}/x' to='${from === ALICE ? BOB : ALICE}' type='chat' id='m${n}'>${body(`text ${n}`)}</message>`,
  });

  it('begins with the newest on a device that was never here, and pages back when somebody looks', async () => {
    for (let n = 0; n < 450; n++) server.archive.push(archived(n));
    await signIn();
    expect(device.chats.get(BOB)).toMatchObject({ unread: 0, hasOlder: true });
    const all: string[] = [];
    let before: number | undefined;
    for (;;) {
      const page = await device.commands.page(BOB, { limit: 100, ...(before !== undefined && { before }) });
      all.unshift(...page.messages.map((message) => message.text));
      before = page.messages[0]?.order;
      if (!page.hasOlder) break;
    }
    expect(all).toEqual(Array.from({ length: 450 }, (_, n) => `text ${n}`));
  });

  it('fetches everything since last time, in order, and puts behind it what comes meanwhile', async () => {
    server.archive.push(archived(0));
    const first = await signIn();
    await device.stop();
    void first;
    for (let n = 1; n <= 250; n++) server.archive.push(archived(n));
    device = await open();
    let asked = 0;
    const answer = server.responders.get('{urn:xmpp:mam:2}query');
    server.on('urn:xmpp:mam:2', 'query', (payload, iq, connected) => {
      // A message arrives live in the middle of it, and is in the archive too.
      if (asked++ === 1) {
        server.archive.push(archived(251));
        connected.message(`${BOB}/x`, body('text 251'), { id: 'm251', stanzaId: 'a251' });
      }
      return answer?.(payload, iq, connected);
    });
    await server.accept();
    await device.online();
    expect((await device.read(BOB)).map((message) => message.text)).toEqual(Array.from({ length: 252 }, (_, n) => `text ${n}`));
    expect(device.chats.get(BOB)?.unread).toBe(251);
    expect(device.log.filter((entry) => entry.event === 'notify').length).toBeGreaterThan(0);
  });

  it('goes on from the time when the server has forgotten the place', async () => {
    server.archive.push(archived(0));
    await signIn();
    await device.stop();
    server.archive.splice(0, 1, archived(5), archived(6));
    device = await open();
    await server.accept();
    await device.online();
    expect((await device.read(BOB)).map((message) => message.text)).toEqual(['text 0', 'text 5', 'text 6']);
  });

  it('is waited for by what is asked of the server while it begins, but not for long', async () => {
    await signIn();
    await device.stop();
    device = await open();
    const asked = device.commands.block('carol@example.org');
    server.on('urn:xmpp:blocking', 'block', () => undefined);
    await server.accept();
    await asked;
    await device.stop();
    device = await open();
    const refused = device.commands.block('carol@example.org');
    (await server.listener.next()).cut();
    await expect(refused).rejects.toMatchObject({ reason: { code: 'network' } });
  });

  it('reads the next time what it could not read this time', async () => {
    server.archive.push(archived(0));
    await signIn();
    await device.stop();
    server.archive.push(archived(1));
    const answer = server.responders.get('{urn:xmpp:mam:2}query');
    server.on('urn:xmpp:mam:2', 'query', () => ({ error: 'internal-server-error' }));
    device = await open();
    const second = await server.accept();
    await device.online();
    second.message(`${BOB}/x`, body('text 2'), { id: 'm2', stanzaId: 'a2' });
    await device.until(() => device.message(BOB, 'text 2'));
    await device.stop();
    server.archive.push(archived(2), archived(3));
    server.on('urn:xmpp:mam:2', 'query', (...asked) => answer?.(...asked));
    device = await open();
    await server.accept();
    await device.online();
    expect((await device.read(BOB)).map((message) => message.text)).toEqual(['text 0', 'text 2', 'text 1', 'text 3']);
  });

  it('ends where a server says for ever that there is more, and gives the same again', async () => {
    server.archive.push(archived(0));
    await signIn();
    await device.stop();
    let asked = 0;
    server.on('urn:xmpp:mam:2', 'query', (payload, _iq, to) => {
      asked++;
      const { id, stamp, message } = archived(1);
      to.send(`<message xmlns='jabber:client' to='${ALICE}/Kith~1'><result xmlns='urn:xmpp:mam:2' queryid='${payload.attrs['queryid'] ?? ''}' id='${id}'><forwarded xmlns='urn:xmpp:forward:0'>
        <delay xmlns='urn:xmpp:delay' stamp='${stamp}'/>${message}</forwarded></result></message>`);
      return `<fin xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><first>${id}</first><last>${id}</last></set></fin>`;
    });
    device = await open();
    await server.accept();
    await device.online();
    expect(asked).toBe(2);
    expect((await device.read(BOB)).map((message) => message.text)).toEqual(['text 0', 'text 1']);
  });

  it('works without an archive', async () => {
    server.on('urn:xmpp:mam:2', 'query', () => ({ error: 'service-unavailable' }));
    const connected = await signIn();
    connected.message(`${BOB}/phone`, body('Hi'), { id: 'm1' });
    await device.until(() => device.message(BOB, 'Hi'));
    expect(device.chats.get(BOB)?.hasOlder).toBe(false);
    expect(await device.commands.page(BOB, { limit: 10 })).toMatchObject({ hasOlder: false, hasNewer: false });
  });
});

describe('a session that could not be begun', () => {
  const ROSTER = 'jabber:iq:roster';
  const roster = (): string => `<query xmlns='${ROSTER}'/>`;
  /** What is asked for is refused once, and answered from then on. */
  const refusing = (error: string): void => {
    let asked = 0;
    server.on(ROSTER, 'query', () => (asked++ === 0 ? { error } : roster()));
  };

  it('is not gone on with, but begun anew', async () => {
    refusing('internal-server-error');
    const signedIn = device.commands.signIn(ALICE, 'pencil');
    await server.accept();
    await signedIn;
    const second = await server.accept({ resume: 'yes' });
    await device.online();
    second.message(`${BOB}/phone`, body('Hi'), { id: 'm1', stanzaId: 'a1' });
    await device.until(() => device.message(BOB, 'Hi'));
  });

  it('nor when nobody answers', async () => {
    await device.stop();
    const patience = new Set<() => void>();
    device = await Device.open({
      origin: 'https://example.org', socket: server.listener.factory, profile: `session-${profile}`,
      platform: {
        fetch: () => Promise.reject(new Error('no network')),
        clock: {
          now: () => Date.now(),
          after: (ms, callback) => {
            if (ms < 30_000) return systemClock.after(ms, callback);
            patience.add(callback);
            return () => patience.delete(callback);
          },
        },
      },
    });
    let silent = true, ask = (): void => undefined;
    const asked = new Promise<void>((resolve) => { ask = resolve; });
    server.on(ROSTER, 'query', () => {
      ask();
      return silent ? new Promise(() => undefined) : roster();
    });
    const signedIn = device.commands.signIn(ALICE, 'pencil');
    const first = await server.accept();
    await signedIn;
    await asked;
    first.message(`${BOB}/phone`, body('while it begins'), { id: 'm1', stanzaId: 'a1' });
    server.archive.push({ id: 'a1', stamp: '2026-01-01T00:00:00Z', message: `<message xmlns='jabber:client' from='${BOB}/phone' to='${ALICE}' type='chat' id='m1'>${body('while it begins')}</message>` });
    silent = false;
    for (const callback of [...patience]) callback();
    await server.accept({ resume: 'yes' });
    await device.online();
    expect((await device.read(BOB)).map((message) => message.text)).toEqual(['while it begins']);
  });

  it('nor when the connection broke on the way, and came back', async () => {
    for (let n = 0; n < 150; n++) {
      const message = `<message xmlns='jabber:client' from='${BOB}/x' to='${ALICE}' type='chat' id='m${n}'>${body(`text ${n}`)}</message>`;
      server.archive.push({ id: `a${n}`, stamp: new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString(), message });
    }
    const answer = server.responders.get('{urn:xmpp:mam:2}query');
    let cut = false;
    server.on('urn:xmpp:mam:2', 'query', (payload, iq, to) => {
      if (!cut) setImmediate(() => to.peer.cut()); // the page is there, and is being stored
      cut = true;
      return answer?.(payload, iq, to);
    });
    const signedIn = device.commands.signIn(ALICE, 'pencil');
    await server.accept();
    await signedIn;
    let latest = await server.accept({ resume: 'yes' });
    // Perhaps once more: what had been begun is begun anew.
    void (async () => { for (;;) latest = await server.accept({ resume: 'yes' }); })().catch(() => undefined);
    await device.online();
    expect((await device.read(BOB)).length).toBe(150);
    latest.message(`${BOB}/phone`, body('Hi'), { id: 'm1000', stanzaId: 'a1000' });
    await device.until(() => device.message(BOB, 'Hi'));
  });

  it('nor when the archive cannot be read just now: nothing is left out', async () => {
    const archived = (n: number): void => void server.archive.push({
      id: `a${n}`, stamp: new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString(),
      message: `<message xmlns='jabber:client' from='${BOB}/x' to='${ALICE}' type='chat' id='m${n}'>${body(`text ${n}`)}</message>`,
    });
    archived(0);
    await signIn();
    await device.stop();
    archived(1);
    const answer = server.responders.get('{urn:xmpp:mam:2}query');
    let asked = 0;
    server.on('urn:xmpp:mam:2', 'query', (payload, iq, to) => (asked++ === 0 ? { error: 'internal-server-error', type: 'wait' } : answer?.(payload, iq, to)));
    device = await open();
    await server.accept();
    await server.accept({ resume: 'yes' });
    await device.online();
    expect((await device.read(BOB)).map((message) => message.text)).toEqual(['text 0', 'text 1']);
  });
});

describe('what was read', () => {
  it('is told to the sender and to the own devices, once', async () => {
    const connected = await signIn();
    for (const n of [1, 2, 3]) connected.message(`${BOB}/phone`, `${body(`text ${n}`)}<markable xmlns='urn:xmpp:chat-markers:0'/>`, { id: `m${n}`, stanzaId: `a${n}` });
    const last = await device.until(() => device.message(BOB, 'text 3'));
    await device.commands.markRead(BOB, last.order);
    await device.commands.markRead(BOB, last.order);
    await device.until(() => device.chats.get(BOB)?.unread === 0);
    const marker = await connected.until((stanza) => stanza.child('displayed', 'urn:xmpp:chat-markers:0') !== undefined);
    expect(marker.child('displayed', 'urn:xmpp:chat-markers:0')?.attrs['id']).toBe('m3');
    const published = await connected.until((stanza) => stanza.child('pubsub', 'http://jabber.org/protocol/pubsub')?.child('publish')?.attrs['node'] === 'urn:xmpp:mds:displayed:0');
    expect(String(published)).toContain(`id='a3'`);
    await handled(connected);
    expect(connected.stanzas.filter((stanza) => stanza.child('displayed', 'urn:xmpp:chat-markers:0')).length).toBe(1);
  });

  it('is one message where the server helps (XEP-0490)', async () => {
    server.on('http://jabber.org/protocol/disco#info', 'query', () => `<query xmlns='http://jabber.org/protocol/disco#info'><feature var='urn:xmpp:mds:server-assist:0'/></query>`);
    const connected = await signIn();
    connected.message(`${BOB}/phone`, `${body('Hi')}<markable xmlns='urn:xmpp:chat-markers:0'/>`, { id: 'm1', stanzaId: 'a1' });
    await device.commands.markRead(BOB, (await device.until(() => device.message(BOB, 'Hi'))).order);
    const marker = await connected.until((stanza) => stanza.child('displayed', 'urn:xmpp:chat-markers:0') !== undefined);
    expect(marker.child('displayed', 'urn:xmpp:mds:displayed:0')?.child('stanza-id', 'urn:xmpp:sid:0')?.attrs).toEqual({ id: 'a1', by: ALICE });
  });

  it('is heard from other own devices, also before the message itself', async () => {
    const connected = await signIn();
    const event = (id: string): string => `<message xmlns='jabber:client' from='${ALICE}' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'>
      <items node='urn:xmpp:mds:displayed:0'><item id='${BOB}'><displayed xmlns='urn:xmpp:mds:displayed:0'><stanza-id xmlns='urn:xmpp:sid:0' by='${ALICE}' id='${id}'/></displayed></item></items></event></message>`;
    for (const n of [1, 2]) connected.message(`${BOB}/phone`, body(`text ${n}`), { id: `m${n}`, stanzaId: `a${n}` });
    await device.until(() => device.chats.get(BOB)?.unread === 2);
    connected.send(event('a1'));
    await device.until(() => device.chats.get(BOB)?.unread === 1);
    connected.send(event('a3'));
    await handled(connected);
    expect(device.chats.get(BOB)?.unread).toBe(1);
    connected.message(`${BOB}/phone`, body('text 3'), { id: 'm3', stanzaId: 'a3' });
    await device.until(() => device.message(BOB, 'text 3') !== undefined && device.chats.get(BOB)?.unread === 0);
    connected.send(event('a1'));
    await handled(connected);
    expect(device.chats.get(BOB)?.unread).toBe(0);
  });

  it('is what another own device has answered', async () => {
    const connected = await signIn();
    const answer = (text: string, id: string): void => connected.send(`<message xmlns='jabber:client' from='${ALICE}'><sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>
      <message xmlns='jabber:client' from='${ALICE}/phone' to='${BOB}' type='chat' id='${id}'>${body(text)}<stanza-id xmlns='urn:xmpp:sid:0' by='${ALICE}' id='${id}'/></message></forwarded></sent></message>`);
    connected.message(`${BOB}/phone`, body('are you there?'), { id: 'm1', stanzaId: 'a1' });
    await device.until(() => device.chats.get(BOB)?.unread === 1);
    answer('yes', 'a2');
    await device.until(() => device.message(BOB, 'yes') && device.chats.get(BOB)?.unread === 0);
    connected.message(`${BOB}/phone`, body('good'), { id: 'm3', stanzaId: 'a3' });
    await device.until(() => device.chats.get(BOB)?.unread === 1);
    answer('yes', 'a2'); // a copy of what is here says nothing new
    await handled(connected);
    expect(device.chats.get(BOB)?.unread).toBe(1);
  });

  it('is told later when there is no connection now', async () => {
    const first = await signIn();
    first.message(`${BOB}/phone`, `${body('Hi')}<markable xmlns='urn:xmpp:chat-markers:0'/>`, { id: 'm1', stanzaId: 'a1' });
    const message = await device.until(() => device.message(BOB, 'Hi'));
    server.listener.refusing = true;
    first.peer.cut();
    await device.until(() => device.session.phase === 'offline');
    await device.commands.markRead(BOB, message.order);
    expect(device.chats.get(BOB)?.unread).toBe(0);
    server.listener.refusing = false;
    await device.commands.reconnect();
    server.archive.push({ id: 'a1', stamp: '2026-01-01T00:00:00Z', message: `<message xmlns='jabber:client' from='${BOB}' to='${ALICE}' id='m1' type='chat'>${body('Hi')}</message>` });
    const second = await server.accept({ resume: 'no' });
    await second.until((stanza) => stanza.child('displayed', 'urn:xmpp:chat-markers:0')?.attrs['id'] === 'm1');
  });
});

describe('being signed in', () => {
  it('goes on with a token, without a password anywhere in the browser', async () => {
    await signIn();
    await device.stop();
    device = await open();
    const second = await server.accept();
    await device.online();
    expect(second.request.attrs['mechanism']).toBe('HT-SHA-256-NONE');
    expect(second.request.child('user-agent')?.attrs['id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('is over when the token is refused, and everything is still there', async () => {
    const first = await signIn();
    first.message(`${BOB}/phone`, body('Hi'), { id: 'm1', stanzaId: 'a1' });
    await device.until(() => device.message(BOB, 'Hi'));
    await device.stop();
    device = await open();
    const peer = await server.listener.next();
    await peer.until('open');
    peer.send(`<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' from='example.org' id='s1' version='1.0'/>`);
    peer.send(`<stream:features xmlns:stream='http://etherx.jabber.org/streams'><authentication xmlns='urn:xmpp:sasl:2'><mechanism>SCRAM-SHA-256</mechanism>
      <inline><fast xmlns='urn:xmpp:fast:0'><mechanism>HT-SHA-256-NONE</mechanism></fast></inline></authentication></stream:features>`);
    await peer.next();
    peer.send(`<failure xmlns='urn:xmpp:sasl:2'><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></failure>`);
    await device.until(() => device.session.phase === 'locked');
    expect(device.session.reason?.code).toBe('credentials');
    expect((await device.read(BOB)).length).toBe(1);
    await signIn();
    expect((await device.read(BOB)).length).toBe(1);
  });

  it('waits longer and longer when the server does not answer, and not at all when the person asks', async () => {
    const first = await signIn();
    server.listener.refusing = true;
    first.peer.cut();
    const delays: number[] = [];
    for (let i = 0; i < 3; i++) {
      const state = await device.until(() => device.session.phase === 'offline' && device.session.retryAt !== undefined && device.session);
      delays.push((state.retryAt ?? 0) - Date.now());
      const seen = device.log.length;
      await device.commands.reconnect();
      await device.until(() => device.log.slice(seen).some((entry) => entry.event === 'session' && entry.data.phase === 'connecting'));
      await device.until(() => device.log.slice(seen).some((entry) => entry.event === 'session' && entry.data.phase === 'offline'));
    }
    expect(delays[2]).toBeGreaterThan(delays[0] ?? Infinity);
    server.listener.refusing = false;
    await device.commands.reconnect();
    await server.accept();
    await device.online();
  });

  it('does not fight with another instance for the session', async () => {
    const first = await signIn();
    first.send(`<stream:error xmlns:stream='http://etherx.jabber.org/streams'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`);
    const state = await device.until(() => device.session.phase === 'offline' && device.session);
    expect(state.reason?.code).toBe('conflict');
    expect(state.retryAt).toBeUndefined();
    await device.commands.reconnect();
    await server.accept();
    await device.online();
  });

  it('changes the password with the password, and without telling it', async () => {
    await signIn();
    let credentials = '';
    server.on('kith:credentials:0', 'credentials', (payload) => { credentials = String(payload); return undefined; });
    const changing = device.commands.changePassword('pencil', 'a much longer pencil');
    const second = await server.accept();
    expect(second.request.attrs['mechanism']).toBe('SCRAM-SHA-256');
    await changing;
    expect(credentials.match(/mechanism='SCRAM-SHA-(1|256|512)'/g)?.length).toBe(3);
    expect(credentials).not.toContain('pencil');
    await expect(device.commands.changePassword('pencil', 'short')).rejects.toMatchObject({ reason: { code: 'password-weak' } });
  });

  it('ends everywhere: token revoked, device withdrawn, nothing left', async () => {
    const connected = await signIn();
    await device.until(() => device.session.fingerprint);
    await connected.until((stanza) => stanza.child('pubsub', 'http://jabber.org/protocol/pubsub')?.child('publish')?.attrs['node'] === 'eu.siacs.conversations.axolotl.devicelist');
    const leaving = device.commands.signOut();
    const last = await server.accept();
    expect(last.request.child('fast', 'urn:xmpp:fast:0')?.attrs['invalidate']).toBe('true');
    await leaving;
    const pubsub = connected.stanzas.map((stanza) => stanza.child('pubsub', 'http://jabber.org/protocol/pubsub'));
    for (const node of ['eu.siacs.conversations.axolotl.devicelist', 'urn:xmpp:omemo:2:devices']) {
      const lists = pubsub.map((one) => one?.child('publish')).filter((publish) => publish?.attrs['node'] === node);
      expect(String(lists[0]), node).toContain('<device ');
      expect(String(lists[lists.length - 1]), node).not.toContain('<device ');
    }
    expect(pubsub.some((one) => one?.child('retract')?.attrs['node'] === 'urn:xmpp:omemo:2:bundles')).toBe(true);
    expect(connected.stanzas.some((one) => one.child('pubsub', 'http://jabber.org/protocol/pubsub#owner')?.child('delete')?.attrs['node']?.startsWith('eu.siacs.conversations.axolotl.bundles:') === true)).toBe(true);
    expect(device.session).toEqual({ phase: 'none', catchingUp: false });
    expect((await indexedDB.databases()).filter((info) => info.name?.startsWith(`session-${profile}:`) === true)).toEqual([]);
  });
});
