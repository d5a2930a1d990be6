import { openDB } from 'idb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Device } from '../support/device';
import { MODERN, type Server } from './servers';

const ALICE = 'alice@localhost', BOB = 'bob@localhost';

describe.each(MODERN)('several devices of each: $name', (flavour) => {
  let server: Server;
  let laptop: Device, phone: Device, bob: Device;
  let profile = 0;

  const open = (): Promise<Device> => Device.open({ origin: server.origin, socket: server.socket, profile: `${flavour.name}-devices-${profile++}` });

  beforeAll(async () => {
    server = await flavour.start();
    await server.addUser('alice', 'correct horse');
    await server.addUser('bob', 'battery staple');
    laptop = await open();
    bob = await open();
    await laptop.commands.signIn(ALICE, 'correct horse');
    await bob.commands.signIn(BOB, 'battery staple');
    await Promise.all([laptop.online(), bob.online()]);
    await laptop.commands.addContact(BOB);
    await bob.until(() => bob.contacts.get(ALICE)?.relation === 'request');
    await bob.commands.acceptContact(ALICE);
    await laptop.until(() => laptop.contacts.get(BOB)?.relation === 'mutual');
    await laptop.knowsDevicesOf(BOB);
    await bob.knowsDevicesOf(ALICE);
    await laptop.commands.send(BOB, 'before the phone');
    // The receipt is in the archive then, where the phone will find it.
    await laptop.until(() => laptop.message(BOB, 'before the phone')?.state === 'delivered');
  });

  afterAll(async () => {
    for (const device of [laptop, phone, bob]) await device?.stop();
    await server?.stop();
  });

  it('a new device finds the history, and says what it cannot read', async () => {
    phone = await open();
    await phone.commands.signIn(ALICE, 'correct horse');
    await phone.online();
    const [message] = await phone.read(BOB);
    expect(message).toMatchObject({ outgoing: true, problem: 'not-for-this-device', text: '', state: 'delivered' });
    expect(phone.chats.get(BOB)?.unread).toBe(0);
    await phone.until(() => phone.session.fingerprint);
  });

  it('both devices get and send everything', async () => {
    await bob.knowsDevicesOf(ALICE, 2);
    // More than once where two devices announce themselves at the same time, and one list replaces the other for a moment.
    expect(bob.log.filter((entry) => entry.event === 'devices' && entry.data.address === ALICE && entry.data.news === 'new-device').length).toBeGreaterThanOrEqual(1);
    await bob.commands.send(ALICE, 'to both');
    await Promise.all([laptop.until(() => laptop.message(BOB, 'to both')), phone.until(() => phone.message(BOB, 'to both'))]);
    await phone.commands.focus(BOB);
    await phone.commands.send(BOB, 'from the phone');
    await bob.until(() => bob.message(ALICE, 'from the phone'));
    const copy = await laptop.until(() => laptop.message(BOB, 'from the phone'));
    expect(copy).toMatchObject({ outgoing: true, lock: 'encrypted', level: 3 });
    expect(bob.message(ALICE, 'from the phone')).toMatchObject({ level: 3 });
    expect(bob.message(ALICE, 'from the phone')?.findings).toBeUndefined();
    await laptop.commands.send(BOB, 'from the laptop');
    await phone.until(() => phone.message(BOB, 'from the laptop'));
  });

  it('what is read on one is read on the other', async () => {
    // Whoever answered, on whichever device, had read what was there.
    expect(phone.chats.get(BOB)?.unread).toBe(0);
    await bob.commands.send(ALICE, 'to be read');
    const message = await laptop.until(() => laptop.message(BOB, 'to be read'));
    await phone.until(() => phone.chats.get(BOB)?.unread === 1);
    await laptop.commands.markRead(BOB, message.order);
    await phone.until(() => phone.chats.get(BOB)?.unread === 0);
    await bob.until(() => bob.message(ALICE, 'to be read')?.state === 'read');
  });

  it('lists the devices of both sides', async () => {
    const own = await laptop.commands.devices(ALICE);
    expect(own.map((device) => [device.own, device.current])).toEqual([[true, true], [true, false]]);
    expect(new Set(own.map((device) => device.fingerprint))).toEqual(new Set([laptop.session.fingerprint, phone.session.fingerprint]));
    const theirs = await bob.commands.devices(ALICE);
    expect(new Set(theirs.map((device) => device.fingerprint))).toEqual(new Set([laptop.session.fingerprint, phone.session.fingerprint]));
    expect(theirs.every((device) => device.trust === 'trusted' && !device.own)).toBe(true);
  });

  it('verifies by a scanned code, and shows it by the lock', async () => {
    expect(bob.chats.get(ALICE)?.lock).toBe('encrypted');
    expect(await bob.commands.verifyUri(await laptop.commands.verificationUri())).toEqual({ address: ALICE, verified: 1 });
    expect(bob.chats.get(ALICE)?.lock).toBe('encrypted');
    expect(await bob.commands.verifyUri(await phone.commands.verificationUri())).toEqual({ address: ALICE, verified: 1 });
    await bob.until(() => bob.chats.get(ALICE)?.lock === 'verified');
    await bob.commands.send(ALICE, 'verified');
    expect((await bob.until(() => bob.message(ALICE, 'verified')?.state === 'sent' && bob.message(ALICE, 'verified'))).lock).toBe('verified');
    await laptop.commands.send(BOB, 'verified too');
    expect((await bob.until(() => bob.message(ALICE, 'verified too'))).lock).toBe('verified');
  });

  it('refuses a code with another key, and one that is none', async () => {
    const uri = await laptop.commands.verificationUri();
    const forged = uri.replace(/=[0-9a-f]{8}/, '=00000000');
    await expect(bob.commands.verifyUri(forged)).rejects.toMatchObject({ reason: { code: 'not-found' } });
    await expect(bob.commands.verifyUri('https://example.org')).rejects.toMatchObject({ reason: { code: 'name-invalid' } });
  });

  it('a new device of a verified contact waits for a decision', async () => {
    const tablet = await open();
    await tablet.commands.signIn(ALICE, 'correct horse');
    await tablet.online();
    await bob.until(() => bob.chats.get(ALICE)?.lock === 'encrypted');
    const outcome = await bob.commands.send(ALICE, 'held back').then((message) => message.id, (error: { reason: { code: string } }) => error.reason.code);
    if (outcome !== 'untrusted') {
      const failed = await bob.until(() => bob.message(ALICE, 'held back')?.state === 'failed' && bob.message(ALICE, 'held back'));
      expect(failed.reason?.code).toBe('untrusted');
      await bob.commands.discard(ALICE, failed.id);
    }
    // Known to be undecided now, it is said at once.
    await expect(bob.commands.send(ALICE, 'held back')).rejects.toMatchObject({ reason: { code: 'untrusted' } });
    const undecided = (await bob.commands.devices(ALICE)).filter((device) => device.trust === 'undecided');
    expect(undecided.map((device) => device.fingerprint)).toEqual([tablet.session.fingerprint]);
    await bob.commands.setTrust(ALICE, undecided[0]?.id ?? 0, 'distrusted');
    await bob.commands.send(ALICE, 'not for the tablet');
    await laptop.until(() => laptop.message(BOB, 'not for the tablet'));
    const seen = await tablet.until(() => [...tablet.messages.get(BOB)?.values() ?? []].find((message) => message.problem !== undefined));
    expect(seen.problem).toBe('not-for-this-device');
    await bob.commands.setTrust(ALICE, undecided[0]?.id ?? 0, 'trusted');
    await bob.commands.send(ALICE, 'for all');
    await tablet.until(() => tablet.message(BOB, 'for all'));
    await tablet.commands.signOut();
    await bob.until(() => bob.chats.get(ALICE)?.lock === 'verified');
  });

  it('finds a way back when one side has lost its sessions', async () => {
    // Bob's browser was wiped: the same account, another device; Alice's sessions with the old one are of no use.
    bob.kill();
    bob = await open();
    await bob.commands.signIn(BOB, 'battery staple');
    await bob.online();
    await laptop.knowsDevicesOf(BOB, 2);
    await bob.knowsDevicesOf(ALICE, 2);
    await laptop.commands.send(BOB, 'are you back?');
    await bob.until(() => bob.message(ALICE, 'are you back?'));
    await bob.commands.send(ALICE, 'I am');
    await Promise.all([laptop.until(() => laptop.message(BOB, 'I am')), phone.until(() => phone.message(BOB, 'I am'))]);
  });

  it('finds a way back when a session is damaged', async () => {
    // Both have heard from each other in their session: what follows begins none by itself.
    await phone.commands.send(BOB, 'ping');
    await bob.until(() => bob.message(ALICE, 'ping'));
    await bob.commands.send(ALICE, 'pong');
    await phone.until(() => phone.message(BOB, 'pong'));
    await phone.stop();
    const db = await openDB(`${phone.options.profile}:${ALICE}`);
    for (const key of await db.getAllKeys('omemo')) if (typeof key === 'string' && key.startsWith(`session/${BOB}/`)) await db.delete('omemo', key);
    db.close();
    phone = await Device.open(phone.options);
    await phone.online();
    await bob.commands.send(ALICE, 'cannot be read');
    await phone.until(() => [...phone.messages.get(BOB)?.values() ?? []].find((message) => message.problem === 'undecryptable'));
    await laptop.until(() => laptop.message(BOB, 'cannot be read'));
    // The phone has started a new session and told so; what Bob says after that he says in it.
    const heard = (): number => [...phone.messages.get(BOB)?.values() ?? []].filter((message) => !message.outgoing).length;
    for (let i = 0; phone.message(BOB, `again ${i - 1}`) === undefined; i++) {
      const before = heard();
      await bob.commands.send(ALICE, `again ${i}`);
      await laptop.until(() => laptop.message(BOB, `again ${i}`));
      await phone.until(() => heard() > before);
    }
    await phone.commands.send(BOB, 'all is well');
    await bob.until(() => bob.message(ALICE, 'all is well'));
  });

  it('sends to somebody who cannot encrypt only after consent, and marks it', async () => {
    await server.addUser('carol', 'plain and simple');
    await expect(laptop.commands.addContact('carol@localhost')).resolves.toBeUndefined();
    await laptop.commands.focus('carol@localhost');
    await laptop.until(() => laptop.log.some((entry) => entry.event === 'devices' && entry.data.address === 'carol@localhost'));
    await expect(laptop.commands.send('carol@localhost', 'secret')).rejects.toMatchObject({ reason: { code: 'cannot-encrypt' } });
    await laptop.commands.send('carol@localhost', 'hello', { allowUnencrypted: true });
    expect(await laptop.until(() => laptop.message('carol@localhost', 'hello')?.state === 'sent' && laptop.message('carol@localhost', 'hello')))
      .toMatchObject({ lock: 'unencrypted' });
  });

  it('waits for the keys of somebody who has just joined', async () => {
    await server.addUser('dora', 'first of all');
    const dora = await Device.open({ origin: server.origin, socket: server.socket, profile: `${flavour.name}-dora` });
    try {
      await laptop.commands.send('dora@localhost', 'welcome');
      await dora.commands.signIn('dora@localhost', 'first of all');
      expect(await dora.until(() => dora.message(ALICE, 'welcome'))).toMatchObject({ lock: 'encrypted' });
      expect(laptop.message('dora@localhost', 'welcome')?.lock).toBe('encrypted');
    } finally {
      await dora.stop();
    }
  });

  it('blocks', async () => {
    await laptop.commands.block(BOB);
    await laptop.until(() => laptop.contacts.get(BOB)?.blocked === true);
    await expect(laptop.commands.send(BOB, 'no')).rejects.toMatchObject({ reason: { code: 'blocked' } });
    await phone.until(() => phone.contacts.get(BOB)?.blocked === true);
    await laptop.commands.unblock(BOB);
    await phone.until(() => phone.contacts.get(BOB)?.blocked === false);
  });

  it('makes an invitation', async () => {
    const invite = await laptop.commands.createInvite();
    expect(invite.uri).toMatch(/^xmpp:/);
    expect(invite.token.length).toBeGreaterThan(8);
  });
});
