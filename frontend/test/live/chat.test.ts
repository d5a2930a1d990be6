import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Device } from '../support/device';
import { FLAVOURS, type Server } from './servers';

const ALICE = 'alice@localhost', BOB = 'bob@localhost';

describe.each(FLAVOURS)('two people on $name', (flavour) => {
  let server: Server;
  let alice: Device, bob: Device;

  beforeAll(async () => {
    server = await flavour.start();
    await server.addUser('alice', 'correct horse');
    await server.addUser('bob', 'battery staple');
    alice = await Device.open({ origin: server.origin, socket: server.socket, profile: `${flavour.name}-alice` });
    bob = await Device.open({ origin: server.origin, socket: server.socket, profile: `${flavour.name}-bob` });
  });

  afterAll(async () => {
    await alice?.stop();
    await bob?.stop();
    await server?.stop();
  });

  it('refuses a wrong password and leaves nothing behind', async () => {
    await expect(alice.commands.signIn(ALICE, 'wrong')).rejects.toMatchObject({ reason: { code: 'credentials' } });
    expect(alice.session.phase).toBe('none');
    expect((await indexedDB.databases()).map((info) => info.name)).not.toContain(`${flavour.name}-alice:${ALICE}`);
  });

  it('signs in', async () => {
    await alice.commands.signIn(ALICE, 'correct horse');
    await bob.commands.signIn('bob@localhost', 'battery staple');
    await alice.online();
    await bob.online();
    await alice.until(() => alice.session.fingerprint);
    expect(alice.session.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  });

  it('makes contacts', async () => {
    await alice.commands.addContact(BOB, 'Bobby');
    await bob.until(() => bob.contacts.get(ALICE)?.relation === 'request');
    await bob.commands.acceptContact(ALICE);
    await alice.until(() => alice.contacts.get(BOB)?.relation === 'mutual');
    await bob.until(() => bob.contacts.get(ALICE)?.relation === 'mutual');
    await alice.until(() => alice.availability(BOB) === 'online');
    expect(alice.contacts.get(BOB)?.name).toBe('Bobby');
    await bob.commands.setDisplayName('Robert');
    await alice.commands.renameContact(BOB, '');
    await alice.until(() => alice.contacts.get(BOB)?.name === 'Robert');
  });

  it('exchanges encrypted messages with all their ticks', async () => {
    await alice.commands.focus(BOB);
    await alice.knowsDevicesOf(BOB);
    await alice.commands.send(BOB, 'Hello Bob');
    const got = await bob.until(() => bob.message(ALICE, 'Hello Bob'));
    expect(got.lock).toBe('encrypted');
    await alice.until(() => alice.message(BOB, 'Hello Bob')?.state === 'delivered');
    await bob.commands.markRead(ALICE, got.order);
    await alice.until(() => alice.message(BOB, 'Hello Bob')?.state === 'read');
    await bob.commands.send(ALICE, 'Hello Alice');
    await alice.until(() => alice.message(BOB, 'Hello Alice'));
    await bob.commands.setTyping(ALICE, true);
    await alice.until(() => alice.log.some((entry) => entry.event === 'typing' && entry.data.typing));
    expect(server.knows('Hello Bob')).toBe(false);
    expect(server.knows('eu.siacs.conversations.axolotl')).toBe(true);
  });

  it('keeps history over a restart of the browser, and catches up', async () => {
    await bob.stop();
    for (let i = 0; i < 5; i++) await alice.commands.send(BOB, `missed ${i}`);
    await alice.until(() => alice.message(BOB, 'missed 4')?.state === 'sent');
    bob = await Device.open(bob.options);
    expect(bob.chats.get(ALICE)?.last?.text).toBe('Hello Alice');
    // Without tokens (RFC 6120) the password is asked for again: it is never stored.
    await bob.until(() => bob.session.phase === (flavour.tokens ? 'online' : 'locked'));
    if (!flavour.tokens) await bob.commands.signIn(BOB, 'battery staple');
    await bob.online();
    const texts = (await bob.read(ALICE)).map((message) => message.text);
    expect(texts).toEqual(['Hello Bob', 'Hello Alice', ...Array.from({ length: 5 }, (_, i) => `missed ${i}`)]);
    expect(bob.chats.get(ALICE)?.unread).toBe(5);
    await alice.until(() => alice.message(BOB, 'missed 4')?.state === 'delivered');
  });

  it('loses nothing when the server is killed', async () => {
    await alice.commands.send(BOB, 'before the crash');
    await alice.until(() => alice.message(BOB, 'before the crash')?.state !== 'sending');
    const crash = server.crash();
    await alice.commands.send(BOB, 'during the crash');
    await crash;
    await bob.until(() => bob.message(ALICE, 'during the crash'));
    const texts = (await bob.read(ALICE)).map((message) => message.text);
    expect(texts.filter((text) => text.endsWith('the crash'))).toEqual(['before the crash', 'during the crash']);
    await alice.until(() => alice.message(BOB, 'during the crash')?.state !== 'sending');
  });

  it('signs out and forgets', async () => {
    await bob.commands.signOut();
    expect(bob.session.phase).toBe('none');
    expect((await indexedDB.databases()).map((info) => info.name)).not.toContain(`${flavour.name}-bob:${BOB}`);
    await alice.until(() => alice.availability(BOB) === 'offline');
  });
});
