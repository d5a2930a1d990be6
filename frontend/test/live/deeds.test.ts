import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Device } from '../support/device';
import { MODERN, type Server } from './servers';

const ALICE = 'alice@localhost', BOB = 'bob@localhost';

describe.each(MODERN)('what is done to messages on $name', (flavour) => {
  let server: Server;
  let alice: Device, bob: Device, tablet: Device;
  let group = '';

  beforeAll(async () => {
    server = await flavour.start();
    const open = async (name: string, profile: string): Promise<Device> => {
      const device = await Device.open({ origin: server.origin, socket: server.socket, profile: `${flavour.name}-deeds-${profile}` });
      await device.commands.signIn(`${name}@localhost`, 'correct horse');
      await device.online();
      await device.until(() => device.session.fingerprint);
      return device;
    };
    for (const name of ['alice', 'bob']) await server.addUser(name, 'correct horse');
    alice = await open('alice', 'alice');
    bob = await open('bob', 'bob');
    tablet = await open('bob', 'tablet');
    await alice.commands.addContact(BOB);
    await bob.until(() => bob.contacts.get(ALICE)?.relation === 'request');
    await bob.commands.acceptContact(ALICE);
    await alice.until(() => alice.contacts.get(BOB)?.relation === 'mutual');
    await alice.knowsDevicesOf(BOB, 2);
    await bob.knowsDevicesOf(ALICE);
    if (flavour.name !== 'kith') return;
    group = await alice.commands.createGroup('Deeds', [BOB]);
    for (const device of [alice, bob, tablet]) await device.until(() => device.chats.get(group)?.group?.state === 'here' && device.chats.get(group)?.group?.people === 2);
  });

  afterAll(async () => {
    for (const device of [alice, bob, tablet]) await device?.stop();
    await server?.stop();
  });

  describe.each(['between two', 'in a group'] as const)('%s', (where) => {
    const chatOf = (device: Device): string => (where === 'in a group' ? group : device === alice ? BOB : ALICE);
    const skip = (): boolean => where === 'in a group' && flavour.name !== 'kith';
    const say = async (device: Device, text: string, replyTo?: string): Promise<string> => {
      const { id } = await device.commands.send(chatOf(device), text, replyTo === undefined ? {} : { replyTo });
      await device.until(() => device.message(chatOf(device), text)?.known);
      for (const other of [alice, bob, tablet]) await other.until(() => other.message(chatOf(other), text)?.known, `“${text}” everywhere`);
      return id;
    };

    it('answers show what they answer', async () => {
      if (skip()) return;
      await say(alice, 'Cake or bread?');
      const question = bob.message(chatOf(bob), 'Cake or bread?');
      await say(bob, 'Cake!', question?.id);
      for (const device of [alice, bob, tablet]) {
        const answer = device.message(chatOf(device), 'Cake!');
        expect(answer?.reply).toMatchObject({ id: device.message(chatOf(device), 'Cake or bread?')?.id, from: ALICE, text: 'Cake or bread?' });
        expect(answer?.lock).toBe('encrypted');
      }
      expect(server.knows('Cake or bread?')).toBe(false);
    });

    it('reactions are shown with all who gave them, and can be taken back', async () => {
      if (skip()) return;
      const id = alice.message(chatOf(alice), 'Cake!')?.id ?? '';
      await alice.commands.react(chatOf(alice), id, ['👍', '🎂']);
      await bob.commands.react(chatOf(bob), bob.message(chatOf(bob), 'Cake!')?.id ?? '', ['👍']);
      for (const device of [alice, bob, tablet]) {
        await device.until(() => device.message(chatOf(device), 'Cake!')?.reactions?.[0]?.from.length === 2);
        expect(device.message(chatOf(device), 'Cake!')?.reactions?.map(({ emoji, own, from }) => [emoji, own, from.length])).toEqual([['👍', true, 2], ['🎂', device === alice, 1]]);
      }
      await alice.commands.react(chatOf(alice), id, []);
      await bob.until(() => bob.message(chatOf(bob), 'Cake!')?.reactions?.length === 1);
      expect(bob.chats.get(chatOf(bob))?.last?.text).toBe('Cake!');
    });

    it('corrections take the place of what was said, encrypted like it', async () => {
      if (skip()) return;
      await say(alice, 'At fvie');
      await alice.commands.edit(chatOf(alice), alice.message(chatOf(alice), 'At fvie')?.id ?? '', 'At five');
      for (const device of [alice, bob, tablet]) {
        const now = await device.until(() => device.message(chatOf(device), 'At five'));
        expect(now.edited).toBe(true);
        expect(await device.commands.editsOf(chatOf(device), now.id)).toMatchObject([{ text: 'At fvie' }]);
        expect(device.texts(chatOf(device)).filter((text) => text.startsWith('At f'))).toEqual(['At five']);
      }
      expect(server.knows('At five')).toBe(false);
      await expect(bob.commands.edit(chatOf(bob), bob.message(chatOf(bob), 'At five')?.id ?? '', 'At six')).rejects.toMatchObject({ reason: { code: 'policy' } });
    });

    it('what was taken back is gone everywhere', async () => {
      if (skip()) return;
      const id = await say(alice, 'wrong chat, sorry');
      await alice.commands.retract(chatOf(alice), id);
      for (const device of [alice, bob, tablet]) {
        await device.until(() => [...device.messages.get(chatOf(device))?.values() ?? []].some((message) => message.retracted));
        expect(device.message(chatOf(device), 'wrong chat, sorry')).toBeUndefined();
        expect(device.chats.get(chatOf(device))?.last?.retracted).toBe(true);
      }
      await expect(bob.commands.retract(chatOf(bob), bob.message(chatOf(bob), 'At five')?.id ?? '')).rejects.toMatchObject({ reason: { code: 'policy' } });
    });

    it('all of it is caught up with, and done once', async () => {
      if (skip()) return;
      await say(alice, 'first');
      await bob.stop();
      const id = alice.message(chatOf(alice), 'first')?.id ?? '';
      await alice.commands.edit(chatOf(alice), id, 'first, corrected');
      await alice.commands.react(chatOf(alice), id, ['❤️']);
      const gone = await alice.commands.send(chatOf(alice), 'gone before you came');
      await alice.until(() => alice.message(chatOf(alice), 'gone before you came')?.known);
      await alice.commands.retract(chatOf(alice), gone.id);
      await tablet.until(() => tablet.message(chatOf(tablet), 'first, corrected')?.reactions);
      bob = await Device.open(bob.options);
      await bob.online();
      const now = await bob.until(() => bob.message(chatOf(bob), 'first, corrected')?.reactions && bob.message(chatOf(bob), 'first, corrected'));
      expect(now.reactions).toEqual([{ emoji: '❤️', from: [ALICE], own: false }]);
      await bob.until(() => bob.chats.get(chatOf(bob))?.last?.retracted);
      expect(bob.texts(chatOf(bob)).filter((text) => text === 'gone before you came')).toEqual([]);
      expect((await bob.commands.editsOf(chatOf(bob), now.id)).length).toBe(1);
    });
  });

  it('who looks after a group takes back what others said', async () => {
    if (flavour.name !== 'kith') return;
    await bob.commands.send(group, 'buy my things');
    const spam = await alice.until(() => alice.message(group, 'buy my things'));
    await alice.commands.retract(group, spam.id);
    for (const device of [alice, bob, tablet]) {
      await device.until(() => [...device.messages.get(group)?.values() ?? []].some((message) => message.retracted?.by !== undefined));
      expect(device.message(group, 'buy my things')).toBeUndefined();
    }
  });
});
