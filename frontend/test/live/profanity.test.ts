import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Device } from '../support/device';
import { Profanity } from './profanity';
import { Kithd } from './kithd';
import { PROGRAM } from './servers';

const ALICE = 'alice@localhost', BOB = 'bob@localhost';

describe.runIf(Profanity.available() && existsSync(PROGRAM))('a native client', () => {
  let server: Kithd;
  let alice: Device;
  let bob: Profanity;

  beforeAll(async () => {
    server = await Kithd.start(PROGRAM);
    await server.addUser('alice', 'correct horse');
    await server.addUser('bob', 'battery staple');
    alice = await Device.open({ origin: server.origin, socket: server.socket, profile: 'profanity-alice' });
    await alice.commands.signIn(ALICE, 'correct horse');
    await alice.online();
    await alice.until(() => alice.session.fingerprint);
    bob = await Profanity.start(BOB, 'battery staple', server.nativePort, 'trust');
    await bob.type('/omemo gen');
    await bob.shows('crytographic materials generated');
    await bob.type('/omemo trustmode blind');
  });

  afterAll(async () => {
    await alice?.stop();
    await bob?.stop();
    await server?.stop();
  });

  it('becomes a contact', async () => {
    await alice.commands.addContact(BOB);
    await bob.type(`/sub allow ${ALICE}`);
    await bob.type(`/sub request ${ALICE}`);
    await alice.until(() => alice.contacts.get(BOB)?.relation === 'mutual');
    await alice.until(() => alice.availability(BOB) === 'online');
    await alice.knowsDevicesOf(BOB);
  });

  it('reads what the browser writes', async () => {
    const sent = await alice.commands.send(BOB, 'Hello from the browser');
    await bob.type(`/msg ${ALICE}`);
    await bob.shows('Hello from the browser');
    expect(await alice.until(() => alice.message(BOB, 'Hello from the browser')?.state === 'delivered' && alice.message(BOB, 'Hello from the browser')))
      .toMatchObject({ id: sent.id, lock: 'encrypted' });
  });

  it('is read by the browser, over many turns', async () => {
    await bob.type('/omemo start');
    for (let i = 0; i < 6; i++) {
      await bob.type(`line ${i} from the terminal`);
      const message = await alice.until(() => alice.message(BOB, `line ${i} from the terminal`));
      expect(message.lock).toBe('encrypted');
      await alice.commands.send(BOB, `answer ${i} from the browser`);
      await bob.shows(`answer ${i} from the browser`);
    }
    expect(server.knows('from the terminal')).toBe(false);
  });

  it('has the fingerprint that the browser shows', async () => {
    await bob.type('/omemo fingerprint');
    await bob.shows((alice.session.fingerprint ?? '?').replace(/(.{8})(?=.)/g, '$1-'));
  });

  it('is understood when it writes in the clear, and that is marked', async () => {
    await bob.type('/omemo end');
    await bob.type('in the clear');
    expect((await alice.until(() => alice.message(BOB, 'in the clear'))).lock).toBe('unencrypted');
  });
});
