import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arriving } from '../support/arriving';
import { Device } from '../support/device';
import { MODERN, type Server } from './servers';

const PEOPLE = ['alice@localhost', 'bob@localhost', 'carol@localhost'] as const;
const COUNT = Number(process.env['CHAOS_MESSAGES'] ?? 150);
const SEED = Number(process.env['CHAOS_SEED'] ?? 11);

describe.each(MODERN.filter((flavour) => flavour.durable))('whatever breaks, a group has each message once, in one order: $name', (flavour) => {
  let server: Server;
  const devices: Device[] = [];
  let group = '';
  let seed = SEED;
  const random = (n: number): number => (seed = (seed * 48271) % 0x7fffffff) % n;

  beforeAll(async () => {
    server = await flavour.start();
    for (const address of PEOPLE) {
      await server.addUser(address.split('@')[0] ?? '', 'correct horse');
      const device = await Device.open({ origin: server.origin, socket: server.socket, profile: `${flavour.name}-groupchaos-${address}` });
      devices.push(device);
      await device.commands.signIn(address, 'correct horse');
      await device.online();
      await device.until(() => device.session.fingerprint);
    }
    const [alice, ...others] = devices as [Device, ...Device[]];
    for (const [i, other] of others.entries()) {
      const address = PEOPLE[i + 1] ?? '';
      await alice.commands.addContact(address);
      await other.until(() => other.contacts.get(PEOPLE[0])?.relation === 'request');
      await other.commands.acceptContact(PEOPLE[0]);
      await other.until(() => other.contacts.get(PEOPLE[0])?.relation === 'mutual');
    }
    group = await alice.commands.createGroup('Chaos', PEOPLE.slice(1));
    for (const device of devices) await device.until(() => device.chats.get(group)?.group?.state === 'here' && device.chats.get(group)?.group?.people === 3);
  });

  afterAll(async () => {
    for (const device of devices) await device.stop();
    await server?.stop();
  });

  it(`${COUNT} messages, seed ${SEED}`, async () => {
    const sent: string[] = [];
    let crash: Promise<void> | undefined;
    for (let i = 0; i < COUNT; i++) {
      const who = random(PEOPLE.length);
      const text = `${i} from ${PEOPLE[who] ?? ''}`;
      sent.push(text);
      await devices[who]?.commands.send(group, text);
      const other = random(PEOPLE.length);
      switch (random(20)) {
        case 0: case 1: devices[other]?.cut(); break;
        case 2:
          await crash;
          crash = server.crash();
          break;
        case 3: {
          const device = devices[other];
          if (!device) break;
          device.kill();
          devices[other] = await Device.open(device.options);
          break;
        }
        case 4: await new Promise((resolve) => setTimeout(resolve, random(200))); break;
        default:
      }
    }
    await crash;
    for (const device of devices) {
      await arriving(device, group, (messages) => messages.length >= sent.length && messages.every((message) => message.state !== 'sending'));
    }
    const all = await Promise.all(devices.map(async (device) => (await device.read(group)).map((message) => message.problem ?? `${message.text}${message.state === 'failed' ? ' failed' : ''}`)));
    for (const texts of all) expect([...texts].sort((a, b) => parseInt(a) - parseInt(b))).toEqual(sent);
    for (const who of PEOPLE) for (const texts of all) expect(texts.filter((text) => text.endsWith(who))).toEqual(sent.filter((text) => text.endsWith(who)));
    expect(all[1]).toEqual(all[0]);
    expect(all[2]).toEqual(all[0]);
  }, 180_000);
});
