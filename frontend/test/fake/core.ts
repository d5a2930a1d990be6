import {
  type Address, type BrowserSubscription, type Chat, type Contact, type Core, CoreError, type Device, type Events, type InviteInfo, type InviteLink,
  type Login, type Member, type Message, type Page, type ReasonCode, type Role, type SessionState, type Snapshot, type Trust,
} from '../../src/core/api';

/** Everything the fake knows at the start. */
export interface World {
  domain: string;
  session: SessionState;
  contacts: Contact[];
  chats: Chat[];
  messages: Message[];
  devices: Device[];
  /** By group. */
  members: Record<Address, Member[]>;
  /** By the id of the message. */
  files: Map<string, Blob>;
  /** What messages said before, by their id. */
  edits: Record<string, { text: string; at: number }[]>;
  logins: Login[];
  /** Missing: the server wakes no browsers. */
  pushKey?: string;
  invites: Record<string, InviteInfo>;
  password: string;
  /** Milliseconds that every command takes. */
  latency: number;
}

type Listener = <K extends keyof Events>(event: K, data: Events[K]) => void;

/**
 * The core in memory: it keeps the promises of `Core` (order, paging, states, one event per change) without a network,
 * a database or keys. For component tests and for looking at the views.
 */
export class FakeCore implements Core {
  readonly world: World;
  /** The next call of this command is refused with this. */
  readonly refuse = new Map<keyof Core, ReasonCode>();
  /** Commands in the order in which they came, with what was given. */
  readonly calls: { readonly command: string; readonly given: readonly unknown[] }[] = [];
  #listener: Listener | undefined;

  constructor(world: World) {
    this.world = world;
  }

  async attach(listener: Listener): Promise<Snapshot> {
    this.#listener = listener;
    return structuredClone({
      domain: this.world.domain, session: this.world.session, contacts: this.world.contacts, chats: this.world.chats,
    });
  }

  detach(): void {
    this.#listener = undefined;
  }

  tell<K extends keyof Events>(event: K, data: Events[K]): void {
    this.#listener?.(event, structuredClone(data));
  }

  // ── things that happen from outside, for tests and the gallery ──

  setSession(part: Partial<SessionState>): void {
    this.world.session = { ...this.world.session, ...part };
    this.tell('session', this.world.session);
  }

  receive(from: Address, text: string, part: Partial<Message> = {}): Message {
    const message: Message = {
      id: crypto.randomUUID(), chat: from, from, outgoing: false, text, order: this.#nextOrder(from), at: Date.now(),
      state: 'received', lock: 'encrypted', known: true, ...part,
    };
    this.#store(message, true);
    return message;
  }

  setState(id: string, part: Partial<Message>): void {
    const at = this.world.messages.findIndex((message) => message.id === id);
    const old = this.world.messages[at];
    if (!old) return;
    const message = { ...old, ...part };
    this.world.messages[at] = message;
    this.tell('messages', { chat: message.chat, changed: [message], removed: [] });
    this.#touch(message.chat);
  }

  setContact(contact: Contact): void {
    this.world.contacts = [...this.world.contacts.filter((it) => it.address !== contact.address), contact];
    this.tell('contacts', { changed: [contact], removed: [] });
  }

  setChat(address: Address, part: Partial<Chat>): void {
    const chat = { ...this.#chat(address), ...part };
    this.world.chats = [...this.world.chats.filter((it) => it.id !== address), chat];
    this.tell('chats', { changed: [chat], removed: [] });
  }

  // ── session ──

  async signIn(address: Address, password: string): Promise<void> {
    await this.#do('signIn', '(address)', '(password)');
    if (password !== this.world.password) throw new CoreError({ code: 'credentials' });
    this.setSession({ phase: 'connecting', address, displayName: 'Mira' });
    this.setSession({ phase: 'online' });
  }

  async signOut(): Promise<void> {
    await this.#do('signOut');
    this.world.session = { phase: 'none', catchingUp: false };
    this.world.contacts = [];
    this.world.chats = [];
    this.world.messages = [];
    this.tell('session', this.world.session);
  }

  async reconnect(): Promise<void> {
    await this.#do('reconnect');
    this.setSession({ phase: 'connecting' });
    this.setSession({ phase: 'online', catchingUp: false });
  }

  async changePassword(current: string, next: string): Promise<void> {
    await this.#do('changePassword', '(current)', '(next)');
    if (current !== this.world.password) throw new CoreError({ code: 'credentials' });
    this.world.password = next;
  }

  async setDisplayName(name: string): Promise<void> {
    await this.#do('setDisplayName', name);
    this.setSession({ displayName: name });
  }

  async setActive(active: boolean): Promise<void> {
    await this.#do('setActive', active);
  }

  // ── invitations ──

  async lookupInvite(token: string): Promise<InviteInfo> {
    await this.#do('lookupInvite', token);
    const info = this.world.invites[token];
    if (!info) throw new CoreError({ code: 'invite-invalid' });
    return info;
  }

  async acceptInvite(token: string, name: string, _password: string, displayName: string): Promise<void> {
    await this.#do('acceptInvite', token, name, displayName);
    const info = await this.lookupInvite(token);
    const address = `${name}@${this.world.domain}`;
    if (this.world.contacts.some((contact) => contact.address === address)) throw new CoreError({ code: 'conflict' });
    this.setSession({ phase: 'online', address, displayName, role: info.role });
    if (info.inviter) {
      this.setContact({ address: info.inviter, name: info.inviterName ?? '', availability: 'online', relation: 'mutual', blocked: false });
    }
  }

  async acceptInviteAsContact(token: string): Promise<Address> {
    await this.#do('acceptInviteAsContact', token);
    const info = await this.lookupInvite(token);
    if (!info.inviter) throw new CoreError({ code: 'policy' });
    this.setContact({ address: info.inviter, name: info.inviterName ?? '', availability: 'online', relation: 'mutual', blocked: false });
    return info.inviter;
  }

  async createInvite(): Promise<InviteLink> {
    await this.#do('createInvite');
    const token = crypto.randomUUID().replaceAll('-', '').slice(0, 24);
    return {
      token, url: `https://${this.world.domain}/i/${token}`,
      uri: `xmpp:${this.world.session.address ?? this.world.domain}?roster;preauth=${token};ibr=y`,
      expires: Date.now() + 7 * 24 * 3600_000,
    };
  }

  // ── contacts ──

  async addContact(address: Address, name = ''): Promise<void> {
    await this.#do('addContact', address, name);
    const known = this.#contact(address);
    this.setContact({ ...known, name: name || known.name, relation: known.relation === 'request' ? 'mutual' : 'pending' });
  }

  async renameContact(address: Address, name: string): Promise<void> {
    await this.#do('renameContact', address, name);
    this.setContact({ ...this.#contact(address), name });
    if (this.world.chats.some((chat) => chat.id === address)) this.setChat(address, { title: name });
  }

  async acceptContact(address: Address): Promise<void> {
    await this.#do('acceptContact', address);
    this.setContact({ ...this.#contact(address), relation: 'mutual', availability: 'online' });
  }

  async declineContact(address: Address): Promise<void> {
    await this.#do('declineContact', address);
    this.#drop(address);
  }

  async removeContact(address: Address): Promise<void> {
    await this.#do('removeContact', address);
    this.#drop(address);
  }

  async block(address: Address): Promise<void> {
    await this.#do('block', address);
    this.setContact({ ...this.#contact(address), blocked: true, availability: 'offline' });
  }

  async unblock(address: Address): Promise<void> {
    await this.#do('unblock', address);
    this.setContact({ ...this.#contact(address), blocked: false });
  }

  // ── chats ──

  async page(chat: Address, bound: { before?: number; after?: number; around?: number; limit: number }): Promise<Page> {
    await this.#do('page', chat, bound);
    const all = this.#of(chat);
    let from = Math.max(0, all.length - bound.limit);
    let to = all.length;
    if (bound.before !== undefined) {
      to = all.findIndex((message) => message.order >= bound.before!);
      if (to < 0) to = all.length;
      from = Math.max(0, to - bound.limit);
    } else if (bound.after !== undefined) {
      from = all.findIndex((message) => message.order > bound.after!);
      if (from < 0) from = all.length;
      to = Math.min(all.length, from + bound.limit);
    } else if (bound.around !== undefined) {
      const at = Math.max(0, all.findIndex((message) => message.order > bound.around!));
      from = Math.max(0, at - Math.floor(bound.limit / 2));
      to = Math.min(all.length, at + Math.ceil(bound.limit / 2));
    }
    return structuredClone({ messages: all.slice(from, to), hasOlder: from > 0, hasNewer: to < all.length });
  }

  async send(chat: Address, text: string, options: { allowUnencrypted?: boolean; id?: string; replyTo?: string } = {}): Promise<Message> {
    await this.#do('send', chat, text, options);
    if (this.#chat(chat).lock === 'unencrypted' && !options.allowUnencrypted) throw new CoreError({ code: 'cannot-encrypt' });
    const message: Message = {
      id: options.id ?? crypto.randomUUID(), chat, from: this.world.session.address ?? '', outgoing: true, text,
      order: this.#nextOrder(chat), at: Date.now(), state: 'sending', known: false,
      lock: options.allowUnencrypted ? 'unencrypted' : this.#chat(chat).lock === 'verified' ? 'verified' : 'encrypted',
    };
    const answered = this.world.messages.find((it) => it.id === options.replyTo);
    const whole = answered ? { ...message, reply: { id: answered.id, from: answered.from, text: answered.text } } : message;
    this.#store(whole, false);
    return whole;
  }

  async sendFile(chat: Address, file: Blob, { id, ...facts }: { id: string; name: string; width?: number; height?: number }): Promise<Message> {
    await this.#do('sendFile', chat, facts.name, file.size);
    this.world.files.set(id, file);
    const message: Message = {
      id, chat, from: this.world.session.address ?? '', outgoing: true, text: '', order: this.#nextOrder(chat), at: Date.now(), state: 'sending', known: false, lock: 'encrypted',
      file: { ...facts, kind: file.type.startsWith('image/') ? 'image' : 'file', size: file.size, uploading: true },
    };
    this.#store(message, false);
    return message;
  }

  async fetchFile(chat: Address, id: string): Promise<Blob> {
    await this.#do('fetchFile', chat, id);
    const file = this.world.files.get(id);
    if (!file) throw new CoreError({ code: 'not-found' });
    return file;
  }

  async edit(chat: Address, id: string, text: string): Promise<void> {
    await this.#do('edit', chat, id, text);
    const old = this.world.messages.find((message) => message.id === id);
    if (!old) throw new CoreError({ code: 'not-found' });
    this.world.edits[id] = [...this.world.edits[id] ?? [], { text: old.text, at: old.at }];
    this.setState(id, { text, edited: true });
  }

  async editsOf(chat: Address, id: string): Promise<readonly { text: string; at: number }[]> {
    await this.#do('editsOf', chat, id);
    return structuredClone(this.world.edits[id] ?? []);
  }

  async react(chat: Address, id: string, emojis: readonly string[]): Promise<void> {
    await this.#do('react', chat, id, emojis);
    const me = this.world.session.address ?? '';
    const old = this.world.messages.find((message) => message.id === id)?.reactions ?? [];
    const others = old.map((reaction) => ({ ...reaction, own: false, from: reaction.from.filter((who) => who !== me) })).filter((reaction) => reaction.from.length > 0 || emojis.includes(reaction.emoji));
    const mine = emojis.filter((emoji) => !others.some((reaction) => reaction.emoji === emoji)).map((emoji) => ({ emoji, from: [] as Address[], own: false }));
    this.setState(id, {
      reactions: [...others, ...mine].map((reaction) => (emojis.includes(reaction.emoji) ? { ...reaction, own: true, from: [...reaction.from, me] } : reaction)),
    });
  }

  async retract(chat: Address, id: string): Promise<void> {
    await this.#do('retract', chat, id);
    this.setState(id, { text: '', retracted: { at: Date.now() }, reactions: [] });
  }

  async retry(chat: Address, id: string): Promise<void> {
    await this.#do('retry', chat, id);
    const old = this.world.messages.find((message) => message.id === id);
    if (!old) throw new CoreError({ code: 'not-found' });
    const { reason: _, ...rest } = old;
    this.world.messages = this.world.messages.map((message) => (message.id === id ? { ...rest, state: 'sending' } : message));
    this.setState(id, { state: 'sending' });
  }

  async discard(chat: Address, id: string): Promise<void> {
    await this.#do('discard', chat, id);
    this.world.messages = this.world.messages.filter((message) => message.id !== id);
    this.tell('messages', { chat, changed: [], removed: [id] });
    this.#touch(chat);
  }

  async markRead(chat: Address, order: number): Promise<void> {
    await this.#do('markRead', chat, order);
    if (order <= this.#chat(chat).readUpTo) return;
    this.setChat(chat, {
      readUpTo: order, mentions: this.#of(chat).filter((message) => message.mention === true && message.order > order).length,
      unread: this.#of(chat).filter((message) => !message.outgoing && message.order > order).length,
    });
  }

  async setDraft(chat: Address, text: string): Promise<void> {
    await this.#do('setDraft', chat, text);
    this.setChat(chat, { draft: text });
  }

  async setTyping(chat: Address, typing: boolean): Promise<void> {
    await this.#do('setTyping', chat, typing);
  }

  async focus(chat: Address | null): Promise<void> {
    await this.#do('focus', chat);
  }

  // ── groups ──

  async createGroup(name: string, people: readonly Address[]): Promise<Address> {
    await this.#do('createGroup', name, people);
    const address = `${name.toLowerCase().replaceAll(/[^a-z]+/g, '-')}@groups.${this.world.domain}`;
    const member = (who: Address, role: Role): Member =>
      ({ address: who, name: this.#contact(who).name || who, role, self: who === this.world.session.address, here: true, canRead: true });
    this.world.members[address] = [member(this.world.session.address ?? '', 'owner'), ...people.map((who) => member(who, 'member'))];
    this.setChat(address, {
      id: address, kind: 'group', title: name, activeAt: Date.now(),
      group: {
        state: 'here', privacy: 'private', role: 'owner', people: people.length + 1, may: { add: true, remove: true, configure: true }, cannotRead: [],
      },
    });
    return address;
  }

  async joinGroup(address: Address): Promise<Address> {
    await this.#do('joinGroup', address);
    this.setChat(address, {
      id: address, kind: 'group', title: address, lock: 'unencrypted', activeAt: Date.now(),
      group: { state: 'here', privacy: 'public', role: 'guest', people: 12, may: { add: false, remove: false, configure: false }, cannotRead: [] },
    });
    return address;
  }

  async enterGroup(group: Address): Promise<void> {
    await this.#do('enterGroup', group);
    this.#group(group, { state: 'here' });
  }

  async declineGroup(group: Address): Promise<void> {
    await this.#do('declineGroup', group);
    this.#group(group, { state: 'left' });
  }

  async leaveGroup(group: Address, heir?: Address): Promise<void> {
    await this.#do('leaveGroup', group, heir);
    this.#group(group, { state: 'left' });
  }

  async endGroup(group: Address): Promise<void> {
    await this.#do('endGroup', group);
    this.#group(group, { state: 'ended' });
  }

  async renameGroup(group: Address, name: string): Promise<void> {
    await this.#do('renameGroup', group, name);
    this.setChat(group, { title: name });
  }

  async members(group: Address): Promise<readonly Member[]> {
    await this.#do('members', group);
    return structuredClone(this.world.members[group] ?? []);
  }

  async addMembers(group: Address, people: readonly Address[]): Promise<void> {
    await this.#do('addMembers', group, people);
    this.#setMembers(group, [
      ...this.world.members[group] ?? [],
      ...people.map((who): Member => ({ address: who, name: this.#contact(who).name || who, role: 'member', self: false, here: false })),
    ]);
  }

  async removeMember(group: Address, person: Address): Promise<void> {
    await this.#do('removeMember', group, person);
    this.#setMembers(group, (this.world.members[group] ?? []).filter((member) => member.address !== person));
  }

  async setRole(group: Address, person: Address, role: Exclude<Role, 'guest'>): Promise<void> {
    await this.#do('setRole', group, person, role);
    this.#setMembers(group, (this.world.members[group] ?? []).map((member) => (member.address === person ? { ...member, role } : member)));
  }

  async readers(group: Address, id: string): Promise<readonly Address[]> {
    await this.#do('readers', group, id);
    return (this.world.members[group] ?? []).filter((member) => !member.self && member.here).map((member) => member.address);
  }

  #setMembers(group: Address, members: Member[]): void {
    this.world.members[group] = members;
    this.#group(group, { people: members.length });
    this.tell('members', { chat: group });
  }

  #group(address: Address, part: Partial<NonNullable<Chat['group']>>): void {
    const { group } = this.#chat(address);
    if (group) this.setChat(address, { group: { ...group, ...part } });
  }

  // ── devices and trust ──

  async devices(address: Address): Promise<readonly Device[]> {
    await this.#do('devices', address);
    return structuredClone(this.world.devices.filter((device) => device.address === address));
  }

  async setTrust(address: Address, id: number, trust: Exclude<Trust, 'undecided'>): Promise<void> {
    await this.#do('setTrust', address, id, trust);
    this.world.devices = this.world.devices.map((device) => (device.address === address && device.id === id ? { ...device, trust } : device));
    const theirs = this.world.devices.filter((device) => device.address === address && !device.stale);
    if (theirs.length > 0 && theirs.every((device) => device.trust === 'verified')) this.setChat(address, { lock: 'verified' });
    this.tell('devices', { address });
  }

  async verificationUri(): Promise<string> {
    await this.#do('verificationUri');
    const own = this.world.devices.filter((device) => device.own);
    return `xmpp:${this.world.session.address ?? ''}?${own.map((device) => `omemo-sid-${device.id}=${device.fingerprint}`).join(';')}`;
  }

  async verifyUri(uri: string): Promise<{ address: Address; verified: number }> {
    await this.#do('verifyUri', uri);
    const address = /^xmpp:([^?]+)/.exec(uri)?.[1] ?? '';
    const keys = [...uri.matchAll(/omemo-sid-(\d+)=([0-9a-f]{64})/g)];
    let verified = 0;
    for (const [, id, fingerprint] of keys) {
      const device = this.world.devices.find((it) => it.address === address && it.id === Number(id));
      if (!device || device.fingerprint !== fingerprint) throw new CoreError({ code: 'not-found' });
      if (device.trust !== 'verified') verified += 1;
      await this.setTrust(address, device.id, 'verified');
    }
    return { address, verified };
  }

  async logins(): Promise<readonly Login[]> {
    await this.#do('logins');
    return structuredClone(this.world.logins);
  }

  async pushKey(): Promise<string | undefined> {
    await this.#do('pushKey');
    return this.world.pushKey;
  }

  async enablePush(subscription: BrowserSubscription): Promise<void> {
    await this.#do('enablePush', subscription);
  }

  async disablePush(): Promise<void> {
    await this.#do('disablePush');
  }

  async endLogin(id: string): Promise<void> {
    await this.#do('endLogin', id);
    this.world.logins = this.world.logins.filter((login) => login.id !== id);
  }

  // ── inside ──

  async #do(command: keyof Core, ...given: unknown[]): Promise<void> {
    this.calls.push({ command, given });
    if (this.world.latency > 0) await new Promise((resolve) => setTimeout(resolve, this.world.latency));
    const code = this.refuse.get(command);
    if (code !== undefined) {
      this.refuse.delete(command);
      throw new CoreError({ code });
    }
  }

  #of(chat: Address): Message[] {
    return this.world.messages.filter((message) => message.chat === chat).sort((a, b) => a.order - b.order);
  }

  #nextOrder(chat: Address): number {
    return (this.#of(chat).at(-1)?.order ?? 0) + 1;
  }

  #chat(address: Address): Chat {
    return this.world.chats.find((chat) => chat.id === address)
      ?? {
        id: address, kind: 'direct', title: this.#contact(address).name || address, lock: 'encrypted',
        unread: 0, mentions: 0, readUpTo: 0, draft: '', activeAt: 0, hasOlder: false,
      };
  }

  #contact(address: Address): Contact {
    return this.world.contacts.find((contact) => contact.address === address)
      ?? { address, name: '', availability: 'offline', relation: 'none', blocked: false };
  }

  #drop(address: Address): void {
    this.world.contacts = this.world.contacts.filter((contact) => contact.address !== address);
    this.tell('contacts', { changed: [], removed: [address] });
  }

  #store(message: Message, unread: boolean): void {
    this.world.messages.push(message);
    this.tell('messages', { chat: message.chat, changed: [message], removed: [] });
    this.#touch(message.chat, unread ? 1 : 0);
  }

  #touch(address: Address, unread = 0): void {
    const last = this.#of(address).at(-1);
    const chat = this.#chat(address);
    const { last: _, ...rest } = chat;
    const next: Chat = last
      ? {
        ...rest, unread: chat.unread + unread, activeAt: last.at,
        last: { text: last.text, outgoing: last.outgoing, state: last.state, at: last.at, ...(last.problem ? { problem: last.problem } : {}) },
      }
      : rest;
    this.world.chats = [...this.world.chats.filter((it) => it.id !== address), next];
    this.tell('chats', { changed: [next], removed: [] });
  }
}
