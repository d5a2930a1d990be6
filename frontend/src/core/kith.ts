/** The core as its pages see it: commands by name, one session behind them. */
import { addAccount, listAccounts, removeAccount } from '../db/accounts';
import { deleteOrphans, SupersededError } from '../db/database';
import { bareOf, parseJid } from '../xmpp/jid';
import type { Address, Commands, SessionState, Snapshot } from './api';
import { Hub, type Emit } from './hub';
import { createInvite, Invites } from './invites';
import { log } from './log';
import { NewDevice, type Claimed } from './pairing';
import type { Platform } from './platform';
import { coreError, fail, reasonOf } from './reasons';
import { reportOf } from './reports';
import { Session } from './session';

const DOMAIN_TIMEOUT = 2_000;

export class Kith {
  private readonly hub = new Hub();
  private readonly invites: Invites;
  private readonly newDevice: NewDevice;
  private readonly claims = new Map<string, Claimed>();
  private session: Session | undefined;
  private domain: string | undefined;
  private last: SessionState = { phase: 'starting', catchingUp: false };
  private readonly ready: Promise<void>;
  /** Another instance has taken the account over: this one must end. */
  onLost: () => void = () => undefined;

  constructor(private readonly platform: Platform) {
    this.invites = new Invites(platform);
    this.newDevice = new NewDevice(platform);
    this.ready = this.start();
  }

  private async start(): Promise<void> {
    try {
      const accounts = await listAccounts(this.platform.storage);
      await deleteOrphans(this.platform.storage, accounts).catch((error: unknown) => log.warn('old data not deleted', { code: reasonOf(error).code }));
      const [address] = accounts;
      if (address === undefined) {
        this.setState({ phase: 'none', catchingUp: false });
        return;
      }
      const session = await this.open(address);
      this.session = session;
      this.stateChanged();
      void session.resume().catch((error: unknown) => this.broken(error));
    } catch (error) {
      this.broken(error);
    }
  }

  private async open(address: Address): Promise<Session> {
    const session = await Session.open(address, this.platform, this.hub, () => this.onLost());
    this.watch(session);
    return session;
  }

  private watch(session: Session): void {
    session.onState = () => {
      if (this.session === session) this.stateChanged();
    };
  }

  private adopt(session: Session): void {
    this.watch(session);
    this.session = session;
    this.stateChanged();
  }

  private broken(error: unknown): void {
    if (error instanceof SupersededError) return this.onLost();
    log.warn('core did not start', { code: reasonOf(error).code });
    this.setState({ phase: 'none', catchingUp: false, reason: reasonOf(error) });
  }

  private stateChanged(): void {
    this.setState(this.session?.state ?? { phase: 'none', catchingUp: false });
  }

  private setState(state: SessionState): void {
    if (JSON.stringify(state) === JSON.stringify(this.last)) return;
    this.last = state;
    this.hub.emit('session', state);
  }

  // ── pages ──

  /** From now on the page gets events; what was before is in the snapshot. */
  async attach(page: string, listener: Emit): Promise<Snapshot> {
    await this.ready;
    const domain = this.session ? parseJid(this.session.address).domain : await this.findDomain();
    this.hub.attach(page, listener);
    return {
      domain,
      session: this.last,
      contacts: this.session?.contacts.list(this.session.chats.people) ?? [],
      chats: this.session?.chats.list() ?? [],
    };
  }

  detach(page: string): void {
    this.hub.detach(page);
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

  /** The commands as one page gives them. Every rejection is a CoreError. */
  commands(page: string): Commands {
    const commands = this.table(page);
    return Object.fromEntries(Object.entries(commands).map(([name, command]) => [name, async (...args: unknown[]) => {
      await this.ready;
      try {
        return await (command as (...args: unknown[]) => unknown)(...args);
      } catch (error) {
        if (error instanceof SupersededError) this.onLost();
        throw coreError(error);
      }
    }])) as unknown as Commands;
  }

  private table(page: string): Commands {
    const of = (): Session => this.present();
    const chat = (address: Address): Address => {
      const bare = bareOf(address);
      if (bare === undefined) throw fail('name-invalid');
      return bare;
    };
    return {
      signIn: (address, password) => this.signIn(address, password),
      signOut: () => this.signOut(),
      reconnect: async () => of().reconnect(),
      changePassword: (current, next) => of().credentials.changePassword(current, next),
      setDisplayName: (name) => of().setDisplayName(name),
      setPicture: (picture) => of().pictures.setOwn(picture),
      setPrivacy: (privacy) => of().privacy.set(privacy),
      exportData: (words) => of().exporting.make(words),
      deleteAccount: (password) => this.deleteAccount(password),
      picture: (hash) => of().pictures.get(hash),
      setActive: async (active) => this.hub.setActive(page, active),

      lookupInvite: (token) => this.invites.lookup(token),
      acceptInvite: (token, name, password, displayName) => this.acceptInvite(token, name, password, displayName),
      resetPassword: async (token, password) => this.signIn(await this.invites.reset(token, password), password),
      acceptInviteAsContact: (token) => this.acceptInviteAsContact(of(), token),
      createInvite: () => createInvite(of()),

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
      block: async (address, why) => of().contacts.block(address, why && await reportOf(of(), chat(address), why)),
      unblock: (address) => of().contacts.unblock(chat(address)),

      page: (address, bound) => of().history.page(chat(address), bound),
      send: async (address, text, options) => {
        const session = of();
        const message = await session.sender.send(chat(address), text, options);
        session.typing.sent(chat(address));
        session.ephemeral.wake();
        return message;
      },
      sendFile: (address, file, facts) => of().sender.sendFile(chat(address), file, facts),
      fetchFile: (address, id) => of().fetchFile(chat(address), id),
      setTimer: (address, seconds) => of().ephemeral.setTimer(chat(address), seconds),
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
      arrangeChat: (address, change) => of().arrangement.arrange(chat(address), change),
      findMessages: (query, { chat: where, limit }) => of().finder.find(query, { limit, ...(where !== undefined && { chat: chat(where) }) }),
      placeAt: (address, at) => of().finder.placeAt(chat(address), at),
      message: (address, id) => of().drafts.message(chat(address), id),
      setTyping: async (address, typing) => of().typing.set(chat(address), typing),
      focus: async (address) => {
        this.hub.setFocus(page, address === null ? null : chat(address));
        if (address === null) return;
        this.session?.prepare(chat(address));
        await this.session?.arrangement.seen(chat(address));
      },

      createGroup: (name, people, options) => of().administration.create(name, people.map(chat), options),
      publicGroups: (after) => of().directory.page(after),
      lookupGroup: (address) => of().directory.look(address),
      joinGroup: (address) => of().administration.join(address),
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
      verificationUri: () => of().trust.ownUri(),
      verifyUri: (uri) => of().trust.verifyUri(uri),
      createDeviceLink: () => of().pairing.create(),
      answerDeviceLink: (token, agreed) => of().pairing.answer(token, agreed),
      openDeviceLink: (token) => this.openLink(token),
      awaitDeviceLink: (token) => this.followLink(token),
      logins: () => of().logins.list(),
      endLogin: (id) => of().logins.end(id),

      pushKey: () => of().webPush.key(),
      enablePush: (subscription) => of().webPush.enable(subscription),
      disablePush: () => of().webPush.disable(),
    };
  }

  // ── accounts ──

  private present(): Session {
    if (!this.session) throw fail('credentials', 'nobody is signed in');
    return this.session;
  }

  private async signIn(input: Address, password: string): Promise<void> {
    const text = input.trim().replace(/^xmpp:/i, '');
    const jid = parseJid(text.includes('@') ? text : `${text}@${await this.findDomain()}`);
    if (jid.local === '') throw fail('name-invalid', 'an address has a name before the @');
    const address = `${jid.local}@${jid.domain}`;
    if (this.session) {
      if (this.session.address !== address) throw fail('conflict', 'somebody else is signed in here');
      return this.session.signIn(password);
    }
    const session = await this.open(address);
    this.session = session;
    this.stateChanged();
    try {
      await session.signIn(password);
      await addAccount(this.platform.storage, address);
    } catch (error) {
      this.session = undefined;
      await session.erase();
      this.setState({ phase: 'none', catchingUp: false });
      throw error;
    }
    this.tellAll();
  }

  private async signOut(): Promise<void> {
    const { session } = this;
    if (session) await this.end(session, () => session.signOut());
  }

  private async deleteAccount(password: string): Promise<void> {
    const session = this.present();
    await session.credentials.removeAccount(password);
    await this.end(session, () => session.erase());
  }

  /** The account is not here any more. */
  private async end(session: Session, close: () => Promise<void>): Promise<void> {
    const contacts = session.contacts.list(session.chats.people).map((contact) => contact.address);
    const chats = session.chats.addresses;
    this.session = undefined;
    await removeAccount(this.platform.storage, session.address);
    await close();
    this.hub.emit('contacts', { changed: [], removed: contacts });
    this.hub.emit('chats', { changed: [], removed: chats });
    this.setState({ phase: 'none', catchingUp: false });
  }

  private async openLink(token: string): Promise<{ address: Address; number: string }> {
    if (this.session) throw fail('conflict', 'somebody is signed in here');
    const claimed = await this.newDevice.claim(token);
    this.claims.set(token, claimed);
    return { address: claimed.address, number: claimed.number };
  }

  /** The other device agrees: this one goes on with the token that it gets. */
  private async followLink(link: string): Promise<void> {
    const claimed = this.claims.get(link);
    if (!claimed) throw fail('link-invalid', 'not opened here');
    this.claims.delete(link);
    const token = await this.newDevice.await(claimed);
    if (this.session) throw fail('conflict', 'somebody is signed in here');
    const session = await Session.open(claimed.address, this.platform, this.hub, () => this.onLost(), { agentId: claimed.agentId, token });
    this.adopt(session);
    await addAccount(this.platform.storage, claimed.address);
    await session.resume();
    this.tellAll();
  }

  private async acceptInvite(token: string, name: string, password: string, displayName: string): Promise<void> {
    if (this.session) throw fail('conflict', 'somebody is signed in here');
    const address = await this.invites.accept(token, name, password, displayName);
    await this.signIn(address, password);
    if (displayName.trim() === '') return;
    await this.present().setDisplayName(displayName).catch((error: unknown) => log.warn('name not published', { code: reasonOf(error).code }));
  }

  private async acceptInviteAsContact(session: Session, token: string): Promise<Address> {
    const invite = await this.invites.lookup(token);
    if (invite.inviter === undefined) throw fail('invite-invalid', 'nobody to become a contact of');
    if (invite.inviter === session.address) throw fail('conflict', 'the own invitation');
    return session.contacts.add(invite.inviter, undefined, token);
  }

  /** What an account that was here before brings with it. */
  private tellAll(): void {
    const { session } = this;
    if (!session) return;
    this.hub.emit('contacts', { changed: session.contacts.list(session.chats.people), removed: [] });
    this.hub.emit('chats', { changed: session.chats.list(), removed: [] });
  }

  /** Ends everything, so that another instance can go on. */
  async stop(): Promise<void> {
    await this.ready;
    await this.session?.close();
    this.session = undefined;
  }
}

