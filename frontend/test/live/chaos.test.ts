import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arriving } from '../support/arriving';
import { Device } from '../support/device';
import { MODERN, type Server } from './servers';

const ALICE = 'alice@localhost', BOB = 'bob@localhost';
const SEED = Number(process.env['CHAOS_SEED'] ?? Math.floor(Math.random() * 1e6));

describe.each(MODERN)('whatever breaks, each message arrives once and in order: $name', (flavour) => {
  const count = Number(process.env['CHAOS_MESSAGES'] ?? (flavour.durable ? 1000 : 200));
  let server: Server;
  let alice: Device, bob: Device;
  let seed = SEED + 1;
  const random = (n: number): number => (seed = (seed * 48271) % 0x7fffffff) % n;

  beforeAll(async () => {
    server = await flavour.start();
    await server.addUser('alice', 'correct horse');
    await server.addUser('bob', 'battery staple');
    alice = await Device.open({ origin: server.origin, socket: server.socket, profile: `${flavour.name}-chaos-alice` });
    bob = await Device.open({ origin: server.origin, socket: server.socket, profile: `${flavour.name}-chaos-bob` });
    await alice.commands.signIn(ALICE, 'correct horse');
    await bob.commands.signIn(BOB, 'battery staple');
    await Promise.all([alice.online(), bob.online()]);
    await alice.commands.addContact(BOB);
    await bob.until(() => bob.contacts.get(ALICE)?.relation === 'request');
    await bob.commands.acceptContact(ALICE);
    await alice.until(() => alice.contacts.get(BOB)?.relation === 'mutual');
    await alice.knowsDevicesOf(BOB);
    await bob.knowsDevicesOf(ALICE);
  });

  afterAll(async () => {
    await alice?.stop();
    await bob?.stop();
    await server?.stop();
  });

  it(`${count} messages, seed ${SEED}`, async () => {
    const sent: Record<string, string[]> = { [ALICE]: [], [BOB]: [] };
    const shownAsSent = new Map<string, number>();
    let crash: Promise<void> | undefined;
    for (let i = 0; i < count; i++) {
      const fromAlice = random(2) === 0;
      const [device, me, to] = fromAlice ? [alice, ALICE, BOB] as const : [bob, BOB, ALICE] as const;
      const text = `${i} from ${me}`;
      sent[me]?.push(text);
      await device.commands.send(to, text);
      switch (random(25)) {
        case 0: alice.cut(); break;
        case 1: bob.cut(); break;
        case 2:
          if (!flavour.durable) break;
          await crash;
          crash = server.crash();
          break;
        case 3:
          alice.kill();
          alice = await Device.open(alice.options);
          break;
        case 4:
          bob.kill();
          bob = await Device.open(bob.options);
          break;
        case 5: await new Promise((resolve) => setTimeout(resolve, random(200))); break;
        default:
      }
      for (const [who, chat] of [[alice, BOB], [bob, ALICE]] as const) {
        for (const message of who.messages.get(chat)?.values() ?? []) {
          if (message.outgoing && message.state === 'sent' && !shownAsSent.has(message.id)) shownAsSent.set(message.id, message.order);
        }
      }
    }
    await crash;
    const complete = (device: Device, chat: string): Promise<void> => arriving(device, chat, (messages) =>
      messages.filter((message) => !message.outgoing).length >= (sent[chat]?.length ?? 0));
    await complete(bob, ALICE);
    await complete(alice, BOB);
    const lost: string[] = [];
    for (const [to, from, me, peer] of [[bob, alice, ALICE, BOB], [alice, bob, BOB, ALICE]] as const) {
      const got = new Set((await to.read(me)).map((message) => message.text));
      for (const message of await from.read(peer)) {
        if (message.outgoing && !got.has(message.text)) lost.push(`${message.text}: ${message.state} ${message.reason?.detail ?? ''} ${message.id}`);
      }
    }
    expect(lost).toEqual([]);
    for (const [device, me, chat] of [[alice, ALICE, BOB], [bob, BOB, ALICE]] as const) {
      const messages = await device.read(chat);
      expect(messages.filter((message) => !message.outgoing).map((message) => message.problem ?? message.text)).toEqual(sent[chat]);
      expect(messages.filter((message) => message.outgoing).map((message) => message.text)).toEqual(sent[me]);
      expect(messages.filter((message) => message.state === 'failed')).toEqual([]);
      for (const message of messages) {
        const order = shownAsSent.get(message.id);
        if (order !== undefined) expect(message.order).toBe(order);
      }
    }
    await alice.until(() => [...alice.messages.get(BOB)?.values() ?? []].every((message) => message.state !== 'sending'));
  }, 400_000);
});
