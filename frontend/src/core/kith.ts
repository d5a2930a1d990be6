/** The core as its pages see it: commands by name, and the session of the account that is looked at behind them. */
import { SupersededError } from '../db/database';
import { bareOf, parseJid } from '../xmpp/jid';
import { Accounts } from './accounts';
import type { Address, Commands, Snapshot } from './api';
import { Serial } from './async';
import type { Emit } from './hub';
import { Invites } from './invites';
import { log } from './log';
import { NewDevice, type Claimed } from './newdevice';
import type { Platform } from './platform';
import { coreError, fail, reasonOf } from './reasons';
import { REMOTE, type Method } from './rpc';
import type { Session } from './session';
import { Waking } from './waking';

const DOMAIN_TIMEOUT = 2_000;

export class Kith {
  private readonly accounts: Accounts;
  private readonly waking: Waking;
  private readonly invites: Invites;
  private readonly newDevice: NewDevice;
  private readonly claims = new Map<string, Claimed>();
  /** One comes or goes at a time. */
  private readonly turn = new Serial();
  private domain: string | undefined;
  /** Another instance has taken over: this one must end. */
  onLost: () => void = () => undefined;

  constructor(private readonly platform: Platform) {
    this.invites = new Invites(platform);
    this.newDevice = new NewDevice(platform);
    this.accounts = new Accounts(platform, () => this.findDomain());
    this.accounts.onLost = () => this.onLost();
    this.waking = new Waking(() => this.accounts.sessions);
    this.accounts.onOnline = (session) => void this.waking.follow(session);
  }

  // ── pages ──

  /** From now on the page gets events; what was before is in the snapshot. `account`: the one to look at, if it is here. */
  attach(page: string, listener: Emit, account?: Address): Promise<Snapshot> {
    return this.accounts.attach(page, listener, account);
  }

  detach(page: string): void {
    this.accounts.detach(page);
  }

  /** The domain that the server behind this page serves. */
  private async findDomain(): Promise<string> {
    this.domain ??= await this.askDomain() ?? new URL(this.platform.origin).hostname;
    return this.domain;
  }

  private async askDomain(): Promise<string | undefined> {
    try {
      const response = await this.platform.fetch(`${this.platform.origin}/api/v1/server`, {
        credentials: 'omit', signal: AbortSignal.timeout(DOMAIN_TIMEOUT),
      });
      const answer: unknown = response.ok ? await response.json() : undefined;
      const domain = (answer as { domain?: unknown } | undefined)?.domain;
      return typeof domain === 'string' && domain !== '' ? domain : undefined;
    } catch {
      return undefined;
    }
  }

  /** The commands as one page gives them that looks at this account. Every rejection is a CoreError. */
  commands(page: string, account: Address | undefined): Commands {
    let present: Session | undefined;
    const commands = this.table(page, account, () => {
      if (!present) throw fail('credentials', 'nobody is signed in');
      return present;
    });
    return Object.fromEntries(Object.entries(commands).map(([name, command]) => [name, async (...args: unknown[]) => {
      try {
        present = await this.accounts.session(account);
        if (REMOTE.has(name as Method)) await present?.decided();
        return await (command as (...args: unknown[]) => unknown)(...args);
      } catch (error) {
        if (error instanceof SupersededError) this.onLost();
        throw coreError(error);
      }
    }])) as unknown as Commands;
  }

  private table(page: string, account: Address | undefined, of: () => Session): Commands {
    const chat = (address: Address): Address => {
      const bare = bareOf(address);
      if (bare === undefined) throw fail('name-invalid');
      return bare;
    };
    return {
      warmUp: () => this.accounts.warmUp(),
      signIn: async (address, password) => void await this.signIn(page, address, password, false),
      switchAccount: (address) => this.accounts.look(page, address),
      signOut: async () => {
        const session = await this.accounts.session(account);
        // Another tab may have done it.
        if (session) await this.end(session, () => session.signOut());
      },
      reconnect: async () => this.accounts.sessions.forEach((session) => session.reconnect()),
      changePassword: (current, next) => of().credentials.changePassword(current, next),
      setDisplayName: (name) => of().setDisplayName(name),
      setPicture: (picture) => of().pictures.setOwn(picture),
      setPrivacy: (privacy) => of().privacy.set(privacy),
      exportData: (words) => of().exporting.make(words),
      deleteAccount: (password) => this.deleteAccount(of(), password),
      picture: (hash) => this.picture(of(), hash),
      setActive: async (active) => this.accounts.setActive(page, active),

      lookupInvite: (token) => this.invites.lookup(token),
      acceptInvite: (token, name, password, displayName) => this.acceptInvite(page, token, name, password, displayName),
      resetPassword: (token, password) => this.resetPassword(page, token, password),
      acceptInviteAsContact: (token) => this.acceptInviteAsContact(of(), token),
      createInvite: () => of().createInvite(),

      addContact: async (address, name) => {
        const added = await of().contacts.add(address, name);
        of().prepare(added, true);
      },
      renameContact: (address, name) => of().contacts.rename(chat(address), name),
      acceptContact: async (address) => {
        await of().contacts.accept(chat(address));
        of().prepare(chat(address), true);
      },
      declineContact: (address) => of().contacts.decline(chat(address)),
      removeContact: (address) => of().contacts.remove(chat(address)),
      block: async (address, why) => of().contacts.block(address, why && await of().report(chat(address), why)),
      unblock: (address) => of().contacts.unblock(chat(address)),

      page: async (address, bound) => {
        const found = await of().history.page(chat(address), bound);
        this.accounts.looked(account);
        return found;
      },
      send: async (address, text, options) => {
        const session = of();
        const message = await session.sender.send(chat(address), text, options);
        session.typing.sent(chat(address));
        session.ephemeral.wake();
        return message;
      },
      sendLocation: (address, location, options) => of().sendLocation(chat(address), location, options),
      sendFile: (address, file, facts) => of().sender.sendFile(chat(address), file, facts),
      fileLimit: () => of().files.limit(),
      fetchFile: (address, id) => of().fetchFile(chat(address), id),
      stickers: () => of().stickers.list(),
      stickerPicture: (id) => of().stickers.picture(id),
      addSticker: (picture, facts) => of().stickers.add(picture, facts),
      removeSticker: (id) => of().stickers.remove(id),
      sendSticker: (address, sticker, options) => of().sendSticker(chat(address), sticker, options),
      stickerPack: (address, message) => of().stickerPack(chat(address), message),
      packPicture: (pack, index) => of().packs.picture(pack, index),
      setTimer: (address, seconds) => of().ephemeral.setTimer(chat(address), seconds),
      answerOptOut: (address, agreed) => of().optOuts.answer(chat(address), agreed),
      pin: (address, id, pinned) => of().sender.pin(chat(address), id, pinned),
      pinned: (address) => of().history.pinned(chat(address)),
      askPoll: (address, poll) => of().askPoll(chat(address), poll),
      vote: (address, id, choices) => of().sender.vote(chat(address), id, choices),
      closePoll: (address, id) => of().sender.closePoll(chat(address), id),
      edit: (address, id, text) => of().sender.edit(chat(address), id, text),
      editsOf: (address, id) => of().sender.editsOf(chat(address), id),
      react: (address, id, emojis) => of().sender.react(chat(address), id, emojis),
      retract: (address, id) => of().retract(chat(address), id),
      retry: (address, id) => of().sender.retry(chat(address), id),
      discard: (address, id) => of().sender.discard(chat(address), id),
      markRead: (address, order) => of().reads.markRead(chat(address), order),
      setDraft: (address, text, replyTo) => of().drafts.set(chat(address), text, replyTo),
      stageFiles: (address, files) => of().drafts.stage(chat(address), files),
      stagedFiles: (address) => of().drafts.staged(chat(address)),
      stageVoice: (address, voice) => of().drafts.stageVoice(chat(address), voice),
      stagedVoice: (address) => of().drafts.voice(chat(address)),
      arrangeChat: (address, change) => of().arrangement.arrange(chat(address), change),
      findMessages: (query, { chat: where, limit }) => of().finder.find(query, { limit, ...(where !== undefined && { chat: chat(where) }) }),
      mapFacts: () => of().maps.facts(),
      mapTile: (tile) => of().maps.tile(tile),
      placeAt: (address, at) => of().finder.placeAt(chat(address), at),
      message: (address, id) => of().drafts.message(chat(address), id),
      setTyping: async (address, typing) => of().typing.set(chat(address), typing),
      focus: async (address) => {
        this.accounts.setFocus(page, account, address === null ? null : chat(address));
        if (address === null) return;
        of().prepare(chat(address));
        await of().arrangement.seen(chat(address));
      },

      createGroup: (name, people, options) => of().administration.create(name, people.map(chat), options),
      publicGroups: (after) => of().directory.page(after),
      lookupGroup: (address, key) => of().directory.look(address, key),
      joinGroup: (address, key) => of().administration.join(address, key),
      groupLinks: (group) => of().groupLinks.list(chat(group)),
      makeGroupLink: (group, options) => of().groupLinks.make(chat(group), options),
      renewGroupLink: (group, id, seconds) => of().groupLinks.renew(chat(group), id, seconds),
      revokeGroupLink: (group, id) => of().groupLinks.revoke(chat(group), id),
      enterGroup: (group) => of().administration.enter(chat(group)),
      declineGroup: (group) => of().administration.decline(chat(group)),
      leaveGroup: (group, heir) => of().administration.leave(chat(group), heir),
      endGroup: (group) => of().administration.end(chat(group)),
      renameGroup: (group, name) => of().administration.rename(chat(group), name),
      setGroupPicture: (group, picture) => of().administration.setPicture(chat(group), () => of().pictures.setGroup(chat(group), picture)),
      members: async (group) => of().groups.members(chat(group)),
      addMembers: (group, people) => of().administration.add(chat(group), people.map(chat)),
      removeMember: (group, person) => of().administration.remove(chat(group), chat(person)),
      setRole: (group, person, role) => of().administration.setRole(chat(group), chat(person), role),
      readers: (group, id) => of().reads.readers(chat(group), id),

      family: () => of().family.load(),
      decideFor: (child, address, answer, kind) => of().family.decide(chat(child), address, answer, kind),
      setGuardians: (child, people) => of().family.setGuardians(chat(child), people.map(chat)),
      createCircle: (name) => of().family.addCircle(name),
      renameCircle: (id, name) => of().family.renameCircle(id, name),
      deleteCircle: (id) => of().family.removeCircle(id),
      addToCircle: (id, people) => of().family.join(id, people.map(chat)),
      removeFromCircle: (id, person) => of().family.leave(id, chat(person)),

      devices: (address) => of().trust.devices(chat(address)),
      setTrust: (address, device, trust) => of().trust.setTrust(chat(address), device, trust),
      allowOlder: (address, device) => of().trust.allowOlder(chat(address), device),
      seenOwnDevices: () => of().seenOwnDevices(),
      nameDevice: (name) => of().keys.setLabel(name),
      verificationUri: () => of().trust.ownUri(),
      verifyUri: (uri) => of().trust.verifyUri(uri),
      createDeviceLink: () => of().pairing.create(),
      answerDeviceLink: (token, agreed) => of().pairing.answer(token, agreed),
      openDeviceLink: (token) => this.openLink(token),
      awaitDeviceLink: (token) => this.followLink(page, token),
      logins: () => of().logins.list(),
      endLogin: (id) => of().logins.end(id),

      pushKey: () => of().webPush.key(),
      enablePush: (subscription) => this.waking.enable(subscription, of()),
      disablePush: () => this.waking.disable(of()),
    };
  }

  // ── accounts ──

  /** `password` is new: an account that is here already has to be entered with it, whatever it believes. */
  private async signIn(page: string, input: Address, password: string, isNew: boolean): Promise<Session> {
    const text = input.trim().replace(/^xmpp:/i, '');
    const jid = parseJid(text.includes('@') ? text : `${text}@${await this.findDomain()}`);
    if (jid.local === '') throw fail('name-invalid', 'an address has a name before the @');
    const address = `${jid.local}@${jid.domain}`;
    return this.turn.run(async () => {
      const known = await this.accounts.session(address);
      if (!known) return this.accounts.add(page, address, (session) => session.signIn(password));
      if (isNew || known.state.phase === 'locked') await known.signIn(password);
      await this.accounts.look(page, address);
      return known;
    });
  }

  private async deleteAccount(session: Session, password: string): Promise<void> {
    await session.credentials.removeAccount(password);
    await this.end(session, () => session.erase());
  }

  private end(session: Session, close: () => Promise<void>): Promise<void> {
    return this.turn.run(() => this.accounts.remove(session, close));
  }

  /** Pictures are named after what they show, and another account of this browser may be the one that has it. */
  private async picture(session: Session, hash: string): Promise<Blob | undefined> {
    for (const one of new Set([session, ...this.accounts.sessions])) {
      const picture = await one.pictures.get(hash);
      if (picture) return picture;
    }
    return undefined;
  }

  private async openLink(token: string): Promise<{ address: Address; number: string }> {
    await this.accounts.warmUp(); // a link can be opened once
    const claimed = await this.newDevice.claim(token);
    this.claims.set(token, claimed);
    return { address: claimed.address, number: claimed.number };
  }

  /** The other device agrees: this one goes on with the token that it gets. */
  private async followLink(page: string, link: string): Promise<void> {
    const claimed = this.claims.get(link);
    if (!claimed) throw fail('link-invalid', 'not opened here');
    this.claims.delete(link);
    const token = await this.newDevice.await(claimed);
    await this.turn.run(async () => {
      if (await this.accounts.session(claimed.address)) throw fail('conflict', 'this account is here already');
      return this.accounts.add(page, claimed.address, (session) => session.resume(), { agentId: claimed.agentId, token });
    });
  }

  private async acceptInvite(page: string, token: string, name: string, password: string, displayName: string): Promise<void> {
    await this.accounts.warmUp(); // an invitation is accepted once
    const address = await this.invites.accept(token, name, password, displayName);
    const session = await this.signIn(page, address, password, false);
    if (displayName.trim() === '') return;
    await session.setDisplayName(displayName).catch((error: unknown) => log.warn('name not published', { code: reasonOf(error).code }));
  }

  private async resetPassword(page: string, token: string, password: string): Promise<void> {
    await this.accounts.warmUp(); // the link can be used once
    await this.signIn(page, await this.invites.reset(token, password), password, true);
  }

  private async acceptInviteAsContact(session: Session, token: string): Promise<Address> {
    const invite = await this.invites.lookup(token);
    if (invite.inviter === undefined) throw fail('invite-invalid', 'nobody to become a contact of');
    if (invite.inviter === session.address) throw fail('conflict', 'the own invitation');
    return session.contacts.add(invite.inviter, undefined, token);
  }

  /** Ends everything, so that another instance can go on. */
  async stop(): Promise<void> {
    await this.accounts.stop();
  }
}
