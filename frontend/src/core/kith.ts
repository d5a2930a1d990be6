/** The core as its pages see it: commands by name, one session behind them. */
import { addAccount, listAccounts, removeAccount } from '../db/accounts';
import { deleteOrphans, SupersededError } from '../db/database';
import { bareOf, parseJid } from '../xmpp/jid';
import type { Address, Commands, SessionState, Snapshot } from './api';
import { Hub, type Emit } from './hub';
import { Invites } from './invites';
import { log } from './log';
import type { Platform } from './platform';
import { coreError, fail, reasonOf } from './reasons';
import { Session } from './session';

const DOMAIN_TIMEOUT = 2_000;

export class Kith {
  private readonly hub = new Hub();
  private readonly invites: Invites;
  private session: Session | undefined;
  private domain: string | undefined;
  private last: SessionState = { phase: 'starting', catchingUp: false };
  private readonly ready: Promise<void>;
  /** Another instance has taken the account over: this one must end. */
  onLost: () => void = () => undefined;

  constructor(private readonly platform: Platform) {
    this.invites = new Invites(platform);
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
    session.onState = () => {
      if (this.session === session) this.stateChanged();
    };
    return session;
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
      changePassword: (current, next) => of().changePassword(current, next),
      setDisplayName: (name) => of().setDisplayName(name),
      setActive: async (active) => this.hub.setActive(page, active),

      lookupInvite: (token) => this.invites.lookup(token),
      acceptInvite: (token, name, password, displayName) => this.acceptInvite(token, name, password, displayName),
      acceptInviteAsContact: (token) => this.acceptInviteAsContact(of(), token),
      createInvite: () => of().createInvite(),

      addContact: async (address, name) => void await of().contacts.add(address, name),
      renameContact: (address, name) => of().contacts.rename(chat(address), name),
      acceptContact: (address) => of().contacts.accept(chat(address)),
      declineContact: (address) => of().contacts.decline(chat(address)),
      removeContact: (address) => of().contacts.remove(chat(address)),
      block: (address) => of().contacts.block(address),
      unblock: (address) => of().contacts.unblock(chat(address)),

      page: (address, bound) => of().history.page(chat(address), bound),
      send: async (address, text, options) => {
        const session = of();
        const message = await session.sender.send(chat(address), text, options);
        session.typing.sent(chat(address));
        return message;
      },
      sendFile: (address, file, facts) => of().sender.sendFile(chat(address), file, facts),
      fetchFile: (address, id) => of().fetchFile(chat(address), id),
      edit: (address, id, text) => of().sender.edit(chat(address), id, text),
      editsOf: (address, id) => of().sender.editsOf(chat(address), id),
      react: (address, id, emojis) => of().sender.react(chat(address), id, emojis),
      retract: (address, id) => of().retract(chat(address), id),
      retry: (address, id) => of().sender.retry(chat(address), id),
      discard: (address, id) => of().sender.discard(chat(address), id),
      markRead: (address, order) => of().reads.markRead(chat(address), order),
      setDraft: (address, text) => of().chats.modify(chat(address), (record) => (record.draft === text ? undefined : { ...record, draft: text })),
      setTyping: async (address, typing) => of().typing.set(chat(address), typing),
      focus: async (address) => {
        this.hub.setFocus(page, address === null ? null : chat(address));
        if (address !== null) this.session?.prepare(chat(address));
      },

      createGroup: (name, people) => of().administration.create(name, people.map(chat)),
      joinGroup: (address) => of().administration.join(address),
      enterGroup: (group) => of().administration.enter(chat(group)),
      declineGroup: (group) => of().administration.decline(chat(group)),
      leaveGroup: (group, heir) => of().administration.leave(chat(group), heir),
      endGroup: (group) => of().administration.end(chat(group)),
      renameGroup: (group, name) => of().administration.rename(chat(group), name),
      members: async (group) => of().groups.members(chat(group)),
      addMembers: (group, people) => of().administration.add(chat(group), people.map(chat)),
      removeMember: (group, person) => of().administration.remove(chat(group), chat(person)),
      setRole: (group, person, role) => of().administration.setRole(chat(group), chat(person), role),
      readers: (group, id) => of().reads.readers(chat(group), id),

      devices: (address) => of().trust.devices(chat(address)),
      setTrust: (address, device, trust) => of().trust.setTrust(chat(address), device, trust),
      verificationUri: () => of().trust.ownUri(),
      verifyUri: (uri) => of().trust.verifyUri(uri),
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
    if (!session) return;
    const contacts = session.contacts.list(session.chats.people).map((contact) => contact.address);
    const chats = session.chats.addresses;
    this.session = undefined;
    await removeAccount(this.platform.storage, session.address);
    await session.signOut();
    this.hub.emit('contacts', { changed: [], removed: contacts });
    this.hub.emit('chats', { changed: [], removed: chats });
    this.setState({ phase: 'none', catchingUp: false });
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

