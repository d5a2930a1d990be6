/**
 * One signed-in account: the list of its parts and how they hang together. What each does is in its own file.
 */
import { V2 } from '../crypto/engine';
import { RecordStore } from '../crypto/records';
import { newSealKey, Sealer } from '../crypto/seal';
import type { Database } from '../db/database';
import { getMessage } from '../db/messages';
import { deleteMeta, getMeta, putMeta, readMeta, writeMeta } from '../db/meta';
import { ConnectionError, StanzaError } from '../xmpp/errors';
import { bareOf } from '../xmpp/jid';
import { account as accountCodec } from '../xmpp/kith_account';
import type { FastToken, LoginResult } from '../xmpp/login';
import { NS } from '../xmpp/ns';
import { formatGeo } from '../xmpp/rfc5870_geo';
import type { Stream } from '../xmpp/stream';
import { enableCarbons } from '../xmpp/xep0280_carbons';
import { xml, type XmlElement } from '../xmpp/xml';
import type { Account } from './account';
import type { Address, InviteLink, Lock, Message, NewPoll, Report, SessionState, SharedLocation, StickerPack } from './api';
import { Archive, type Book } from './archive';
import { Arrangement } from './arrangement';
import { Chats } from './chats';
import { askedPoll } from './content';
import { Connection, type ConnectionState } from './connection';
import { Contacts } from './contacts';
import { Credentials } from './credentials';
import { Discovery } from './discovery';
import { Drafts } from './drafts';
import { Ephemeral } from './ephemeral';
import { openArchived, openLive, type Envelope } from './envelope';
import { Administration } from './groups/administration';
import { Bookmarks } from './groups/bookmarks';
import { Directory } from './groups/directory';
import { GroupLinks } from './groups/links';
import { Groups } from './groups/groups';
import { Family, isNotice } from './family';
import { Files } from './files';
import { Finder } from './find';
import { History } from './history';
import type { Hub } from './hub';
import { Inbox } from './inbox';
import { createInvite } from './inviting';
import { log } from './log';
import { Logins } from './logins';
import { Maps } from './maps';
import { Decryptor } from './omemo/decryptor';
import { Devices, versionsOf } from './omemo/devices';
import { Encryptor } from './omemo/encryptor';
import { Keys } from './omemo/keys';
import { sealedSource } from './omemo/store';
import { TrustBook } from './omemo/trustbook';
import { DEFAULT_MIN_PASSWORD } from './passwords';
import { Exporting } from './exporting';
import { openness, OptOuts } from './optout';
import { Packs } from './packs';
import { Pairing } from './pairing';
import { Pep } from './pep';
import { Pictures } from './pictures';
import { Privacy } from './privacy';
import type { Platform } from './platform';
import { PresenceBook } from './presence';
import { ReadState } from './readstate';
import { fail, reasonOf } from './reasons';
import { Receiver } from './receiver';
import { reportOf } from './reports';
import { Responses } from './responses';
import { Sender } from './sender';
import { Stickers } from './stickers';
import { TokenStore } from './token';
import { Typing } from './typing';
import { Vault } from './vault';
import { WebPush } from './webpush';

/** Who was there is believed to be there for so long after the connection broke. */
const ABSENCE = 15_000;

export class Session implements Account {
  readonly contacts: Contacts;
  readonly chats: Chats;
  readonly optOuts: OptOuts;
  readonly sender: Sender;
  readonly history: History;
  readonly reads: ReadState;
  readonly typing: Typing;
  readonly trust: TrustBook;
  readonly keys: Keys;
  readonly logins: Logins;
  readonly webPush: WebPush;
  readonly groups: Groups;
  readonly administration: Administration;
  readonly directory: Directory;
  readonly groupLinks: GroupLinks;
  readonly files: Files;
  readonly pictures: Pictures;
  readonly privacy: Privacy;
  readonly pairing: Pairing;
  readonly family: Family;
  readonly exporting: Exporting;
  readonly finder: Finder;
  readonly arrangement: Arrangement;
  readonly drafts: Drafts;
  readonly credentials: Credentials;
  readonly ephemeral: Ephemeral;
  readonly stickers: Stickers;
  readonly packs: Packs;
  readonly maps: Maps;
  private readonly vault: Vault;
  private readonly presence: PresenceBook;
  private readonly pep: Pep;
  private readonly discovery: Discovery;
  private readonly devices: Devices;
  private readonly encryptor: Encryptor;
  private readonly receiver: Receiver;
  private readonly archive: Archive;
  private readonly inbox: Inbox;
  /** The own archive: what was said between two. */
  private readonly book: Book;
  private readonly responses: Responses;
  private readonly connection: Connection;

  /** Everything up to the present is here; what comes now may be put at the end. */
  private current = false;
  private held: Envelope[] = [];
  private link: ConnectionState = { phase: 'connecting' };
  private facts: Partial<Pick<SessionState, 'displayName' | 'role' | 'fingerprint' | 'deviceId' | 'deviceLabel' | 'newDevice' | 'cryptoError' | 'maps'>> = {};
  /** Called whenever `state` changed. */
  onState: () => void = () => undefined;

  private constructor(
    readonly address: Address,
    readonly db: Database,
    readonly platform: Platform,
    readonly hub: Hub,
    private readonly tokens: TokenStore,
    records: Sealer,
    agentId: string,
  ) {
    this.pep = new Pep(this);
    this.presence = new PresenceBook(platform.clock);
    this.contacts = new Contacts(this, this.pep, this.presence);
    this.pictures = new Pictures(this, this.pep, { knows: (person) => this.contacts.isFriend(person) && !this.contacts.isBlocked(person) });
    this.privacy = new Privacy(this, this.pep);
    this.chats = new Chats(this);
    this.optOuts = new OptOuts(this.chats);
    this.devices = new Devices(this, this.pep);
    const bookmarks = new Bookmarks(this, this.pep);
    this.groups = new Groups(this, this.chats, bookmarks, {
      caps: () => this.discovery.caps(),
      archive: () => this.archive,
      live: (envelope) => this.receiver.live(envelope),
      ready: (group) => this.groupReady(group),
      lock: (person) => this.devices.lock(person),
      nameOf: (person) => this.contacts.name(person),
      ownName: () => this.contacts.ownName ?? this.facts.displayName,
      trusts: (person) => this.contacts.isFriend(person),
      isContact: (person) => this.contacts.isKnown(person),
      isBlocked: (person) => this.contacts.isBlocked(person),
      pictureOf: (group) => this.pictures.of(group),
      pictured: (group, hash) => this.pictures.group(group, hash),
    });
    this.groupLinks = new GroupLinks(this, this.groups);
    this.directory = new Directory(this, this.groupLinks);
    this.administration = new Administration(this, this.groups, bookmarks, this.directory);
    const recordStore = new RecordStore(records, sealedSource(db));
    this.keys = new Keys(this, this.pep, recordStore, this.devices, () => this.encryptor.settle());
    const engine = { engine: () => this.keys.engine(), ownDevice: () => this.keys.own?.device };
    this.encryptor = new Encryptor(this, this.pep, recordStore, this.devices, this.chats, {
      ...engine,
      people: (chat) => this.groups.people(chat) ?? [chat],
      isTold: (who) => this.contacts.isHeard(who),
      isStranger: (who) => this.isStranger(who),
    });
    this.trust = new TrustBook(this, recordStore, this.devices, this.chats, {
      engine: engine.engine, own: () => this.keys.own, discover: (address, ids) => this.encryptor.discover(address, ids),
    });
    this.vault = new Vault(this, recordStore, this.encryptor, this.devices, () => this.keys.own?.device);
    this.stickers = new Stickers(this, this.pep, this.vault);
    this.vault.onKeys = () => this.stickers.caughtUp();
    this.typing = new Typing(this, (chat) => {
      if (!this.privacy.now.typing) return undefined;
      if (this.groups.get(chat)) return this.groups.isPrivate(chat) && this.groups.way(chat)?.ready === true ? 'groupchat' : undefined;
      return this.contacts.trusts(chat) && this.presence.isOnline(chat) ? 'chat' : undefined;
    });
    this.reads = new ReadState(this, this.chats, this.pep, {
      mayTell: (chat) => this.privacy.now.read && (this.groups.get(chat) ? this.groups.isPrivate(chat) && this.groups.way(chat)?.ready === true : this.contacts.trusts(chat)),
      members: (chat) => this.groups.people(chat) ?? [],
      timersStarted: () => this.ephemeral.wake(),
      assisted: () => this.discovery.has(NS.mdsAssist),
    });
    this.receiver = new Receiver(this, this.chats, recordStore,
      new Decryptor(this, this.devices, {
        ...engine,
        isStranger: (who) => this.isStranger(who),
        upkeep: () => { if (this.current) this.responses.upkeep(); }, // otherwise once, when everything has been read
        heal: (who, device, version, broken) => { if (!this.isStranger(who)) this.responses.heal(who, device, version, broken); },
      }), this.devices, {
        typing: (chat, from, typing) => this.typing.received(chat, from, typing),
        receipt: (to, id, type) => this.responses.receipt(to, id, type),
        arrived: (messages, mode) => this.responses.arrived(messages, mode),
        peerRead: this.reads.byPeer,
        ownRead: this.reads.byOwnDevice,
        answered: this.reads.byAnswer,
        memberRead: this.reads.byMember,
        invited: (envelope, mode) => this.groups.invited(envelope, mode),
        subject: (chat, text) => this.groups.setSubject(chat, text),
        expelled: (chat) => this.groups.expelled(chat),
        isMention: (chat, text) => this.groups.isMention(chat, text),
        isEncrypted: (chat) => !this.mayOpen(chat),
        stored: (tx, effects, chat) => {
          effects.after(() => { if (this.chats.get(chat)?.timer) this.ephemeral.wake(); });
          return this.reads.resolveAwaited(tx, effects, chat);
        },
        encryptedAgain: () => this.sender.runAll(),
        isBlocked: (who) => this.contacts.isBlocked(who),
        met: (who) => this.contacts.met(who),
        ownDevice: (session, message, device) => this.vault.heard(session, message, device),
      });
    this.responses = new Responses(this, this.chats, this.contacts, this.keys, this.encryptor);
    this.archive = new Archive(this, this.receiver);
    this.inbox = new Inbox(this, this.chats, this.receiver);
    this.book = {
      owner: address, chat: undefined, cursor: () => readMeta(db, 'cursor'),
      // What the server says of children and guardians is told elsewhere, and no chat.
      open: (result) => (isNotice(result.forwarded.message, address) ? undefined : openArchived(result, address, platform.clock.now())),
    };
    this.history = new History(this, this.chats, this.archive, (chat) => (this.groups.get(chat) ? this.groups.book(chat) : this.book));
    this.drafts = new Drafts(this, this.chats);
    this.arrangement = new Arrangement(this, this.chats, this.pep, {
      isBookmarked: (chat) => this.groups.get(chat)?.bookmark !== undefined,
      extend: (group, change) => this.groups.extend(group, change),
      markAllRead: (chat) => this.reads.markRead(chat, this.chats.of(chat).top),
    });
    bookmarks.onExtensions = (groups) => this.arrangement.bookmarked(groups);
    this.finder = new Finder(this, this.history, (chat) => this.contacts.isBlocked(chat));
    this.files = new Files(this);
    this.packs = new Packs(this.pep, this.files);
    this.sender = new Sender(this, this.chats, this.encryptor, {
      lock: (chat) => this.lock(chat),
      mentioned: (chat, text) => this.groups.mentioned(chat, text),
      upload: (message, file) => this.files.upload(message, file),
      cancelUpload: (id) => this.files.cancel(id),
      isBlocked: (chat) => this.contacts.isBlocked(chat),
      way: (chat) => this.groups.way(chat) ?? { type: 'chat', ready: true },
      opened: (chat) => this.groups.opened(chat),
      envelopes: (chat) => [this.address, ...this.groups.people(chat) ?? [chat]].every((who) => this.devices.listed(who).every((device) => device.trust === 'distrusted' || versionsOf(device).includes(V2))),
      undecided: (chat) => (this.groups.people(chat) ?? [chat]).some((who) => this.devices.listed(who).some((device) => device.trust === 'undecided')),
      met: (who) => this.contacts.met(who),
    });
    this.exporting = new Exporting(this, {
      state: () => this.state, titleOf: (chat) => this.groups.title(chat) ?? this.contacts.name(chat), nameOf: (person) => this.contacts.name(person),
      pictures: () => this.pictures.all, picture: (hash) => this.pictures.get(hash),
    });
    this.ephemeral = new Ephemeral(this, this.chats, {
      announce: (chat, seconds) => this.sender.send(chat, '', { allowUnencrypted: this.lock(chat) === 'unencrypted' && this.mayOpen(chat) }, { timerSet: seconds }),
    });
    this.family = new Family(this, { role: () => this.facts.role, nameOf: (person) => this.contacts.name(person) });
    this.credentials = new Credentials(this, { signIn: (password) => this.connection.signIn(password), resume: () => this.resume(), role: () => this.facts.role });
    this.pairing = new Pairing(this);
    this.maps = new Maps(this);
    this.logins = new Logins(this, agentId);
    this.webPush = new WebPush(this);
    this.discovery = new Discovery(this, this.pep.nodes);
    this.connection = new Connection(address, { id: agentId, software: 'Kith', device: platform.deviceName }, platform, {
      message: (stanza) => this.message(stanza),
      presence: (stanza) => this.presenceStanza(stanza),
      request: (type, payload, from) => this.request(type, payload, from),
      state: (state) => this.connectionChanged(state),
      token: (token) => this.tokens.write(token),
      started: (stream, login) => this.started(stream, login),
      resumed: (stream) => this.resumed(stream),
      dropped: () => this.dropped(),
    });
    this.wire();
  }

  /** Opens what this browser has of the account, or begins with nothing. `vouched`: another own device has let this one in. */
  static async open(address: Address, db: Database, platform: Platform, hub: Hub, vouched?: { readonly agentId: string; readonly token: FastToken }): Promise<Session> {
    const known = await db.read(['meta'], async (tx) => ({ sealKey: await getMeta(tx, 'sealKey'), agentId: await getMeta(tx, 'agentId') }));
    const sealKey = known.sealKey ?? await newSealKey();
    const agentId = vouched?.agentId ?? known.agentId ?? crypto.randomUUID();
    if (known.sealKey === undefined || known.agentId !== agentId) {
      await db.write([], async (tx) => {
        await putMeta(tx, 'sealKey', sealKey);
        await putMeta(tx, 'agentId', agentId);
      }, 'strict');
    }
    const session = new Session(address, db, platform, hub, new TokenStore(db, new Sealer(sealKey, 'meta')), new Sealer(sealKey, 'omemo'), agentId);
    if (vouched) await session.tokens.write(vouched.token);
    await session.load();
    return session;
  }

  private async load(): Promise<void> {
    const facts = this.db.read(['meta'], async (tx) => {
      const displayName = await getMeta(tx, 'displayName'), role = await getMeta(tx, 'role');
      const fingerprint = await getMeta(tx, 'fingerprint'), deviceId = await getMeta(tx, 'deviceId'), deviceLabel = await getMeta(tx, 'deviceLabel'), newDevice = await getMeta(tx, 'newDevice');
      return {
        ...(displayName !== undefined && { displayName }), ...(role !== undefined && { role }),
        ...(fingerprint !== undefined && { fingerprint }), ...(deviceId !== undefined && { deviceId }), ...(deviceLabel && { deviceLabel }), ...(newDevice && { newDevice }),
      };
    });
    [this.facts] = await Promise.all([facts, this.contacts.load(), this.chats.load(), this.devices.load(), this.groups.load(), this.pictures.load(), this.privacy.load()]);
    this.arrangement.load();
    this.ephemeral.wake();
  }

  private wire(): void {
    this.chats.facts = {
      title: (chat) => this.groups.title(chat) ?? this.contacts.name(chat),
      lock: (chat) => this.lock(chat),
      group: (chat) => this.groups.view(chat),
      known: () => [...this.devices.known, ...this.groups.addresses],
    };
    this.contacts.isMet = (who) => this.chats.get(who)?.kind === 'direct';
    this.contacts.onNames = (who) => {
      this.chats.changed(who.filter((address) => address !== this.address));
      for (const address of who) this.touchGroupsOf(address);
      if (who.includes(this.address)) this.learn({ displayName: this.contacts.ownName });
    };
    this.privacy.onChange = () => this.onState();
    this.contacts.pictureOf = (who) => this.pictures.of(who);
    this.contacts.onRelation = (who) => this.pictures.consider(who);
    this.pictures.onChange = (who) => {
      if (who.includes(this.address)) this.onState();
      for (const one of who.filter((address) => this.groups.get(address))) this.groups.touch(one);
      this.contacts.emit(who.filter((address) => !this.groups.get(address)));
    };
    this.devices.onLock = (who) => {
      if (who !== this.address) this.chats.changed([who]);
      else if (this.current) void this.vault.share();
      this.touchGroupsOf(who);
      this.sender.runAll();
    };
    this.devices.onOwnDevice = () => {
      this.facts = { ...this.facts, newDevice: true };
      this.onState();
    };
    this.keys.onState = (own, error) => {
      const { cryptoError: _, ...rest } = this.facts;
      this.facts = { ...rest, ...(own && { fingerprint: own.fingerprint, deviceId: own.device, deviceLabel: own.label }), ...(error && { cryptoError: error }) };
      this.onState();
    };
    this.optOuts.onDecided = () => this.sender.runAll();
    this.hub.onActivity = (active) => this.connection.setActive(active);
  }

  private lock(chat: Address): Lock {
    return this.groups.lock(chat) ?? (openness(this.chats.of(chat)) === 'agreed' ? 'unencrypted' : this.devices.lock(chat));
  }

  /**
   * Whether what nobody is asked about may be said in the clear: never where it was encrypted before, whatever servers and rooms say now
   * of devices and of themselves, unless the person has agreed.
   */
  private mayOpen(chat: Address): boolean {
    if (this.groups.get(chat)) return !this.groups.wasPrivate(chat);
    return openness(this.chats.of(chat)) === 'agreed' || this.devices.of(chat).devices.every((device) => device.fingerprint === undefined);
  }

  private touchGroupsOf(person: Address): void {
    for (const group of this.groups.withPerson(person)) this.groups.touch(group);
  }

  private groupReady(group: Address): void {
    this.sender.entered(group);
    void this.reads.resume(group).catch((error: unknown) => log.debug('read state not told', { code: reasonOf(error).code }));
    this.keys.upkeep().catch((error: unknown) => log.warn('upkeep failed', { code: reasonOf(error).code }));
  }

  // ── Account ──

  get online(): boolean {
    return this.connection.stream?.connected === true;
  }

  /** Resolves once it is known whether there is a connection. */
  async decided(): Promise<void> {
    if (this.link.phase === 'connecting') await this.connection.decided();
  }

  stream(): Stream {
    const stream = this.connection.stream;
    if (stream?.connected !== true) throw fail('network', 'not connected');
    return stream;
  }

  async seenOwnDevices(): Promise<void> {
    await this.db.write([], (tx) => deleteMeta(tx, 'newDevice'));
    const { newDevice: _, ...rest } = this.facts;
    this.facts = rest;
    this.onState();
  }

  get state(): SessionState {
    const { link } = this;
    return {
      phase: link.phase,
      address: this.address,
      ...this.facts,
      privacy: this.privacy.now,
      ...(this.pictures.of(this.address) !== undefined && { picture: this.pictures.of(this.address) }),
      ...(link.phase === 'offline' && link.retryAt !== undefined && { retryAt: link.retryAt }),
      ...((link.phase === 'offline' || link.phase === 'locked') && { reason: link.reason }),
      catchingUp: link.phase === 'online' && !this.current,
    };
  }

  // ── signing in and out ──

  /** Goes on with the token of last time; without one the person has to sign in again. */
  async resume(): Promise<void> {
    const token = await this.tokens.read(this.platform.clock.now());
    if (token !== undefined) this.connection.start(token);
    else this.connectionChanged({ phase: 'locked', reason: { code: 'credentials', detail: 'no valid token' } });
  }

  async signIn(password: string): Promise<void> {
    try {
      await this.connection.signIn(password);
    } catch (error) {
      this.connectionChanged({ phase: 'locked', reason: reasonOf(error) });
      throw error;
    }
  }

  /** Ends the session; what can be undone on the server is undone, then everything here is deleted. */
  async signOut(): Promise<void> {
    const token = await this.tokens.read(this.platform.clock.now()).catch(() => undefined);
    if (this.online) {
      await withTimeout(this.webPush.disable(), 5_000).catch((error: unknown) => log.warn('still to be woken', { code: reasonOf(error).code }));
      await withTimeout(this.keys.withdraw(), 5_000).catch((error: unknown) => log.warn('device not withdrawn', { code: reasonOf(error).code }));
    }
    this.ephemeral.stop();
    await this.connection.stop();
    if (token !== undefined) {
      await this.connection.invalidate(token).catch((error: unknown) => log.warn('token not revoked', { code: reasonOf(error).code }));
    }
    await this.db.destroy();
  }

  /** Ends the session and deletes what is here, without a word to the server. */
  async erase(): Promise<void> {
    this.ephemeral.stop();
    await this.connection.stop();
    await this.db.destroy();
  }

  /** Ends the session here and now, keeping everything. */
  async close(): Promise<void> {
    this.ephemeral.stop();
    await this.connection.stop();
    this.db.close();
  }

  reconnect(): void {
    this.connection.reconnect();
  }

  async setDisplayName(name: string): Promise<void> {
    await this.contacts.setOwnName(name.trim().slice(0, 200));
    this.learn({ displayName: name.trim() });
  }

  async fetchFile(chat: Address, id: string): Promise<Blob> {
    const message = await this.db.read(['messages'], (tx) => getMessage(tx, id));
    if (!message || message.chat !== chat) throw fail('not-found');
    return this.files.fetch(message);
  }

  async sendLocation(chat: Address, { accuracy, ...place }: SharedLocation, options: { id: string }): Promise<Message> {
    const sent = await this.sender.send(chat, formatGeo({ ...place, ...(accuracy !== undefined && { uncertainty: accuracy }) }), options);
    this.ephemeral.wake();
    return sent;
  }

  async sendSticker(chat: Address, sticker: string, options: { id: string; replyTo?: string }): Promise<Message> {
    const { data, description, width, height } = await this.stickers.get(sticker);
    const name = `sticker.${data.type.slice('image/'.length)}`;
    const sent = await this.sender.sendFile(chat, data, {
      ...options, name, description, sticker: {}, ...(width !== undefined && { width }), ...(height !== undefined && { height }),
    });
    await this.stickers.used(sticker);
    return sent;
  }

  async stickerPack(chat: Address, id: string): Promise<StickerPack> {
    const message = await this.db.read(['messages'], (tx) => getMessage(tx, id));
    if (!message || message.chat !== chat) throw fail('not-found');
    return this.packs.look(message);
  }

  /** Takes a message back: one's own, or as somebody who looks after the group. */
  async retract(chat: Address, id: string): Promise<void> {
    const message = await this.db.read(['messages'], (tx) => getMessage(tx, id));
    if (message && !message.outgoing && message.chat === chat && this.groups.view(chat)?.may.remove === true) return this.administration.moderate(chat, message);
    return this.sender.retract(chat, id);
  }

  askPoll(chat: Address, poll: NewPoll): Promise<Message> {
    const asked = askedPoll(poll);
    return this.sender.send(chat, asked.question, { allowUnencrypted: this.lock(chat) === 'unencrypted' && this.groups.get(chat) !== undefined && this.mayOpen(chat) }, { poll: asked });
  }

  /** Somebody wrote whom one does not know, and to whom one has never written: they learn nothing of one. */
  isStranger(who: Address): boolean {
    return who !== this.address && this.chats.get(who)?.answered !== true && !this.contacts.isKnown(who)
      && this.groups.withPerson(who).length === 0;
  }

  /** Lets somebody in, who becomes a contact. Rejects where the server does not allow it. */
  createInvite(): Promise<InviteLink> {
    return createInvite(this);
  }

  /** What those who look after the server are told of somebody. */
  report(address: Address, why: Report): ReturnType<typeof reportOf> {
    return reportOf(this, address, why);
  }

  /** The chat came to the front: what the first message needs is fetched now. `accepted`: the person is a stranger no more. */
  prepare(chat: Address, accepted = false): void {
    if (!this.online || !this.current || (!accepted && this.chats.get(chat)?.last && this.isStranger(chat))) return;
    void this.encryptor.prepare(chat).catch((error: unknown) => log.debug('keys not fetched', { code: reasonOf(error).code }));
  }

  // ── the stream ──

  private connectionChanged(state: ConnectionState): void {
    this.link = state;
    this.onState();
  }

  private started(stream: Stream, login: LoginResult): void {
    this.current = false;
    this.held = [];
    this.receiver.reset();
    this.responses.reset();
    this.vault.started();
    this.presence.restart();
    this.groups.restart();
    void this.begin(stream, login).catch((error: unknown) => {
      if (!(error instanceof ConnectionError)) log.warn('session did not start', { code: reasonOf(error).code });
      // Only a new session is begun anew: one that was resumed would never catch up.
      stream.close(error instanceof Error ? error : new ConnectionError(String(error)));
    });
  }

  private async begin(stream: Stream, login: LoginResult): Promise<void> {
    // First of all we are there and get what comes; only then what came before is asked for. The other way round, what
    // comes between would be neither here nor there.
    if (!login.carbons) await ignoreRefusal(stream.iq('set', enableCarbons.write({})));
    stream.send(xml(NS.client, 'presence', {}, await this.discovery.caps()));
    await this.devices.started();
    await this.keys.started();
    const [initial] = await Promise.all([
      this.catchUp(),
      this.contacts.started(stream),
      this.discovery.started(stream).then(() => this.learnMaps()),
      ignoreRefusal(this.askAccount(stream)),
      this.privacy.started(),
    ]);
    await this.becomeCurrent(stream, initial);
  }

  private async catchUp(): Promise<boolean> {
    try {
      const { initial } = await this.archive.catchUp(this.book);
      if (initial) await this.inbox.fill();
      this.chats.archived = true;
      return initial;
    } catch (error) {
      if (!(error instanceof StanzaError) || error.type === 'wait') throw error;
      this.chats.archived = false; // a server without an archive
      return false;
    }
  }

  /** What came in while catching up goes behind it; then what is here is what there is. */
  private async becomeCurrent(stream: Stream, initial: boolean): Promise<void> {
    this.current = true;
    const held = this.held.splice(0);
    await Promise.all(held.map((envelope) => this.receiver.live(envelope)));
    await this.reads.caughtUp(initial);
    await this.arrangement.caughtUp();
    if (this.connection.stream !== stream) return;
    this.responses.caughtUp();
    this.presence.settled();
    this.sender.go(stream, false);
    this.onState();
    void this.groups.begin().catch((error: unknown) => log.warn('groups not looked for', { code: reasonOf(error).code }));
    await this.keys.caughtUp().catch((error: unknown) => log.warn('upkeep failed', { code: reasonOf(error).code }));
    await this.vault.share();
    this.stickers.caughtUp();
  }

  private resumed(stream: Stream): void {
    this.receiver.reset();
    if (this.current) this.sender.go(stream, true);
    if (this.current) this.stickers.resumed();
    this.groups.resumed();
    this.onState();
  }

  private dropped(): void {
    this.sender.dropped();
    this.keys.dropped();
    this.typing.clear();
    this.platform.clock.after(ABSENCE, () => {
      if (this.online) return;
      this.presence.restart();
      this.presence.settled();
    });
  }

  private async message(stanza: XmlElement): Promise<void> {
    if (this.inbox.take(stanza) || this.archive.take(stanza)) return;
    const group = this.groups.message(stanza);
    if (group) return group;
    if (this.family.message(stanza) || this.pairing.message(stanza) || await this.pep.event(stanza)) return;
    const envelope = openLive(stanza, this.address, this.platform.clock.now());
    if (!envelope) return;
    if (this.current) return this.receiver.live(envelope);
    // It waits for what was sent before it. Should we never come to that, the archive has it.
    this.held.push(envelope);
  }

  private async presenceStanza(stanza: XmlElement): Promise<void> {
    const from = stanza.attrs['from'];
    const bare = from === undefined ? this.address : bareOf(from);
    if (bare === undefined) return;
    const type = stanza.attrs['type'];
    const slash = from?.indexOf('/') ?? -1;
    const resource = slash < 0 ? '' : from?.slice(slash + 1) ?? '';
    if (this.groups.presence(bare, resource, stanza)) return;
    if (type === undefined || type === 'unavailable') {
      this.presence.received(bare, resource, stanza);
      if (type === undefined) this.pictures.presence(bare, stanza);
    } else if (type !== 'error') {
      await this.contacts.subscription(type, bare, stanza);
    }
  }

  private request(type: 'get' | 'set', payload: XmlElement, from: string | undefined): Promise<XmlElement | true> | undefined {
    if (type === 'get' && payload.is(NS.ping, 'ping')) return Promise.resolve(true);
    if (type === 'get') return this.discovery.request(payload);
    return this.contacts.request(type, payload, from);
  }

  // ── facts ──

  private async askAccount(stream: Stream): Promise<void> {
    const answer = accountCodec.in(await stream.iq('get', accountCodec.write({})));
    if (!answer) return;
    this.credentials.rules = { minPassword: answer.minPassword ?? DEFAULT_MIN_PASSWORD, iterations: answer.iterations ?? 0 };
    if (answer.role !== undefined && answer.role !== this.facts.role) {
      await writeMeta(this.db, 'role', answer.role);
      this.learn({ role: answer.role });
    }
  }

  private learnMaps(): void {
    const maps = this.discovery.has(NS.kithMaps);
    if (maps === (this.facts.maps ?? false)) return;
    this.facts = { ...this.facts, maps };
    this.onState();
  }

  private learn(facts: { displayName?: string | undefined; role?: NonNullable<SessionState['role']> }): void {
    const { displayName } = facts;
    if (displayName !== undefined) {
      void writeMeta(this.db, 'displayName', displayName).catch((error: unknown) => log.warn('name not stored', { code: reasonOf(error).code }));
    }
    this.facts = { ...this.facts, ...(displayName !== undefined && { displayName }), ...(facts.role && { role: facts.role }) };
    this.onState();
  }
}

async function ignoreRefusal(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!(error instanceof StanzaError)) throw error;
  }
}

async function withTimeout(promise: Promise<void>, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => { timer = setTimeout(() => reject(new ConnectionError('timeout')), ms); });
  try {
    await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

