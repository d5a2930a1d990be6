import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Device } from '../support/device';
import { FLAVOURS, type Server } from './servers';

const ALICE = 'alice@localhost', BOB = 'bob@localhost', CAROL = 'carol@localhost';
const PASSWORDS: Readonly<Record<string, string>> = { [ALICE]: 'correct horse', [BOB]: 'battery staple', [CAROL]: 'paper clip tree' };

async function befriend(a: Device, b: Device, aAddress: string, bAddress: string): Promise<void> {
  await a.commands.addContact(bAddress);
  await b.until(() => b.contacts.get(aAddress)?.relation === 'request');
  await b.commands.acceptContact(aAddress);
  await a.until(() => a.contacts.get(bAddress)?.relation === 'mutual');
  await b.until(() => b.contacts.get(aAddress)?.relation === 'mutual');
}

describe.each(FLAVOURS.filter((flavour) => flavour.name === 'kith'))('a private group on $name', (flavour) => {
  let server: Server;
  const devices = new Map<string, Device>();
  const of = (address: string): Device => {
    const device = devices.get(address);
    if (!device) throw new Error(`no device of ${address}`);
    return device;
  };
  let group = '';
  const here = (address: string): Promise<true> => of(address).until(() => of(address).chats.get(group)?.group?.state === 'here', `${address} being in the group`);
  const people = (address: string, count: number): Promise<true> =>
    of(address).until(() => of(address).chats.get(group)?.group?.people === count, `${address} seeing ${count} people`);
  const gets = (address: string, text: string) => of(address).until(() => of(address).message(group, text), `${address} getting “${text}”`);
  const arrives = (address: string, text: string) => of(address).until(() => of(address).message(group, text)?.state !== 'sending', `“${text}” arriving`);

  beforeAll(async () => {
    server = await flavour.start();
    for (const address of [ALICE, BOB, CAROL]) {
      await server.addUser(address.split('@')[0] ?? '', PASSWORDS[address] ?? '');
      const device = await Device.open({ origin: server.origin, socket: server.socket, profile: `${flavour.name}-group-${address}` });
      devices.set(address, device);
      await device.commands.signIn(address, PASSWORDS[address] ?? '');
      await device.online();
      await device.commands.setDisplayName(`${address[0]?.toUpperCase()}${address.split('@')[0]?.slice(1)}`);
    }
    await befriend(of(ALICE), of(BOB), ALICE, BOB);
    await befriend(of(ALICE), of(CAROL), ALICE, CAROL);
    for (const address of [ALICE, BOB, CAROL]) await of(address).until(() => of(address).session.fingerprint);
  });

  afterAll(async () => {
    for (const device of devices.values()) await device.stop();
    await server?.stop();
  });

  it('is made, and those who are asked by a contact are in it', async () => {
    group = await of(ALICE).commands.createGroup('Family', [BOB]);
    await here(ALICE);
    await here(BOB);
    for (const address of [ALICE, BOB]) {
      await people(address, 2);
      expect(of(address).chats.get(group)).toMatchObject({ kind: 'group', title: 'Family', group: { privacy: 'private' } });
    }
    expect(of(ALICE).chats.get(group)?.group).toMatchObject({ role: 'owner', may: { add: true, remove: true, configure: true } });
    expect(of(BOB).chats.get(group)?.group).toMatchObject({ role: 'member', may: { add: false, remove: false, configure: false } });
    const members = await of(BOB).commands.members(group);
    expect(members.map((member) => [member.address, member.role, member.name, member.self]).sort((a, b) => String(a[0]).localeCompare(String(b[0])))).toEqual([
      [ALICE, 'owner', 'Alice', false], [BOB, 'member', 'Bob', true]]);
  });

  it('is encrypted in all directions', async () => {
    await of(ALICE).commands.send(group, 'Hello family');
    expect(await gets(BOB, 'Hello family')).toMatchObject({ from: ALICE, name: 'Alice', lock: 'encrypted', level: 3, outgoing: false });
    await arrives(ALICE, 'Hello family');
    await of(BOB).commands.send(group, 'Hi @Alice');
    expect(await gets(ALICE, 'Hi @Alice')).toMatchObject({ from: BOB, mention: true });
    await of(ALICE).until(() => of(ALICE).chats.get(group)?.mentions === 1);
    expect(of(ALICE).log.findLast((entry) => entry.event === 'notify')?.data).toMatchObject({ chat: group, title: 'Family', text: 'Bob: Hi @Alice' });
    await of(BOB).commands.setTyping(group, true);
    await of(ALICE).until(() => of(ALICE).log.some((entry) => entry.event === 'typing' && entry.data.chat === group && entry.data.from === BOB));
    const message = of(ALICE).message(group, 'Hi @Alice');
    await of(ALICE).commands.markRead(group, message?.order ?? 0);
    await of(BOB).until(() => of(BOB).message(group, 'Hi @Alice')?.state === 'read');
    expect(await of(BOB).commands.readers(group, of(BOB).message(group, 'Hi @Alice')?.id ?? '')).toEqual([ALICE]);
    expect(server.knows('Hello family')).toBe(false);
  });

  it('reads from joining on: somebody new cannot read what was before', async () => {
    await of(ALICE).commands.addMembers(group, [CAROL]);
    await here(CAROL);
    for (const address of [ALICE, BOB, CAROL]) await people(address, 3);
    await of(BOB).commands.send(group, 'Welcome Carol');
    await gets(CAROL, 'Welcome Carol');
    await gets(ALICE, 'Welcome Carol');
    await of(CAROL).commands.send(group, 'Thank you');
    await gets(ALICE, 'Thank you');
    await gets(BOB, 'Thank you');
    const read = await of(CAROL).read(group);
    expect(read.filter((message) => message.problem === undefined).map((message) => message.text)).toEqual(['Welcome Carol', 'Thank you']);
    expect(read.filter((message) => message.problem !== undefined).map((message) => message.problem)).toEqual(['not-for-this-device', 'not-for-this-device']);
  });

  it('keeps what somebody missed, and everybody sees one order', async () => {
    await of(BOB).commands.markRead(group, of(BOB).message(group, 'Thank you')?.order ?? 0);
    await of(BOB).stop();
    for (let i = 0; i < 5; i++) {
      await of(ALICE).commands.send(group, `missed ${i} by Alice`);
      await of(CAROL).commands.send(group, `missed ${i} by Carol`);
    }
    await arrives(ALICE, 'missed 4 by Alice');
    await arrives(CAROL, 'missed 4 by Carol');
    devices.set(BOB, await Device.open(of(BOB).options));
    expect(of(BOB).chats.get(group)).toMatchObject({ kind: 'group', title: 'Family' });
    await gets(BOB, 'missed 4 by Alice');
    await gets(BOB, 'missed 4 by Carol');
    await gets(ALICE, 'missed 4 by Carol');
    await gets(CAROL, 'missed 4 by Alice');
    expect(of(BOB).chats.get(group)?.unread).toBe(10);
    const missed = async (address: string): Promise<string[]> => (await of(address).read(group)).map((message) => message.text).filter((text) => text.startsWith('missed'));
    expect((await missed(BOB)).length).toBe(10);
    expect(await missed(BOB)).toEqual(await missed(ALICE));
    expect(await missed(CAROL)).toEqual(await missed(ALICE));
  });

  it('loses nothing and says nothing twice when the server is killed', async () => {
    const crash = server.crash();
    await of(ALICE).commands.send(group, 'during the crash, by Alice');
    await of(BOB).commands.send(group, 'during the crash, by Bob');
    await crash;
    for (const address of [ALICE, BOB, CAROL]) {
      await gets(address, 'during the crash, by Alice');
      await gets(address, 'during the crash, by Bob');
    }
    await arrives(ALICE, 'during the crash, by Alice');
    await arrives(BOB, 'during the crash, by Bob');
    await of(CAROL).commands.send(group, 'after the crash');
    for (const address of [ALICE, BOB]) await gets(address, 'after the crash');
    for (const address of [ALICE, BOB, CAROL]) {
      const texts = (await of(address).read(group)).map((message) => message.text).filter((text) => text.endsWith('crash') || text.includes('the crash,'));
      expect(texts.length).toBe(3);
    }
  });

  it('is renamed by its owner, and looked after by admins', async () => {
    await expect(of(BOB).commands.renameGroup(group, 'Bob’s')).rejects.toMatchObject({ reason: { code: 'not-member' } });
    await of(ALICE).commands.renameGroup(group, 'The family');
    for (const address of [ALICE, BOB, CAROL]) await of(address).until(() => of(address).chats.get(group)?.title === 'The family');
    await of(ALICE).commands.setRole(group, BOB, 'admin');
    await of(BOB).until(() => of(BOB).chats.get(group)?.group?.role === 'admin');
    await of(CAROL).until(() => of(CAROL).log.some((entry) => entry.event === 'members'));
    await of(CAROL).until(() => of(CAROL).chats.get(group)?.group?.people === 3);
  });

  it('cannot be read any more by who was removed', async () => {
    await of(BOB).commands.removeMember(group, CAROL);
    await of(CAROL).until(() => of(CAROL).chats.get(group)?.group?.state === 'removed');
    for (const address of [ALICE, BOB]) await people(address, 2);
    await of(ALICE).commands.send(group, 'without Carol');
    await gets(BOB, 'without Carol');
    await expect(of(CAROL).commands.send(group, 'still here?')).rejects.toMatchObject({ reason: { code: 'not-member' } });
    await of(CAROL).stop();
    devices.set(CAROL, await Device.open(of(CAROL).options));
    await of(CAROL).online();
    expect(of(CAROL).message(group, 'without Carol')).toBeUndefined();
    expect((await of(CAROL).read(group)).some((message) => message.text === 'Thank you')).toBe(true);
    expect(of(CAROL).chats.get(group)?.group?.state).toBe('removed');
  });

  it('is on all devices of somebody, and left on all of them', async () => {
    const tablet = await Device.open({ ...of(BOB).options, profile: `${flavour.name}-group-bob-tablet` });
    await tablet.commands.signIn(BOB, PASSWORDS[BOB] ?? '');
    await tablet.until(() => tablet.chats.get(group)?.group?.state === 'here');
    await of(ALICE).knowsDevicesOf(BOB, 2);
    await of(ALICE).commands.send(group, 'on all devices');
    await tablet.until(() => tablet.message(group, 'on all devices'));
    await gets(BOB, 'on all devices');
    await tablet.commands.send(group, 'from the tablet');
    expect(await gets(BOB, 'from the tablet')).toMatchObject({ outgoing: true });
    expect(await gets(ALICE, 'from the tablet')).toMatchObject({ from: BOB });
    await of(BOB).commands.leaveGroup(group);
    await tablet.until(() => tablet.chats.get(group)?.group?.state === 'left');
    expect(of(BOB).chats.get(group)?.group?.state).toBe('left');
    await tablet.stop();
  });

  it('ends for everybody when its owner ends it', async () => {
    await of(ALICE).commands.addMembers(group, [CAROL]);
    await here(CAROL);
    await of(ALICE).commands.endGroup(group);
    await of(CAROL).until(() => of(CAROL).chats.get(group)?.group?.state === 'ended');
    expect(of(ALICE).chats.get(group)?.group?.state).toBe('ended');
  });

  it('asks before somebody who is no contact gets one in', async () => {
    const other = await of(BOB).commands.createGroup('Strangers', []);
    await of(BOB).commands.addMembers(other, [CAROL]);
    await of(CAROL).until(() => of(CAROL).chats.get(other)?.group?.state === 'invited');
    expect(of(CAROL).chats.get(other)?.group?.invitedBy).toBe(BOB);
    await of(CAROL).commands.enterGroup(other);
    await of(CAROL).until(() => of(CAROL).chats.get(other)?.group?.state === 'here');
    await of(CAROL).commands.leaveGroup(other);
    expect(of(CAROL).chats.get(other)?.group?.state).toBe('left');
  });
});
