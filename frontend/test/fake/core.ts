import {
  type AccountInfo, type Address, type BrowserSubscription, type Chat, type ChatArrangement, type Contact, type Core, CoreError, type Device, type DeviceLink, type Events, type ExportWords, type Family, type FoundMessages, type InviteInfo, type InviteLink,
  type GroupInfo, type GroupLink, type GroupsPage, type Login, type MapFacts, type Member, type Message, type NewFile, type NewGroup, type NewPoll, type Page, type Privacy, type Place, type ReasonCode, type Report, type Role, type SessionState, type SharedLocation, type Snapshot, type Sticker, type StickerPack, tallied, type Tile, type Trust, type VoiceDraft,
} from '../../src/core/api';
import { marksIn, queryWords, wordsOf } from '../../src/db/words';

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
  family?: Family;
  /** Public groups of the server. */
  publicGroups?: GroupInfo[];
  /** Links into groups, by group; and where links of others lead, by their keys. */
  groupLinks?: Record<Address, GroupLink[]>;
  openedBy?: Record<string, GroupInfo>;
  /** By the id of the message. */
  files: Map<string, Blob>;
  /** Their pictures are among the files, as `sticker-` and the id. */
  stickers?: Sticker[];
  /** The pack of every sticker that has one; its pictures are among the files, as `pack-` and the number. */
  pack?: StickerPack;
  /** What messages said before, by their id. */
  edits: Record<string, { text: string; at: number }[]>;
  logins: Login[];
  /** Missing: the server wakes no browsers. */
  pushKey?: string;
  invites: Record<string, InviteInfo>;
  password: string;
  /** The largest file that the server takes. */
  fileLimit?: number;
  /** Milliseconds that every command takes. */
  latency: number;
}

type Listener = <K extends keyof Events>(event: K, data: Events[K]) => void;

/**
 * The core in memory: it keeps the promises of `Core` (order, paging, states, one event per change) without a network,
 * a database or keys. For component tests and for looking at the views.
 */
export class FakeCore implements Core {
  /** Of the account that is looked at. */
  world: World;
  /** Of every account of this browser. */
  readonly worlds: World[];
  /** The next call of this command is refused with this. */
  readonly refuse = new Map<keyof Core, ReasonCode>();
  /** Commands in the order in which they came, with what was given. */
  readonly calls: { readonly command: string; readonly given: readonly unknown[] }[] = [];
  #listener: Listener | undefined;

  constructor(world: World, ...others: readonly World[]) {
    this.world = world;
    this.worlds = [world, ...others];
  }

  async attach(listener: Listener, account?: Address): Promise<Snapshot> {
    this.#listener = listener;
    this.world = this.worlds.find(({ session }) => session.address !== undefined && session.address === account) ?? this.world;
    return this.#snapshot();
  }

  bound(): this {
    return this;
  }

  #snapshot(): Snapshot {
    const { domain, session, contacts, chats } = this.world;
    return structuredClone({ domain, accounts: this.accounts, session, contacts, chats });
  }

  get accounts(): AccountInfo[] {
    return this.worlds.flatMap(({ session, contacts, chats }) => (session.address === undefined ? [] : {
      address: session.address, phase: session.phase, ...tallied(chats, new Map(contacts.map((one) => [one.address, one]))),
      ...(session.displayName !== undefined && { displayName: session.displayName }), ...(session.picture !== undefined && { picture: session.picture }),
    }));
  }

  detach(): void {
    this.#listener = undefined;
  }

  tell<K extends keyof Events>(event: K, data: Events[K]): void {
    this.#listener?.(event, structuredClone(data));
    if (event === 'session' || event === 'chats' || event === 'contacts') this.#listener?.('accounts', this.accounts);
  }

  #look(world: World): void {
    this.world = world;
    this.tell('looking', this.#snapshot());
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
    const before = this.#chat(address);
    const chat = { ...before, ...part };
    if (before.unread > 0 && chat.unread === 0) this.tell('read', { account: this.world.session.address ?? '', chat: address });
    this.world.chats = [...this.world.chats.filter((it) => it.id !== address), chat];
    this.tell('chats', { changed: [chat], removed: [] });
  }

  // ── session ──

  async signIn(address: Address, password: string): Promise<void> {
    await this.#do('signIn', '(address)', '(password)');
    if (password !== this.world.password) throw new CoreError({ code: 'credentials' });
    const { session } = this.world;
    if (session.phase === 'locked' && session.address === address) {
      this.setSession({ phase: 'connecting' });
      this.setSession({ phase: 'online' });
    } else {
      this.#enter({ phase: 'online', catchingUp: false, address, displayName: 'Mira' });
    }
  }

  /** Looks at this account: one that is here, or another one. */
  #enter(session: SessionState): void {
    const known = this.worlds.find((world) => world.session.address === session.address);
    if (known) return this.#look(known);
    if (this.world.session.address === undefined) {
      this.world.session = session;
      return this.#look(this.world);
    }
    const world: World = { ...this.world, session, contacts: [], chats: [], messages: [], members: {}, edits: {}, files: new Map() };
    this.worlds.push(world);
    this.#look(world);
  }

  async switchAccount(address: Address): Promise<void> {
    await this.#do('switchAccount', address);
    const world = this.worlds.find(({ session }) => session.address === address);
    if (!world) throw new CoreError({ code: 'not-found' });
    this.#look(world);
  }

  async signOut(): Promise<void> {
    await this.#do('signOut');
    const gone = this.worlds.indexOf(this.world);
    if (this.worlds.length > 1) {
      this.worlds.splice(gone, 1);
      return this.#look(this.worlds[0] ?? this.world);
    }
    this.world.session = { phase: 'none', catchingUp: false };
    this.world.contacts = [];
    this.world.chats = [];
    this.world.messages = [];
    this.#look(this.world);
  }

  async warmUp(): Promise<void> {
    await this.#do('warmUp');
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
    this.#enter({ phase: 'online', catchingUp: false, address, displayName, role: info.role });
    if (info.inviter) {
      this.setContact({ address: info.inviter, name: info.inviterName ?? '', availability: 'online', relation: 'mutual', blocked: false });
    }
  }

  async resetPassword(token: string, password: string): Promise<void> {
    await this.#do('resetPassword', token, '(password)');
    this.world.password = password;
    this.#enter({ phase: 'online', catchingUp: false, address: `${this.world.invites[token]?.reset ?? 'mira'}@${this.world.domain}` });
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

  async setPicture(picture: Blob | null): Promise<void> {
    await this.#do('setPicture', picture?.size);
    const { picture: _, ...rest } = this.world.session;
    this.world.session = rest;
    this.setSession(picture ? { picture: this.#keep(picture) } : {});
  }

  async setPrivacy(privacy: Privacy): Promise<void> {
    await this.#do('setPrivacy', privacy);
    this.setSession({ privacy });
  }

  async exportData(words: ExportWords): Promise<Blob> {
    await this.#do('exportData', words.readme);
    return new Blob(['PK'], { type: 'application/zip' });
  }

  async deleteAccount(password: string): Promise<void> {
    await this.#do('deleteAccount', '(password)');
    if (password !== this.world.password) throw new CoreError({ code: 'credentials' });
    await this.signOut();
  }

  async picture(hash: string): Promise<Blob | undefined> {
    await this.#do('picture', hash);
    return this.world.files.get(`picture-${hash}`);
  }

  async setGroupPicture(group: Address, picture: Blob | null): Promise<void> {
    await this.#do('setGroupPicture', group, picture?.size);
    if (picture) this.#group(group, { picture: this.#keep(picture) });
  }

  async family(): Promise<Family> {
    await this.#do('family');
    return structuredClone(this.world.family ?? { children: [], guardians: [], waiting: [], circles: [] });
  }

  async decideFor(child: Address, address: Address, answer: 'approve' | 'deny' | 'revoke', kind: 'contact' | 'group'): Promise<void> {
    await this.#do('decideFor', child, address, answer, kind);
    this.#family((family) => ({
      ...family,
      children: family.children.map((one) => (one.address !== child ? one : {
        ...one, requests: one.requests.filter((request) => request.address !== address),
        approved: [...one.approved.filter((peer) => peer.address !== address), ...(answer === 'approve' ? [{ address, kind }] : [])],
      })),
    }));
  }

  async setGuardians(child: Address, guardians: readonly Address[]): Promise<void> {
    await this.#do('setGuardians', child, guardians);
    this.#family((family) => ({ ...family, children: family.children.map((one) => (one.address === child ? { ...one, guardians } : one)) }));
  }

  async createCircle(name: string): Promise<void> {
    await this.#do('createCircle', name);
    this.#family((family) => ({ ...family, circles: [...family.circles, { id: name, name, group: `${name}@groups.${this.world.domain}`, members: [] }] }));
  }

  async renameCircle(id: string, name: string): Promise<void> {
    await this.#do('renameCircle', id, name);
    this.#family((family) => ({ ...family, circles: family.circles.map((circle) => (circle.id === id ? { ...circle, name } : circle)) }));
  }

  async deleteCircle(id: string): Promise<void> {
    await this.#do('deleteCircle', id);
    this.#family((family) => ({ ...family, circles: family.circles.filter((circle) => circle.id !== id) }));
  }

  async addToCircle(id: string, people: readonly Address[]): Promise<void> {
    await this.#do('addToCircle', id, people);
    this.#family((family) => ({ ...family, circles: family.circles.map((circle) => (circle.id === id ? { ...circle, members: [...circle.members, ...people] } : circle)) }));
  }

  async removeFromCircle(id: string, person: Address): Promise<void> {
    await this.#do('removeFromCircle', id, person);
    this.#family((family) => ({ ...family, circles: family.circles.map((circle) => (circle.id === id ? { ...circle, members: circle.members.filter((one) => one !== person) } : circle)) }));
  }

  #family(change: (family: Family) => Family): void {
    this.world.family = change(this.world.family ?? { children: [], guardians: [], waiting: [], circles: [] });
    this.tell('family', {});
  }

  #keep(picture: Blob): string {
    const hash = crypto.randomUUID();
    this.world.files.set(`picture-${hash}`, picture);
    return hash;
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

  async block(address: Address, report?: Report): Promise<void> {
    await this.#do('block', address, ...(report ? [report] : []));
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

  async sendFile(chat: Address, file: Blob, { id, replyTo, caption = '', ...facts }: NewFile): Promise<Message> {
    await this.#do('sendFile', chat, facts.name, file.size, { caption, replyTo });
    this.world.files.set(id, file);
    const message: Message = {
      id, chat, from: this.world.session.address ?? '', outgoing: true, text: caption, order: this.#nextOrder(chat), at: Date.now(), state: 'sending', known: false, lock: 'encrypted',
      file: { ...facts, kind: file.type.startsWith('image/') ? 'image' : file.type.startsWith('audio/') ? 'audio' : 'file', size: file.size, uploading: true },
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

  async mapFacts(): Promise<MapFacts> {
    await this.#do('mapFacts');
    return { zoom: 19, attribution: '© OpenStreetMap contributors' };
  }

  /** A land of fields and roads, in which every square can be told from the others. */
  async mapTile({ z, x, y }: Tile): Promise<Blob> {
    await this.#do('mapTile', z, x, y);
    const canvas = new OffscreenCanvas(256, 256);
    const draw = canvas.getContext('2d')!;
    const paint = (colour: string, ...box: readonly [number, number, number, number]): void => {
      draw.fillStyle = colour;
      draw.fillRect(...box);
    };
    paint('#f2efe9', 0, 0, 256, 256);
    paint('#cfe6c3', 20 + (x * 37) % 90, 30 + (y * 53) % 80, 110, 70);
    paint('#aad3df', (x * 71) % 200, 190, 60, 40);
    for (const at of [64, 176]) {
      paint('#ffffff', 0, at, 256, 14);
      paint('#ffffff', at - 20, 0, 10, 256);
    }
    paint('#f6d5a4', 0, 120, 256, 18);
    draw.fillStyle = '#5c5348';
    draw.font = '13px sans-serif';
    draw.fillText(`${z}/${x}/${y}`, 8, 132);
    return canvas.convertToBlob({ type: 'image/png' });
  }

  async sendLocation(chat: Address, location: SharedLocation, { id }: { id: string }): Promise<Message> {
    await this.#do('sendLocation', chat, location);
    const message: Message = {
      id, chat, from: this.world.session.address ?? '', outgoing: true, order: this.#nextOrder(chat), at: Date.now(), state: 'sending', known: false, lock: 'encrypted',
      text: `geo:${location.latitude.toFixed(6)},${location.longitude.toFixed(6)}`, location,
    };
    this.#store(message, false);
    return message;
  }

  async stickers(): Promise<readonly Sticker[]> {
    await this.#do('stickers');
    return structuredClone(this.world.stickers ?? []);
  }

  async stickerPicture(id: string): Promise<Blob> {
    await this.#do('stickerPicture', id);
    return this.#file(`sticker-${id}`);
  }

  async addSticker(picture: Blob, facts: { description: string; width?: number; height?: number }): Promise<Sticker> {
    await this.#do('addSticker', picture.type, picture.size, facts);
    const sticker: Sticker = { id: crypto.randomUUID(), ...facts };
    this.world.files.set(`sticker-${sticker.id}`, picture);
    this.world.stickers = [sticker, ...this.world.stickers ?? []];
    this.tell('stickers', {});
    return sticker;
  }

  async removeSticker(id: string): Promise<void> {
    await this.#do('removeSticker', id);
    this.world.stickers = (this.world.stickers ?? []).filter((sticker) => sticker.id !== id);
    this.tell('stickers', {});
  }

  async sendSticker(chat: Address, sticker: string, { id, replyTo }: { id: string; replyTo?: string }): Promise<Message> {
    await this.#do('sendSticker', chat, sticker, replyTo);
    const own = this.world.stickers?.find((one) => one.id === sticker);
    if (!own) throw new CoreError({ code: 'not-found' });
    const { id: _, description, ...sides } = own;
    this.world.files.set(id, this.#file(`sticker-${sticker}`));
    const message: Message = {
      id, chat, from: this.world.session.address ?? '', outgoing: true, text: '', order: this.#nextOrder(chat), at: Date.now(), state: 'sending', known: false, lock: 'encrypted',
      file: { name: 'sticker.webp', kind: 'image', ...sides, uploading: true, sticker: { description, pack: false } },
    };
    this.#store(message, false);
    return message;
  }

  async stickerPack(chat: Address, message: string): Promise<StickerPack> {
    await this.#do('stickerPack', chat, message);
    if (!this.world.pack) throw new CoreError({ code: 'not-found' });
    return structuredClone(this.world.pack);
  }

  async packPicture(pack: string, index: number): Promise<Blob> {
    await this.#do('packPicture', pack, index);
    return this.#file(`pack-${index}`);
  }

  #file(name: string): Blob {
    const file = this.world.files.get(name);
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

  async answerOptOut(chat: Address, agreed: boolean): Promise<void> {
    await this.#do('answerOptOut', chat, agreed);
    const { optOut, ...rest } = this.#chat(chat);
    if (!optOut) throw new CoreError({ code: 'not-found' });
    const next: Chat = agreed ? { ...rest, optOut: { ...optOut, agreed: true }, lock: 'unencrypted' } : { ...rest, lock: 'encrypted' };
    this.world.chats = [...this.world.chats.filter((it) => it.id !== chat), next];
    this.tell('chats', { changed: [next], removed: [] });
  }

  async setTimer(chat: Address, seconds: number): Promise<void> {
    await this.#do('setTimer', chat, seconds);
    const { timer: _, ...rest } = this.#chat(chat);
    this.world.chats = [...this.world.chats.filter((it) => it.id !== chat), { ...rest, ...(seconds > 0 && { timer: seconds }) }];
    this.receive(chat, '', { from: this.world.session.address ?? '', outgoing: true, state: 'sent', timerSet: seconds });
  }

  async pin(chat: Address, id: string, pinned: boolean): Promise<void> {
    await this.#do('pin', chat, id, pinned);
    const old = this.world.messages.find((message) => message.id === id);
    if (!old) throw new CoreError({ code: 'not-found' });
    const { pinned: _, ...rest } = old;
    this.world.messages = this.world.messages.map((message) => (message.id === id ? rest : message));
    this.setState(id, pinned ? { pinned: true } : {});
  }

  async pinned(chat: Address): Promise<readonly Message[]> {
    await this.#do('pinned', chat);
    return structuredClone(this.#of(chat).filter((message) => message.pinned).reverse());
  }

  async askPoll(chat: Address, { question, options, several }: NewPoll): Promise<Message> {
    await this.#do('askPoll', chat, question, options, several);
    return this.receive(chat, question, {
      from: this.world.session.address ?? '', outgoing: true, state: 'sent',
      poll: { options: options.map((text) => ({ text, from: [], own: false })), several, closed: false, people: 0 },
    });
  }

  async vote(chat: Address, id: string, choices: readonly number[]): Promise<void> {
    await this.#do('vote', chat, id, choices);
    const me = this.world.session.address ?? '';
    const poll = this.world.messages.find((message) => message.id === id)?.poll;
    if (!poll) throw new CoreError({ code: 'not-found' });
    const options = poll.options.map((option, i) => {
      const others = option.from.filter((who) => who !== me);
      return { ...option, from: choices.includes(i) ? [...others, me] : others, own: choices.includes(i) };
    });
    this.setState(id, { poll: { ...poll, options, people: new Set(options.flatMap((option) => option.from)).size } });
  }

  async closePoll(chat: Address, id: string): Promise<void> {
    await this.#do('closePoll', chat, id);
    const poll = this.world.messages.find((message) => message.id === id)?.poll;
    if (poll) this.setState(id, { poll: { ...poll, closed: true } });
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

  async arrangeChat(chat: Address, { pinned, archived, muted, unread }: ChatArrangement): Promise<void> {
    await this.#do('arrangeChat', chat, { pinned, archived, muted, unread });
    const { pinned: wasPinned, archived: wasArchived, muted: wasMuted, marked, ...rest } = this.#chat(chat);
    const silent = muted === undefined ? wasMuted : muted === null ? undefined : { ...(muted.until !== undefined && { until: muted.until }), ...(muted.exceptMentions && { exceptMentions: true as const }) };
    const next: Chat = {
      ...rest, ...((pinned ?? wasPinned) && { pinned: true as const }), ...((archived ?? wasArchived) && { archived: true as const }), ...(silent && { muted: silent }),
      ...((unread ?? marked) && { marked: true as const }), ...(unread === false && { unread: 0, mentions: 0 }),
    };
    this.world.chats = [...this.world.chats.filter((it) => it.id !== chat), next];
    this.tell('chats', { changed: [next], removed: [] });
  }

  async findMessages(query: string, { chat, limit }: { chat?: Address; limit: number }): Promise<FoundMessages> {
    await this.#do('findMessages', query, chat, limit);
    const words = queryWords(query);
    const all = this.world.messages.filter((message) => (chat === undefined || message.chat === chat) && !message.retracted
      && words.length > 0 && words.every((word) => wordsOf(message.text).some((one) => one.startsWith(word)))).sort((a, b) => b.at - a.at);
    return {
      messages: all.slice(0, limit).map(({ id, chat: where, from, outgoing, order, at, text, name }) => ({
        id, chat: where, from, outgoing, order, at, text, marks: marksIn(text, words), ...(name !== undefined && { name }),
      })),
      more: all.length > limit,
    };
  }

  async placeAt(chat: Address, at: number): Promise<Place | undefined> {
    await this.#do('placeAt', chat, at);
    const all = this.#of(chat);
    const found = all.find((message) => message.at >= at) ?? all.at(-1);
    return found && { id: found.id, order: found.order };
  }

  async message(chat: Address, id: string): Promise<Message | undefined> {
    await this.#do('message', chat, id);
    return structuredClone(this.#of(chat).find((message) => message.id === id));
  }

  readonly #staged = new Map<Address, readonly File[]>();
  readonly #recorded = new Map<Address, VoiceDraft>();

  async stageFiles(chat: Address, files: readonly File[]): Promise<void> {
    await this.#do('stageFiles', chat, files.length);
    this.#staged.set(chat, files);
    const { draftFiles: _, ...rest } = this.#chat(chat);
    this.setChatTo({ ...rest, ...(files.length > 0 && { draftFiles: files.length }) });
  }

  async stagedFiles(chat: Address): Promise<readonly File[]> {
    await this.#do('stagedFiles', chat);
    return this.#staged.get(chat) ?? [];
  }

  async stageVoice(chat: Address, voice: VoiceDraft | null): Promise<void> {
    await this.#do('stageVoice', chat, voice?.length);
    if (voice) this.#recorded.set(chat, voice);
    else this.#recorded.delete(chat);
    const { draftVoice: _, ...rest } = this.#chat(chat);
    this.setChatTo({ ...rest, ...(voice && { draftVoice: true as const }) });
  }

  async stagedVoice(chat: Address): Promise<VoiceDraft | undefined> {
    await this.#do('stagedVoice', chat);
    return this.#recorded.get(chat);
  }

  async fileLimit(): Promise<number | undefined> {
    await this.#do('fileLimit');
    return this.world.fileLimit;
  }

  async setDraft(chat: Address, text: string, replyTo?: string): Promise<void> {
    await this.#do('setDraft', chat, text, ...(replyTo === undefined ? [] : [replyTo]));
    const { draftReply: _, ...rest } = this.#chat(chat);
    this.setChatTo({ ...rest, draft: text, ...(replyTo !== undefined && { draftReply: replyTo }) });
  }

  setChatTo(chat: Chat): void {
    this.world.chats = [...this.world.chats.filter((it) => it.id !== chat.id), chat];
    this.tell('chats', { changed: [chat], removed: [] });
  }

  async setTyping(chat: Address, typing: boolean): Promise<void> {
    await this.#do('setTyping', chat, typing);
  }

  async focus(chat: Address | null): Promise<void> {
    await this.#do('focus', chat);
  }

  // ── groups ──

  async publicGroups(after?: string): Promise<GroupsPage> {
    await this.#do('publicGroups', after);
    const all = this.world.publicGroups ?? [];
    const from = after === undefined ? 0 : Number(after);
    return structuredClone({ groups: all.slice(from, from + 20), ...(from + 20 < all.length && { next: String(from + 20) }) });
  }

  async lookupGroup(address: Address, key?: string): Promise<GroupInfo> {
    await this.#do('lookupGroup', address, ...(key === undefined ? [] : [key]));
    if (key !== undefined && this.world.session.role === 'limited') throw new CoreError({ code: 'not-member' });
    if (key !== undefined) return structuredClone(this.#opened(address, key));
    const found = this.world.publicGroups?.find((group) => group.address === address);
    if (!found) throw new CoreError({ code: 'not-found' });
    return found;
  }

  async createGroup(name: string, people: readonly Address[], options: NewGroup = {}): Promise<Address> {
    await this.#do('createGroup', name, people, options);
    const address = `${name.toLowerCase().replaceAll(/[^a-z]+/g, '-')}@groups.${this.world.domain}`;
    const member = (who: Address, role: Role): Member =>
      ({ address: who, name: this.#contact(who).name || who, role, self: who === this.world.session.address, here: true, canRead: true });
    this.world.members[address] = [member(this.world.session.address ?? '', 'owner'), ...people.map((who) => member(who, 'member'))];
    this.setChat(address, {
      id: address, kind: 'group', title: name, activeAt: Date.now(),
      group: {
        state: 'here', privacy: options.public === true ? 'public' : 'private', role: 'owner', people: people.length + 1, may: { add: true, remove: true, configure: true, link: options.public !== true }, cannotRead: [],
      },
    });
    return address;
  }

  async joinGroup(address: Address, key?: string): Promise<Address> {
    await this.#do('joinGroup', address, ...(key === undefined ? [] : [key]));
    const known = key === undefined ? undefined : this.#opened(address, key);
    this.setChat(address, {
      id: address, kind: 'group', title: known?.name ?? address, lock: known ? 'encrypted' : 'unencrypted', activeAt: Date.now(),
      group: {
        state: 'here', privacy: known ? 'private' : 'public', role: known ? 'member' : 'guest', people: known?.members ?? 12,
        may: { add: false, remove: false, configure: false, link: false }, cannotRead: [],
      },
    });
    return address;
  }

  #opened(address: Address, key: string): GroupInfo {
    const found = this.world.openedBy?.[key];
    if (found?.address !== address) throw new CoreError({ code: 'group-link-invalid' });
    return found;
  }

  async groupLinks(group: Address): Promise<readonly GroupLink[]> {
    await this.#do('groupLinks', group);
    return structuredClone(this.world.groupLinks?.[group] ?? []);
  }

  #setLinks(group: Address, links: GroupLink[]): void {
    this.world.groupLinks = { ...this.world.groupLinks, [group]: links };
  }

  async makeGroupLink(group: Address, { seconds = 7 * 86_400, max }: { readonly seconds?: number; readonly max?: number }): Promise<GroupLink> {
    await this.#do('makeGroupLink', group, seconds, max);
    const before = this.world.groupLinks?.[group] ?? [];
    const token = `fakefakefakefakefak${before.length}aA`;
    const made = {
      id: `link-${before.length}-${Date.now()}`, by: this.world.session.address ?? '', expires: Date.now() + seconds * 1000, uses: 0, ...(max !== undefined && { max }),
      url: `https://${this.world.domain}/g/${group}#${token}`, uri: `xmpp:${group}?join;password=${token}`,
    };
    this.#setLinks(group, [made, ...before]);
    return made;
  }

  async renewGroupLink(group: Address, id: string, seconds = 7 * 86_400): Promise<GroupLink> {
    await this.#do('renewGroupLink', group, id, seconds);
    const links = (this.world.groupLinks?.[group] ?? []).map((link) => (link.id === id ? { ...link, expires: Date.now() + seconds * 1000 } : link));
    this.#setLinks(group, links);
    const renewed = links.find((link) => link.id === id);
    if (!renewed) throw new CoreError({ code: 'not-found' });
    return renewed;
  }

  async revokeGroupLink(group: Address, id: string): Promise<void> {
    await this.#do('revokeGroupLink', group, id);
    this.#setLinks(group, (this.world.groupLinks?.[group] ?? []).filter((link) => link.id !== id));
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

  async allowOlder(address: Address, id: number): Promise<void> {
    await this.#do('allowOlder', address, id);
  }

  async seenOwnDevices(): Promise<void> {
    await this.#do('seenOwnDevices');
    const { newDevice: _, ...session } = this.world.session;
    this.world.session = session;
    this.tell('session', session);
  }

  async nameDevice(name: string): Promise<void> {
    await this.#do('nameDevice', name);
    const label = name.trim();
    this.world.devices = this.world.devices.map(({ label: before, ...device }) => ({ ...device, ...(device.current ? label !== '' && { label } : before !== undefined && { label: before }) }));
    this.setSession({ deviceLabel: label === '' ? undefined : label });
    this.tell('devices', { address: this.world.session.address ?? '' });
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

  async createDeviceLink(): Promise<DeviceLink> {
    await this.#do('createDeviceLink');
    return { token: 'link', url: `https://${this.world.domain}/l/link`, expires: Date.now() + 300_000 };
  }

  async answerDeviceLink(token: string, agreed: boolean): Promise<void> {
    await this.#do('answerDeviceLink', token, agreed);
  }

  async openDeviceLink(token: string): Promise<{ address: Address; number: string }> {
    await this.#do('openDeviceLink', token);
    if (token === 'gone') throw new CoreError({ code: 'link-invalid' });
    return { address: `mira@${this.world.domain}`, number: '0417' };
  }

  /** The other device agrees at once; to the link `undecided` it never answers. */
  async awaitDeviceLink(token: string): Promise<void> {
    await this.#do('awaitDeviceLink', token);
    if (token === 'undecided') await new Promise(() => undefined);
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

  /** These commands, or all, are not answered before `release`. */
  hold(...commands: readonly (keyof Core)[]): void {
    const held = new Promise<void>((resolve) => { this.release = resolve; });
    this.#held = (command) => (commands.length === 0 || commands.includes(command) ? held : undefined);
  }

  release: () => void = () => undefined;
  #held: (command: keyof Core) => Promise<void> | undefined = () => undefined;

  async #do(command: keyof Core, ...given: unknown[]): Promise<void> {
    this.calls.push({ command, given });
    const held = this.#held(command);
    if (held) await held;
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
        last: { text: last.location ? last.location.name ?? '' : last.text, ...(last.location && { location: true as const }), outgoing: last.outgoing, state: last.state, at: last.at, ...(last.problem ? { problem: last.problem } : {}) },
      }
      : rest;
    this.world.chats = [...this.world.chats.filter((it) => it.id !== address), next];
    this.tell('chats', { changed: [next], removed: [] });
  }
}
