import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Device } from '../support/device';
import { Kithd } from './kithd';
import { PROGRAM } from './servers';

const tokenOf = (link: string): string => link.split('/i/')[1] ?? '';

describe.runIf(existsSync(PROGRAM))('what only our own server does', () => {
  let server: Kithd;
  let alice: Device, bob: Device;
  let profile = 0;

  const open = (): Promise<Device> => Device.open({ origin: server.origin, socket: server.socket, profile: `kith-${profile++}` });

  beforeAll(async () => {
    server = await Kithd.start(PROGRAM);
    alice = await open();
    bob = await open();
  });

  afterAll(async () => {
    await alice?.stop();
    await bob?.stop();
    await server?.stop();
  });

  it('the link of the first start makes the administrator, once', async () => {
    const token = tokenOf(server.firstLink);
    const invite = await alice.commands.lookupInvite(token);
    expect(invite).toMatchObject({ token, domain: 'localhost', role: 'admin', firstAccount: true });
    expect(invite.uri).toMatch(/^xmpp:localhost\?register;preauth=/);
    await expect(alice.commands.acceptInvite(token, 'alice', 'short', '')).rejects.toMatchObject({ reason: { code: 'password-weak' } });
    await expect(alice.commands.acceptInvite(token, 'not a name', 'correct horse', '')).rejects.toMatchObject({ reason: { code: 'name-invalid' } });
    await alice.commands.acceptInvite(token, 'Alice', 'correct horse', 'Alice Liddell');
    await alice.online();
    expect(alice.session.address).toBe('alice@localhost');
    await alice.until(() => alice.session.role === 'admin' && alice.session.displayName === 'Alice Liddell');
    await expect(bob.commands.lookupInvite(token)).rejects.toMatchObject({ reason: { code: 'invite-invalid' } });
    expect(server.knows('correct horse')).toBe(false);
  });

  it('an invitation makes an account and two contacts', async () => {
    const link = await alice.commands.createInvite();
    expect(link.url).toBe(`${server.origin}/i/${link.token}`);
    expect(link.uri).toMatch(/^xmpp:alice@localhost\?roster;preauth=/);
    expect(link.expires).toBeGreaterThan(Date.now());
    const invite = await bob.commands.lookupInvite(link.token);
    expect(invite).toMatchObject({ inviter: 'alice@localhost', inviterName: 'Alice Liddell', role: 'member', firstAccount: false });
    await expect(bob.commands.acceptInvite(link.token, 'alice', 'battery staple', '')).rejects.toMatchObject({ reason: { code: 'conflict' } });
    await bob.commands.acceptInvite(link.token, 'bob', 'battery staple', 'Bob');
    await bob.online();
    await bob.until(() => bob.contacts.get('alice@localhost')?.relation === 'mutual');
    await alice.until(() => alice.contacts.get('bob@localhost')?.relation === 'mutual');
    await bob.until(() => bob.contacts.get('alice@localhost')?.name === 'Alice Liddell');
    await alice.until(() => alice.contacts.get('bob@localhost')?.name === 'Bob');
    await alice.until(() => alice.availability('bob@localhost') === 'online');
  });

  it('an invitation makes a contact of somebody who is here already', async () => {
    const carol = await open();
    await carol.commands.acceptInvite(tokenOf(await server.invite()), 'carol', 'third password', 'Carol');
    await carol.online();
    const link = await alice.commands.createInvite();
    expect(await carol.commands.acceptInviteAsContact(link.token)).toBe('alice@localhost');
    await carol.until(() => carol.contacts.get('alice@localhost')?.relation === 'mutual');
    await alice.until(() => alice.contacts.get('carol@localhost')?.relation === 'mutual');
    await carol.commands.signOut();
  });

  it('two people talk, and nobody else', async () => {
    await alice.knowsDevicesOf('bob@localhost');
    await alice.commands.send('bob@localhost', 'just between us');
    const message = await bob.until(() => bob.message('alice@localhost', 'just between us'));
    expect(message.lock).toBe('encrypted');
    await alice.until(() => alice.message('bob@localhost', 'just between us')?.state === 'delivered');
    await bob.commands.markRead('alice@localhost', message.order);
    await alice.until(() => alice.message('bob@localhost', 'just between us')?.state === 'read');
    expect(server.knows('just between us')).toBe(false);
  });

  it('programs that are signed in are listed, and can be signed out from elsewhere', async () => {
    const phone = await open();
    await phone.commands.signIn('alice', 'correct horse');
    await phone.online();
    const logins = await alice.commands.logins();
    expect(logins.filter((login) => login.current).length).toBe(1);
    const other = logins.find((login) => !login.current);
    expect(other).toMatchObject({ name: 'Kith (Node)', online: true });
    await alice.commands.endLogin(other?.id ?? '');
    await phone.until(() => phone.session.phase === 'locked');
    expect((await alice.commands.logins()).length).toBe(1);
    await phone.commands.signOut();
  });

  it('a new password ends everything else', async () => {
    const phone = await open();
    await phone.commands.signIn('alice', 'correct horse');
    await phone.online();
    await expect(alice.commands.changePassword('wrong', 'another password')).rejects.toMatchObject({ reason: { code: 'credentials' } });
    await alice.online();
    await alice.commands.changePassword('correct horse', 'another password');
    await alice.online();
    await phone.until(() => phone.session.phase === 'locked');
    await expect(phone.commands.signIn('alice', 'correct horse')).rejects.toMatchObject({ reason: { code: 'credentials' } });
    await phone.commands.signIn('alice', 'another password');
    await phone.online();
    await alice.stop();
    alice = await Device.open(alice.options);
    await alice.online();
    await phone.commands.signOut();
  });
});
