/**
 * The groups of an account: which ones it belongs to, entering them, keeping up with what is said there. What one may do
 * in a group is in `administration.ts`.
 */
import { append } from '../../db/messages';
import type { GroupRecord, MemberRecord, Standing, Tx } from '../../db/schema';
import { ConnectionError, StanzaError } from '../../xmpp/errors';
import { bareOf, localOf } from '../../xmpp/jid';
import { NS } from '../../xmpp/ns';
import { isHistory, mucUser, STATUS, type Affiliation } from '../../xmpp/xep0045_muc';
import type { Mentioned } from '../../xmpp/xep0372_references';
import { parse, type XmlElement } from '../../xmpp/xml';
import type { Account } from '../account';
import type { Address, Group, Lock, Member, Reason } from '../api';
import type { Archive, Book } from '../archive';
import { eachLimited, Serial, Shared } from '../async';
import type { Chats } from '../chats';
import { Effects } from '../effects';
import { openGroup, type Envelope } from '../envelope';
import { log } from '../log';
import { fail, reasonOf } from '../reasons';
import type { Mode } from '../receiver';
import type { Bookmarks, BookmarkRecord, Listed } from './bookmarks';
import { groupView, isPrivate, lockOf, names, newGroup, peopleOf, roleOf, titleOf } from './facts';
import { readInvitation, type Invitation } from './invitations';
import { mentionsIn } from './mentions';
import { Room, type Exit } from './room';
import { memberList, roomFacts } from './wishes';

export interface GroupsWorld {
  caps(): Promise<XmlElement>;
  archive(): Archive;
  /** Puts a message in that came live. */
  live(envelope: Envelope): Promise<void>;
  /** A group was entered, and everything that was said there is here. */
  ready(group: Address): void;
  lock(person: Address): Lock;
  nameOf(person: Address): string;
  ownName(): string | undefined;
  /** One may let this person add one to groups. */
  trusts(person: Address): boolean;
  isContact(person: Address): boolean;
  isBlocked(person: Address): boolean;
  /** Hash of the picture of a group that is here; and what the group says that it is now. */
  pictureOf(group: Address): string | undefined;
  pictured(group: Address, hash: string | undefined): void;
}

const PARALLEL = 4;
const MAX_NICKS = 5;
const MAX_NICK = 60;
const GATHER = 50;
/** How often one looks whether one is still in the groups. */
const LOOK = 900_000;
const FIRST_RETRY = 2_000;
const MAX_RETRY = 300_000;

export class Groups {
  private readonly records = new Map<Address, GroupRecord>();
  private readonly rooms = new Map<Address, Room>();
  private readonly entering = new Shared<void>();
  /** Records are changed one after the other. */
  private readonly turn = new Serial();
  private readonly changed = new Set<Address>();
  private readonly shut = new Set<Address>();
  private readonly attempts = new Map<Address, number>();
  private current = false;
  private cancelLook: (() => void) | undefined;

  constructor(private readonly account: Account, private readonly chats: Chats, private readonly bookmarks: Bookmarks, private readonly world: GroupsWorld) {
    bookmarks.onChange = (listed) => this.listed(listed);
  }

  async load(): Promise<void> {
    for (const record of await this.account.db.read(['groups'], (tx) => tx.objectStore('groups').getAll())) this.records.set(record.address, record);
  }

  get(address: Address): GroupRecord | undefined {
    return this.records.get(address);
  }

  get addresses(): readonly Address[] {
    return [...this.records.keys()];
  }

  /** The groups to which somebody belongs. */
  withPerson(person: Address): Address[] {
    return [...this.records.values()].filter((record) => record.members.some((member) => member.address === person)).map((record) => record.address);
  }

  // ── what it is for others ──

  title(address: Address): string | undefined {
    const record = this.records.get(address);
    return record && titleOf(record, this.account.address, (person) => this.world.nameOf(person));
  }

  lock(address: Address): Lock | undefined {
    const record = this.records.get(address);
    return record && lockOf(record, this.account.address, (person) => this.world.lock(person));
  }

  view(address: Address): Group | undefined {
    const record = this.records.get(address);
    return record && groupView(record, {
      self: this.account.address, shut: this.shut.has(address), present: this.rooms.get(address)?.occupants.size ?? 0, picture: this.world.pictureOf(address),
      lockOfPerson: (person) => this.world.lock(person),
    });
  }

  people(address: Address): readonly Address[] | undefined {
    const record = this.records.get(address);
    return record && peopleOf(record, this.account.address);
  }

  isPrivate(address: Address): boolean {
    const record = this.records.get(address);
    return record !== undefined && isPrivate(record);
  }

  /** Whether it is or was private: a room that says of itself that it is public now does not bring anybody to write in the clear. */
  wasPrivate(address: Address): boolean {
    return this.records.get(address)?.closed === true || this.isPrivate(address);
  }

  /** The person knows that this group can be read by all, and writes there all the same. */
  opened(address: Address): void {
    if (this.records.get(address)?.closed !== true || this.isPrivate(address)) return;
    void this.change(address, ({ closed: _, ...record }) => record).catch((error: unknown) => log.warn('group not stored', { code: reasonOf(error).code }));
  }

  way(address: Address): { type: 'groupchat'; ready: boolean; refused?: Reason } | undefined {
    const record = this.records.get(address);
    if (!record) return undefined;
    const here = this.rooms.get(address)?.phase === 'here';
    return { type: 'groupchat', ready: here, ...(record.standing !== 'wanted' && { refused: { code: 'not-member' } }) };
  }

  isMention(address: Address, text: string): boolean {
    const own = [this.rooms.get(address)?.nick, this.records.get(address)?.bookmark?.nick, this.world.ownName()];
    return names(text, own.filter((name) => name !== undefined));
  }

  /** Whom a text names, and where. */
  mentioned(address: Address, text: string): readonly Mentioned[] {
    const record = this.records.get(address);
    if (!record || !text.includes('@')) return [];
    return mentionsIn(text, record.members.filter((member) => member.address !== this.account.address)
      .map((member) => ({ address: member.address, names: [...(member.nick === undefined ? [] : [member.nick]), this.world.nameOf(member.address)] })));
  }

  members(address: Address): Member[] {
    const record = this.known(address);
    const here = new Map([...this.rooms.get(address)?.occupants.values() ?? []].map((occupant) => [occupant.address ?? `${address}/${occupant.nick}`, occupant]));
    const listed = record.members.map((member) => ({ ...member, here: here.has(member.address) }));
    const guests = isPrivate(record) ? [] : [...here].filter(([who]) => !record.members.some((member) => member.address === who))
      .map(([who, { nick, affiliation }]) => ({ address: who, nick, affiliation, here: true }));
    return [...listed, ...guests].map(({ address: who, nick, affiliation, here: present }) => {
      const self = who === this.account.address;
      const lock = self || !isPrivate(record) ? 'unknown' : this.world.lock(who);
      return {
        address: who, role: roleOf(affiliation), self, here: present,
        name: self ? this.world.ownName() ?? localOf(who) : this.world.isContact(who) || nick === undefined ? this.world.nameOf(who) : nick,
        ...(nick !== undefined && { nick }),
        ...(lock !== 'unknown' && { canRead: lock !== 'unencrypted' }),
      };
    });
  }

  book(address: Address): Book | undefined {
    const record = this.records.get(address);
    if (!record?.room?.archived || record.standing !== 'wanted') return undefined;
    return {
      owner: address, chat: address,
      cursor: async () => this.chats.of(address).archive,
      open: (result) => {
        const { message, delay } = result.forwarded;
        const nick = nickOf(message, address);
        if (message.attrs['type'] !== 'groupchat') return undefined;
        // Of what the room itself says, only that something was taken back concerns what is shown.
        if (nick === undefined && (bareOf(message.attrs['from']) !== address || !message.child('retract', NS.retract))) return undefined;
        const speaker = nick === undefined ? { from: address, nick, outgoing: false } : this.room(address).archived(nick, message);
        return openGroup(message, address, this.account.address, speaker, this.account.platform.clock.now(), { id: result.id, stamp: delay?.stamp });
      },
    };
  }

  // ── session ──

  /** A new session: one is in no room. */
  restart(): void {
    this.current = false;
    this.cancelLook?.();
    this.shut.clear();
    this.attempts.clear();
    for (const room of this.rooms.values()) room.reset();
  }

  /** What came before is here: enters all groups. Resolves when the list of them is known. */
  async begin(): Promise<void> {
    const listed = await this.bookmarks.fetch();
    if (listed) await this.listed(listed);
    this.current = true;
    this.look();
    const wanted = [...this.records.values()].filter((record) => record.standing === 'wanted').map((record) => record.address);
    void eachLimited(wanted, PARALLEL, (address) => this.enter(address)).catch((error: unknown) => log.debug('groups not entered', { code: reasonOf(error).code }));
  }

  /** The connection broke, and the session goes on: the rooms may have noticed all the same. */
  resumed(): void {
    for (const room of this.rooms.values()) if (room.phase === 'here') void this.check(room);
  }

  private look(): void {
    this.cancelLook?.();
    this.cancelLook = this.account.platform.clock.after(LOOK, () => {
      this.resumed();
      this.look();
    });
  }

  private async check(room: Room): Promise<void> {
    try {
      if (await room.stillHere() || room.phase !== 'here') return;
      room.reset();
      await this.enter(room.address);
    } catch (error) {
      log.debug('group not looked after', { code: reasonOf(error).code });
    }
  }

  /** The room does not know us any more. */
  expelled(address: Address): void {
    const room = this.rooms.get(address);
    if (room?.phase !== 'here') return;
    room.reset();
    void this.enter(address);
  }

  // ── entering ──

  /** Enters a group and reads what was missed. Never rejects: what is wrong is part of its state. */
  enter(address: Address): Promise<void> {
    return this.entering.run(address, async () => {
      if (!this.account.online || this.records.get(address)?.standing !== 'wanted') return;
      const room = this.room(address);
      if (room.phase === 'here') return;
      try {
        // Whoever enters a room that does not exist makes one: so it is looked for first.
        const facts = await roomFacts(this.account.stream(), address);
        await this.change(address, (record) => ({ ...record, room: facts }));
        const { created } = await this.admitted(room);
        if (created) throw new StanzaError('cancel', 'item-not-found');
        await this.arrive(room);
      } catch (error) {
        await this.refused(room, error).catch((cause: unknown) => log.warn('group not stored', { code: reasonOf(cause).code }));
      }
    });
  }

  /** Enters in a way of its own, as `task` does. Whoever wants to enter meanwhile, because the own bookmark came back, waits for that. */
  async alone<T>(address: Address, task: () => Promise<T>): Promise<T> {
    for (;;) {
      let mine: Promise<T> | undefined;
      // What goes wrong concerns who asked for it.
      await this.entering.run(address, () => (mine = task()).then(() => undefined, () => undefined));
      if (mine) return mine;
    }
  }

  /** Asks under one's name, or one like it when somebody else has that. */
  async admitted(room: Room, key?: string): Promise<{ readonly created: boolean }> {
    const record = this.records.get(room.address);
    const wish = cleanNick(record?.bookmark?.nick ?? this.world.ownName() ?? localOf(this.account.address));
    for (let i = 1; ; i++) {
      try {
        return await room.enter(i === 1 ? wish : `${wish} ${i}`, key ?? record?.bookmark?.password ?? record?.invite?.password);
      } catch (error) {
        if (!(error instanceof StanzaError) || error.condition !== 'conflict' || i >= MAX_NICKS) throw error;
      }
    }
  }

  /** One is in the room: who belongs to it, and what was missed. */
  async arrive(room: Room): Promise<void> {
    const { address } = room;
    const stream = this.account.stream();
    const [members] = await Promise.all([memberList(stream, address), this.catchUp(address)]);
    if (members) await this.change(address, (record) => withMembers(record, members, this.account.address));
    // Thrown out meanwhile, or the session is another one: it is entered again.
    if (room.phase === 'out') throw new ConnectionError('not in the group any more');
    this.shut.delete(address);
    this.attempts.delete(address);
    room.phase = 'here';
    const held = room.held.splice(0);
    await Promise.all(held.map((envelope) => this.world.live(envelope)));
    this.touch(address);
    this.world.ready(address);
  }

  private async catchUp(address: Address): Promise<void> {
    const book = this.book(address);
    if (!book) return;
    try {
      await this.world.archive().catchUp(book);
    } catch (error) {
      if (!(error instanceof StanzaError) || error.type === 'wait') throw error; // it is entered again, and read then
      log.warn('archive of a group not read', { code: reasonOf(error).code });
    }
  }

  private async refused(room: Room, error: unknown): Promise<void> {
    const { address } = room;
    if (room.phase !== 'out') room.leave();
    if (error instanceof StanzaError) {
      const over = OVER[error.condition];
      if (over) return this.end(address, over, error.text);
    }
    log.debug('group not entered', { code: reasonOf(error).code });
    if (!this.account.online || !this.current) return; // a new session tries again
    if (error instanceof StanzaError && error.type !== 'wait' && !error.condition.startsWith('remote-server')) {
      this.shut.add(address);
      this.touch(address);
      return;
    }
    this.later(address);
  }

  private later(address: Address): void {
    const tries = (this.attempts.get(address) ?? 0) + 1;
    this.attempts.set(address, tries);
    if (tries > 3) {
      this.shut.add(address);
      this.touch(address);
    }
    const delay = Math.min(MAX_RETRY, FIRST_RETRY * 2 ** tries) * (0.5 + this.account.platform.random() / 2);
    this.account.platform.clock.after(delay, () => { if (this.current) void this.enter(address); });
  }

  /** It is over with this group. */
  private async end(address: Address, standing: Standing, reason: string | undefined): Promise<void> {
    const before = this.records.get(address);
    if (before?.standing !== 'wanted') return;
    await this.change(address, ({ bookmark: _, reason: __, ...record }) => ({ ...record, standing, affiliation: 'none', ...(reason !== undefined && { reason }) }));
    if (before.bookmark) await this.bookmarks.retract(address).catch((error: unknown) => log.debug('bookmark not retracted', { code: reasonOf(error).code }));
  }

  private exited(address: Address, why: Exit, reason: string | undefined): void {
    const over = { removed: 'removed', banned: 'banned', ended: 'ended' } as const;
    if (why === 'removed' || why === 'banned' || why === 'ended') void this.end(address, over[why], reason).catch(() => undefined);
    else if (why === 'lost') this.later(address);
    else if (why === 'kicked') this.shut.add(address);
    this.touch(address);
  }

  // ── the stream ──

  /** Presence of a room or somebody in it; false: it is somebody else's. */
  presence(bare: Address, resource: string, stanza: XmlElement): boolean {
    const room = this.rooms.get(bare);
    if (!room) return this.records.has(bare);
    room.presence(resource, stanza);
    return true;
  }

  /** A message of a room; `undefined`: it is not one that the group's chat is about. */
  message(stanza: XmlElement): Promise<void> | undefined {
    const from = stanza.attrs['from'];
    const bare = bareOf(from);
    const groupchat = stanza.attrs['type'] === 'groupchat';
    const room = bare === undefined ? undefined : this.rooms.get(bare);
    if (!room || bare === undefined || from === undefined) return groupchat ? Promise.resolve() : undefined;
    const nick = nickOf(stanza, bare);
    if (nick === undefined) return this.ofRoom(room, stanza);
    // What is said to one alone in a room has no place here: everybody's own address is known.
    if (!groupchat || room.phase === 'out' || room.phase === 'entering') return Promise.resolve();
    if (isHistory(stanza) && stanza.child('subject', NS.client) === undefined) return Promise.resolve();
    return this.put(room, openGroup(stanza, bare, this.account.address, room.live(nick), this.account.platform.clock.now()));
  }

  private put(room: Room, envelope: Envelope): Promise<void> {
    if (room.phase === 'here') return this.world.live(envelope);
    room.held.push(envelope);
    return Promise.resolve();
  }

  /** What the room itself says: that it is another one now, or who belongs to it. */
  private ofRoom(room: Room, stanza: XmlElement): Promise<void> | undefined {
    const { address } = room;
    if (stanza.attrs['type'] === 'error') {
      return this.world.live(this.byRoom(address, stanza));
    }
    if (stanza.attrs['type'] === 'groupchat' && stanza.child('retract', NS.retract)) return this.put(room, this.byRoom(address, stanza));
    const subject = stanza.attrs['type'] === 'groupchat' ? stanza.child('subject', NS.client) : undefined;
    if (subject) this.setSubject(address, subject.text);
    const user = mucUser.in(stanza);
    if (!user) return stanza.attrs['type'] === 'groupchat' ? Promise.resolve() : undefined;
    if (user.invites.length > 0) return undefined;
    for (const item of user.items) {
      const who = bareOf(item.jid);
      if (who !== undefined && item.affiliation !== undefined) this.told(address, who, item.affiliation, item.nick);
    }
    const codes = user.statuses.map((status) => status.code);
    if (codes.some((code) => code === STATUS.configured || code === STATUS.nowNonAnonymous || code === STATUS.nowSemiAnonymous)) void this.refresh(address);
    return Promise.resolve();
  }

  /** What the room itself says. */
  private byRoom(address: Address, stanza: XmlElement): Envelope {
    return openGroup(stanza, address, this.account.address, { from: address, nick: undefined, outgoing: false }, this.account.platform.clock.now());
  }

  /** Asks what the group is now. */
  async refresh(address: Address): Promise<void> {
    try {
      const facts = await roomFacts(this.account.stream(), address);
      await this.change(address, (record) => ({ ...record, room: facts }));
    } catch (error) {
      log.debug('group not looked at', { code: reasonOf(error).code });
    }
  }

  setSubject(address: Address, text: string): void {
    const subject = text.trim().slice(0, 1_000);
    if (this.records.get(address)?.subject === subject) return;
    void this.change(address, ({ subject: _, ...record }) => (subject === '' ? record : { ...record, subject })).catch(() => undefined);
  }

  /** Somebody's affiliation was told. */
  private told(address: Address, who: Address, affiliation: Affiliation, nick: string | undefined): void {
    const belongs = affiliation === 'owner' || affiliation === 'admin' || affiliation === 'member';
    const own = who === this.account.address;
    if (!this.records.has(address)) return; // being made
    // Looked at in its turn: what was told just before may not be stored yet.
    void this.change(address, (now) => {
      const known = now.members.find((member) => member.address === who);
      const same = known ? known.affiliation === affiliation && (nick === undefined || known.nick === nick) : !belongs;
      if (same && (!own || now.affiliation === affiliation)) return now;
      const others = now.members.filter((member) => member.address !== who);
      const name = nick ?? now.members.find((member) => member.address === who)?.nick;
      const seen = belongs ? now.seen : now.seen?.filter((member) => member !== who);
      const members: readonly MemberRecord[] = belongs ? [...others, { address: who, affiliation, ...(name !== undefined && { nick: name }) }] : others;
      return { ...now, members, ...(seen && { seen }), ...(own && { affiliation }) };
    }).catch((error: unknown) => log.warn('member not stored', { code: reasonOf(error).code }));
  }

  // ── invitations and bookmarks ──

  /** Takes an invitation; false: the message is none. */
  invited(envelope: Envelope, mode: Mode): boolean {
    const invitation = readInvitation(envelope);
    if (!invitation) return false;
    if (mode !== 'history' && !this.world.isBlocked(invitation.from)) {
      void this.consider(invitation).catch((error: unknown) => log.warn('invitation not stored', { code: reasonOf(error).code }));
    }
    return true;
  }

  private async consider({ group, from, direct, text, password, at }: Invitation): Promise<void> {
    const before = this.records.get(group);
    if (before?.standing === 'wanted' || from === this.account.address) return;
    if (before?.standing === 'left' && before.invite && before.invite.at >= at) return; // an old one, read again
    const invite = { from, at, ...(text !== undefined && { text }), ...(password !== undefined && { password }) };
    await this.change(group, ({ reason: _, ...record }) => ({ ...record, standing: 'invited', invite }), newGroup(group, 'invited'));
    await this.begun(group, at);
    // Contacts may take one along; what a room says about who invites is believed of rooms of the own server.
    if (this.world.trusts(from) && (direct || this.isOurs(group))) await this.accept(group);
  }

  /** One wants to be in this group from now on. */
  async accept(address: Address): Promise<void> {
    const record = this.known(address);
    await this.change(address, ({ reason: _, ...now }) => ({ ...now, standing: 'wanted' }));
    this.shut.delete(address);
    if (this.account.online) {
      await this.keep(address, { autojoin: true, ...record.bookmark, ...(record.invite?.password !== undefined && { password: record.invite.password }) });
      if (this.current) await this.enter(address);
    }
  }

  /** Puts a group on the list that all own devices share. */
  async keep(address: Address, bookmark: BookmarkRecord): Promise<void> {
    try {
      await this.bookmarks.publish(address, { ...bookmark, autojoin: true });
      await this.change(address, (record) => ({ ...record, bookmark: { ...bookmark, autojoin: true } }));
    } catch (error) {
      log.warn('bookmark not published', { code: reasonOf(error).code });
    }
  }

  /** Changes what stands beside a bookmark for other programs. */
  async extend(address: Address, change: (extensions: XmlElement | undefined) => XmlElement | undefined): Promise<void> {
    const { bookmark } = this.known(address);
    if (!bookmark) return;
    const extensions = change(bookmark.extensions === undefined ? undefined : parse(bookmark.extensions))?.toString();
    if (extensions !== undefined && extensions !== bookmark.extensions) await this.keep(address, { ...bookmark, extensions });
  }

  /** The list was read, or another device has changed it. */
  private async listed({ items, removed, complete }: Listed): Promise<void> {
    for (const [address, bookmark] of items) {
      const before = this.records.get(address);
      const standing: Standing = bookmark.autojoin ? 'wanted' : before && before.standing !== 'wanted' ? before.standing : 'left';
      if (!before && !bookmark.autojoin) continue; // a room that other programs only remember
      await this.change(address, (record) => ({ ...record, bookmark, standing }), newGroup(address, standing));
      // What comes alone has just happened, on another device.
      if (!before) await this.begun(address, complete ? 0 : this.account.platform.clock.now());
      if (standing === 'left') this.rooms.get(address)?.leave();
      else if (this.current && standing === 'wanted') void this.enter(address);
    }
    const gone = complete ? [...this.records.values()].filter((record) => record.bookmark && !items.has(record.address)).map((record) => record.address) : removed;
    for (const address of gone) {
      if (this.records.get(address)?.standing !== 'wanted') continue;
      await this.change(address, ({ bookmark: _, ...record }) => ({ ...record, standing: 'left' }));
      this.rooms.get(address)?.leave();
    }
    if (!complete) return;
    for (const record of this.records.values()) {
      if (record.standing === 'wanted' && !record.bookmark) await this.keep(record.address, { autojoin: true, ...(record.room?.name !== undefined && { name: record.room.name }) });
    }
  }

  /** One has come to it, and there is a chat for it at this place in the list. 0: some time ago. */
  async begun(address: Address, at: number): Promise<void> {
    if (at > 0 && this.records.get(address)?.since === undefined) await this.change(address, (record) => ({ ...record, since: at }));
    await this.chats.modify(address, (record) => ({ ...record, kind: 'group', activeAt: Math.max(record.activeAt, at) }));
  }

  // ── inside ──

  known(address: Address): GroupRecord {
    const record = this.records.get(address);
    if (!record) throw fail('not-found', 'no such group');
    return record;
  }

  room(address: Address): Room {
    let room = this.rooms.get(address);
    if (!room) {
      room = new Room(this.account, address, {
        caps: () => this.world.caps(),
        told: (who, affiliation, nick) => this.told(address, who, affiliation, nick),
        moved: () => this.touch(address),
        exited: (why, reason) => this.exited(address, why, reason),
      });
      this.rooms.set(address, room);
    }
    return room;
  }

  /** Changes a record, or makes one from `fresh`. */
  change(address: Address, change: (record: GroupRecord) => GroupRecord, fresh?: GroupRecord): Promise<void> {
    return this.turn.run(async () => {
      const before = this.records.get(address) ?? fresh;
      if (!before) return;
      const changed = change(before);
      if (changed === this.records.get(address)) return;
      const came = newcomers(changed, this.account.address);
      const next = {
        ...changed, ...(isPrivate(changed) && { closed: true as const }), ...(came.length > 0 && { seen: [...changed.seen ?? [], ...came] }),
      };
      const effects = new Effects();
      await this.account.db.write(came.length > 0 ? ['groups', 'messages', 'chats'] : ['groups'], async (tx) => {
        await tx.objectStore('groups').put(next);
        if (came.length > 0) await this.note(tx, effects, address, came);
      });
      this.records.set(address, next);
      effects.tell(this.chats, this.account.hub.emit);
      if (next.standing === 'wanted' && next.room && next.room !== before.room) this.world.pictured(address, next.room.picture);
      if (next.standing !== before.standing || next.room !== before.room) this.tell([address]);
      else this.touch(address);
    });
  }

  /**
   * What is said from now on is encrypted for these, too. Whom a room lets in is its own word, so everybody is to see it; where nothing was
   * said yet, the list of members is enough.
   */
  private async note(tx: Tx, effects: Effects, chat: Address, came: readonly Address[]): Promise<void> {
    const record = await tx.objectStore('chats').get(chat);
    if (!record?.last) return;
    const [stored, next] = await append(tx, record, {
      id: crypto.randomUUID(), chat, from: chat, outgoing: false, text: '', at: this.account.platform.clock.now(), state: 'received', lock: 'encrypted', came,
    });
    // It is no message: the list of chats goes on showing the last one.
    const kept = { ...next, last: record.last, activeAt: record.activeAt };
    await tx.objectStore('chats').put(kept);
    effects.message(stored);
    effects.chat(kept);
  }

  private isOurs(address: Address): boolean {
    return address.endsWith(`.${this.account.address.slice(this.account.address.indexOf('@') + 1)}`);
  }

  /** What is shown of a group changed. People come and go in crowds: pages are told together. */
  touch(address: Address): void {
    this.changed.add(address);
    if (this.changed.size > 1) return;
    this.account.platform.clock.after(GATHER, () => {
      const all = [...this.changed];
      this.changed.clear();
      this.tell(all);
    });
  }

  private tell(all: readonly Address[]): void {
    this.chats.changed(all);
    for (const chat of all) this.account.hub.emit('members', { chat });
  }
}

/** What a refusal means for good (XEP-0045 section 7.2). */
const OVER: Readonly<Record<string, Standing>> = {
  'registration-required': 'removed', forbidden: 'banned', 'item-not-found': 'ended', gone: 'ended',
};

function nickOf(message: XmlElement, room: Address): string | undefined {
  const from = message.attrs['from'];
  const slash = from?.indexOf('/') ?? -1;
  return from === undefined || slash < 0 || bareOf(from) !== room ? undefined : from.slice(slash + 1);
}

/** A name as it can be part of an address. */
function cleanNick(name: string): string {
  return name.normalize('NFC').replace(/[\p{C}\s]+/gu, ' ').trim().slice(0, MAX_NICK).trim() || 'user';
}

/** Who belongs to a private group and did not when it was entered first. */
function newcomers(record: GroupRecord, self: Address): Address[] {
  if (!record.seen || !isPrivate(record) || record.standing !== 'wanted') return [];
  const seen = new Set(record.seen);
  return record.members.map((member) => member.address).filter((address) => address !== self && !seen.has(address));
}

function withMembers(record: GroupRecord, listed: readonly MemberRecord[], self: Address): GroupRecord {
  const nicks = new Map(record.members.map((member) => [member.address, member.nick]));
  const members = listed.map((member) => {
    const nick = nicks.get(member.address) ?? member.nick;
    return { address: member.address, affiliation: member.affiliation, ...(nick !== undefined && { nick }) };
  });
  return { ...record, members, seen: record.seen ?? members.map((member) => member.address), affiliation: members.find((member) => member.address === self)?.affiliation ?? record.affiliation };
}
