import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Device } from '../support/device';
import { FLAVOURS, type Server } from './servers';

const ALICE = 'alice@localhost', BOB = 'bob@localhost';

describe.each(FLAVOURS.filter((flavour) => flavour.name === 'kith'))('files on $name', (flavour) => {
  let server: Server;
  let alice: Device, bob: Device;
  const secret = 'the treasure lies beneath the apple tree';

  beforeAll(async () => {
    server = await flavour.start();
    const open = async (address: string): Promise<Device> => {
      const device = await Device.open({ origin: server.origin, socket: server.socket, profile: `${flavour.name}-files-${address}` });
      await server.addUser(address.split('@')[0] ?? '', 'correct horse');
      await device.commands.signIn(address, 'correct horse');
      await device.online();
      await device.until(() => device.session.fingerprint);
      return device;
    };
    alice = await open(ALICE);
    bob = await open(BOB);
    await alice.commands.addContact(BOB);
    await bob.until(() => bob.contacts.get(ALICE)?.relation === 'request');
    await bob.commands.acceptContact(ALICE);
    await alice.until(() => alice.contacts.get(BOB)?.relation === 'mutual');
    await alice.knowsDevicesOf(BOB);
  });

  afterAll(async () => {
    await alice?.stop();
    await bob?.stop();
    await server?.stop();
  });

  const shared = (device: Device, chat: string, nth = 0) => [...device.messages.get(chat)?.values() ?? []].filter((message) => message.file).sort((a, b) => a.order - b.order)[nth];

  it('arrive encrypted, with a name that only the others can read', async () => {
    const sent = await alice.commands.sendFile(BOB, new Blob([secret]), { id: crypto.randomUUID(), name: 'Secret map.JPG', width: 4, height: 3 });
    expect(sent).toMatchObject({ text: '', state: 'sending', file: { name: 'Secret map.JPG', kind: 'image', size: secret.length, uploading: true } });
    const got = await bob.until(() => shared(bob, ALICE));
    expect(got).toMatchObject({ text: '', lock: 'encrypted', file: { name: 'Secret map.JPG', kind: 'image', size: secret.length, width: 4, height: 3, uploading: false } });
    expect(await (await bob.commands.fetchFile(ALICE, got.id)).text()).toBe(secret);
    expect((await bob.commands.fetchFile(ALICE, got.id)).type).toBe('image/jpeg');
    await alice.until(() => alice.message(BOB, '')?.state !== 'sending');
    expect(alice.log.some((entry) => entry.event === 'transfer')).toBe(true);
    expect(bob.chats.get(ALICE)?.last).toMatchObject({ text: '', file: 'image' });
    for (const text of [secret, 'Secret map', 'aesgcm://']) expect(server.knows(text)).toBe(false);
  });

  it('wait while there is no connection, over a restart, and are sent once', async () => {
    await alice.stop();
    alice = await Device.open({ ...alice.options, socket: () => { throw new Error('no network'); } });
    await alice.commands.sendFile(BOB, new Blob(['later']), { id: crypto.randomUUID(), name: 'notes.txt' });
    await alice.commands.send(BOB, 'after the file');
    await alice.stop();
    alice = await Device.open({ ...alice.options, socket: server.socket });
    await bob.until(() => bob.message(ALICE, 'after the file'));
    const read = await bob.read(ALICE);
    expect(read.map((message) => message.file?.name ?? message.text)).toEqual(['Secret map.JPG', 'notes.txt', 'after the file']);
    const got = shared(bob, ALICE, 1);
    expect(await (await bob.commands.fetchFile(ALICE, got?.id ?? '')).text()).toBe('later');
    expect(got?.file?.kind).toBe('file');
  });
});
