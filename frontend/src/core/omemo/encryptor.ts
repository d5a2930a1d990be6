/** From what is said to a stanza for everybody's devices; and the empty messages that sessions need. */
import {
  KEY_DUE, trustKey, V03, V2, type BundleData, type Bytes, type EncryptResult, type OmemoEngine, type Recipient, type SealedElement, type SealResult, type Target, type Version,
} from '../../crypto/engine';
import type { RecordSession, RecordStore } from '../../crypto/records';
import { sentDigest } from '../../crypto/sent';
import type { DeviceEntry, Level, Protection, Store, Tx } from '../../db/schema';
import { utf8 } from '../../xmpp/bytes';
import { ConnectionError, StanzaError } from '../../xmpp/errors';
import { NS } from '../../xmpp/ns';
import { store } from '../../xmpp/xep0334_hints';
import { originId } from '../../xmpp/xep0359_ids';
import { encryption } from '../../xmpp/xep0380_eme';
import { serialise, xml, type XmlElement } from '../../xmpp/xml';
import type { Account } from '../account';
import type { Address, Events } from '../api';
import { eachLimited } from '../async';
import type { Chats } from '../chats';
import { Effects } from '../effects';
import type { Pep } from '../pep';
import { fail } from '../reasons';
import { versionsOf, type Devices } from './devices';
import { writeSealed } from './store';
import { bundlePlace, NAMESPACES, readBundle, writeEncrypted } from './wire';

/** Shown by clients that cannot decrypt (XEP-0384 section 5.5). */
const FALLBACK = 'I sent you an OMEMO encrypted message but your client doesn’t seem to support that.';
const PARALLEL_FETCHES = 8;
/** How old the list of somebody's devices may be who does not tell us when it changes. */
const UNTOLD_AGE = 600_000;
/** A device without usable keys is not asked for them again so soon, if there are others. */
const BAD_BUNDLE_PAUSE = 600_000;

/** What is to be said, for both versions of OMEMO. */
export interface Saying {
  /** The text: `<body/>` of the envelope, and all that 0.3 encrypts. Without it devices of 0.3 get no `<encrypted/>`. */
  readonly text?: string;
  /** `<body/>` of the envelope, where it is another text. */
  readonly inner?: string;
  /** What else belongs to it, in the envelope. */
  readonly elements: readonly XmlElement[];
  /** The same beside `<encrypted/>`, if somebody has only 0.3; as in the envelope unless given. */
  readonly outside?: readonly XmlElement[];
  /** The id of the stanza, so that the server cannot give it another one. */
  readonly id: string;
}

export interface Encrypted {
  /** Children for the message stanza: what is encrypted, its label, and what has to stand beside it for devices of 0.3. */
  readonly children: readonly XmlElement[];
  readonly device: number;
  readonly lock: Protection;
  /** That of the weakest version that it went out in. */
  readonly level: Level;
  /** What the stanza is recognised by when it comes back. */
  readonly digest: Bytes;
}

export interface EncryptorWorld {
  engine(): Promise<OmemoEngine>;
  ownDevice(): number | undefined;
  /** The others for whom a message to this chat is. */
  people(chat: Address): readonly Address[];
  /** Changes of this one's devices are told to us; otherwise we have to ask. */
  isTold(address: Address): boolean;
  /** They are not to learn that we are here. */
  isStranger(address: Address): boolean;
}

export class Encryptor {
  constructor(
    private readonly account: Account,
    private readonly pep: Pep,
    private readonly records: RecordStore,
    private readonly devices: Devices,
    private readonly chats: Chats,
    private readonly world: EncryptorWorld,
  ) {}

  /** Fetches what a message to this chat will need. Rejects with ConnectionError when that is not possible now. */
  async prepare(chat: Address): Promise<void> {
    await this.world.engine();
    const people = this.world.people(chat);
    await eachLimited([this.account.address, ...people], PARALLEL_FETCHES, async (address) => {
      try {
        await this.devices.ensure(address, address === this.account.address || this.world.isTold(address) ? Infinity : UNTOLD_AGE);
      } catch (error) {
        // One of many who cannot be asked must not keep all others from being written to.
        if (people.length < 2 || !(error instanceof StanzaError)) throw error;
      }
    });
  }

  /**
   * Encrypts for every device in the best version that it announces, and hands the result to `write` in the transaction that
   * stores the changed sessions, strictly: the key of a message is never used for another one, whatever happens afterwards.
   * Rejects with CoreError `cannot-encrypt` or `untrusted`.
   */
  async encrypt(chat: Address, saying: Saying, stores: readonly Store[], write: (tx: Tx, effects: Effects, result: Encrypted) => Promise<void>): Promise<void> {
    await this.prepare(chat);
    const engine = await this.world.engine();
    const people = new Set(this.world.people(chat));
    const targets = await this.targets(engine, people);
    if (!targets.some((target) => people.has(target.jid))) throw fail('cannot-encrypt', 'no devices announced');
    const effects = new Effects();
    await this.records.exclusive(async (session) => {
      const records = await session.read(engine.sealNeeds(targets));
      const seal = (dropStale: boolean): SealResult => engine.seal(records, {
        kind: 'message', content: contentOf(saying), to: chat, targets, dropStale, now: this.seconds(),
        ...(saying.text !== undefined && { body: utf8(saying.text) }),
      });
      let result = seal(true);
      // Who has only devices that are silent is away for long, and still to be written to.
      if (result.skipped.some((device) => device.reason === 'stale' && !reaches(result, device.jid))) result = seal(false);
      const reached = result.elements.flatMap((element) => element.keys).filter((key) => people.has(key.jid));
      const undecided = result.skipped.some((device) => people.has(device.jid) && device.reason === 'undecided');
      // They have 0.3 only, which protects nothing but text: they read it beside what is encrypted.
      const beside = result.skipped.some((device) => device.reason === 'weaker');
      if (undecided || (reached.length === 0 && !(beside && saying.text === undefined))) {
        // Not sent, so the sessions stay as they were; but new keys are noted, so that the person can decide.
        session.stage(result.changes.filter((change) => change.key.startsWith('trust/')));
        await this.commit(session, effects, (tx) => this.noteKeys(tx, effects, result));
        throw undecided ? fail('untrusted', 'a new device waits for a decision') : fail('cannot-encrypt', skippedReasons(result));
      }
      const old = beside || result.elements.some((element) => element.version === V03);
      const elements = reached.length === 0 ? [] : result.elements;
      if (reached.length > 0) session.stage(result.changes);
      const sealed: Encrypted = {
        children: [
          ...this.children(result.device, elements, saying.text !== undefined),
          ...(old ? saying.outside ?? saying.elements : []),
        ],
        device: result.device,
        lock: reached.length > 0 && reached.every((key) => key.trust === 'verified') ? 'verified' : 'encrypted',
        level: reached.length === 0 ? 0 : old ? 1 : 3,
        digest: await sentDigest(result.device, elements),
      };
      await this.commit(session, effects, async (tx) => {
        await this.noteKeys(tx, effects, result);
        for (const { jid, device } of result.withdrawn) {
          if (this.devices.entry(jid, device)?.withdrawn !== true) await this.devices.note(tx, effects, jid, device, { withdrawn: true });
        }
        await write(tx, effects, sealed);
      }, stores);
    }).finally(() => effects.tell(this.chats, this.account.hub.emit));
  }

  /** Sends the empty messages that are owed (XEP-0384 section 6). */
  async settle(): Promise<void> {
    const engine = await this.world.engine();
    await this.records.exclusive(async (session) => {
      const needed = engine.settleNeeds(await session.read([KEY_DUE]));
      const result = engine.settle(await session.read(needed));
      if (result.messages.length === 0 && result.changes.length === 0) return;
      session.stage(result.changes);
      const stream = this.account.stream();
      await session.commit((sealed) => this.account.db.write(['omemo'], (tx) => writeSealed(tx, sealed), 'strict'));
      for (const { to, element } of result.messages) if (!this.world.isStranger(to)) stream.send(this.emptyMessage(to, result.device, element));
    });
  }

  /** Starts a new session of that version with a device and tells it so. */
  async renew(address: Address, device: number, version: Version, force: boolean): Promise<void> {
    const engine = await this.world.engine();
    const found = await this.fetchBundle(address, device, version);
    if (!found) return;
    const recipients: Recipient[] = [{ jid: address, device, version, bundle: found, renew: force }];
    const effects = new Effects();
    await this.records.exclusive(async (session) => {
      const result = engine.encrypt(await session.read(engine.encryptNeeds(recipients)), { kind: 'empty', recipients, now: this.seconds() });
      session.stage(result.changes);
      const stream = this.account.stream();
      await this.commit(session, effects, (tx) => this.noteKeys(tx, effects, result));
      for (const element of result.elements) stream.send(this.emptyMessage(address, result.device, element));
    });
    effects.tell(this.chats, this.account.hub.emit);
  }

  /** Learns the keys of devices from their bundles, so that a person can look at them. Nothing is sent. */
  async discover(address: Address, ids: readonly number[]): Promise<void> {
    await eachLimited(ids, PARALLEL_FETCHES, async (id) => {
      const entry = this.devices.entry(address, id);
      const versions = entry ? versionsOf(entry) : [];
      const version = versions.includes(V2) ? V2 : V03;
      const bundle = await this.fetchBundle(address, id, version)
        ?? (versions.includes(V03) && version === V2 ? await this.fetchBundle(address, id, V03) : undefined);
      if (!bundle) return;
      const engine = await this.world.engine();
      const effects = new Effects();
      await this.records.exclusive(async (session) => {
        const target: Target = { jid: address, device: id, v03: bundle.version === V03, v2: bundle.version === V2, bundle, renew: true };
        // As the core decides when it meets the key itself.
        const [planned] = engine.planSeal(await session.read([...engine.sealNeeds([target]), trustKey(address)]), [target]);
        const { fingerprint, trust } = planned ?? {};
        if (fingerprint === undefined || trust === undefined) return;
        await this.commit(session, effects, (tx) => this.devices.note(tx, effects, address, id, { fingerprint, trust }));
      });
      effects.tell(this.chats, this.account.hub.emit);
    });
  }

  // ── inside ──

  /** Whom a message to these people is for: their listed devices and our others, with bundles where no session exists. */
  private async targets(engine: OmemoEngine, people: ReadonlySet<Address>): Promise<readonly Target[]> {
    const own = this.world.ownDevice();
    const now = this.account.platform.clock.now();
    const wanted: Wanted[] = [];
    for (const jid of new Set([...people, this.account.address])) {
      for (const entry of this.devices.listed(jid)) {
        if (jid === this.account.address && entry.id === own) continue;
        const versions = versionsOf(entry);
        wanted.push({ entry, target: {
          jid, device: entry.id, v03: versions.includes(V03), v2: versions.includes(V2), ...(entry.allowWeaker && { allowWeaker: true }),
        } });
      }
    }
    const missing = await this.withoutSession(engine, wanted);
    const all = new Set(missing.map(({ target }) => target));
    const alone = (jid: Address): boolean => people.has(jid) && wanted.every(({ target }) => target.jid !== jid || all.has(target));
    const fetch = (list: readonly Missing[]): Promise<void> => eachLimited(list, PARALLEL_FETCHES, async (one) => {
      const { entry, target: { jid, device }, version } = one;
      const bad = (version === V2 ? entry.badV2Until : entry.badUntil) ?? 0;
      // Further ahead it was a wrong clock that said so.
      if (bad > now && bad <= now + BAD_BUNDLE_PAUSE && !alone(jid)) return;
      const bundle = await this.fetchBundle(jid, device, version).catch((error: unknown) => {
        if (people.size < 2 || !(error instanceof StanzaError)) throw error;
        return undefined; // one of many cannot be asked now
      });
      if (bundle) one.wanted.target = { ...one.target, bundle };
    });
    await fetch(missing);
    // Who has no usable keys of omemo:2 may have some of 0.3.
    const failed = missing.filter((one) => one.version === V2 && one.target.v03 && one.wanted.target.bundle === undefined);
    for (const { wanted } of failed) wanted.target = { ...wanted.target, v2Failed: true };
    await fetch(await this.withoutSession(engine, failed.map((one) => one.wanted)));
    return wanted.map(({ target }) => target);
  }

  /** Devices for which a session has to be started, and of which version. */
  private async withoutSession(engine: OmemoEngine, wanted: readonly Wanted[]): Promise<readonly Missing[]> {
    if (wanted.length === 0) return [];
    const targets = wanted.map(({ target }) => target);
    const planned = await this.records.exclusive(async (session) => engine.planSeal(await session.read(engine.sealNeeds(targets)), targets));
    return wanted.flatMap((one, i) => {
      const plan = planned[i];
      return plan?.reason === 'no-session' ? [{ wanted: one, entry: one.entry, target: one.target, version: plan.version }] : [];
    });
  }

  /** `undefined`: the device has none that could be used. Rejects when the connection is gone. */
  private async fetchBundle(jid: Address, device: number, version: Version): Promise<BundleData | undefined> {
    const { node, item, shared } = bundlePlace(version, device);
    try {
      const items = await this.pep.items(jid, node, shared ? { id: item } : {});
      const found = readBundle(version, items[items.length - 1]?.payload);
      if (found) return found;
    } catch (error) {
      if (error instanceof ConnectionError || (error instanceof StanzaError && error.type === 'wait')) throw error;
    }
    const effects = new Effects();
    const until = this.account.platform.clock.now() + BAD_BUNDLE_PAUSE;
    await this.account.db.write(['devices'], (tx) => this.devices.note(tx, effects, jid, device, version === V2 ? { badV2Until: until } : { badUntil: until }));
    effects.tell(this.chats, this.account.hub.emit);
    return undefined;
  }

  private async noteKeys(tx: Tx, effects: Effects, result: EncryptResult): Promise<void> {
    for (const key of result.elements.flatMap((element) => element.keys)) {
      const known = this.devices.entry(key.jid, key.device);
      if (known?.fingerprint === key.fingerprint && known.trust === key.trust) continue;
      await this.devices.note(tx, effects, key.jid, key.device, { fingerprint: key.fingerprint, trust: key.trust }, newsOf(known, key.fingerprint, key.trust));
    }
    for (const device of result.skipped) {
      const silent = device.reason === 'stale';
      if (silent && this.devices.entry(device.jid, device.device)?.silent !== true) await this.devices.note(tx, effects, device.jid, device.device, { silent });
      if (silent || device.fingerprint === undefined) continue;
      const trust = device.reason === 'undecided' || device.reason === 'distrusted' ? device.reason : undefined;
      await this.devices.note(tx, effects, device.jid, device.device, { fingerprint: device.fingerprint, ...(trust && { trust }) },
        newsOf(this.devices.entry(device.jid, device.device), device.fingerprint, trust));
    }
  }

  private commit(session: RecordSession, effects: Effects, write: (tx: Tx, effects: Effects) => Promise<void>, stores: readonly Store[] = []): Promise<void> {
    return session.commit((sealed) => this.account.db.write(['omemo', 'devices', ...stores], async (tx) => {
      await writeSealed(tx, sealed);
      await write(tx, effects);
    }, 'strict'));
  }

  private children(device: number, elements: readonly SealedElement[], withBody: boolean): XmlElement[] {
    const versions = new Set(elements.map((element) => element.version));
    const [label] = versions.has(V03) ? [V03] : versions;
    return [
      ...elements.map((element) => writeEncrypted(device, element)),
      ...(label !== undefined && elements.some((element) => element.payload) ? [encryption.write({ namespace: NAMESPACES[label], name: 'OMEMO' })] : []),
      ...(withBody ? [xml(NS.client, 'body', {}, FALLBACK)] : []),
      store.write({}),
    ];
  }

  private emptyMessage(to: Address, device: number, element: SealedElement): XmlElement {
    return xml(NS.client, 'message', { to, type: 'chat', id: crypto.randomUUID() }, ...this.children(device, [element], false));
  }

  private seconds(): number {
    return Math.floor(this.account.platform.clock.now() / 1000);
  }
}

interface Wanted {
  readonly entry: DeviceEntry;
  target: Target;
}

interface Missing extends Wanted {
  readonly wanted: Wanted;
  readonly version: Version;
}

/** What a key is to the person that was met while encrypting. */
function newsOf(known: DeviceEntry | undefined, fingerprint: string, trust: DeviceEntry['trust']): Events['devices']['news'] {
  if (known?.fingerprint !== undefined && known.fingerprint !== fingerprint) return 'key-changed';
  return trust === 'undecided' ? 'new-device' : undefined;
}

function reaches(result: EncryptResult, jid: Address): boolean {
  return result.elements.some((element) => element.keys.some((key) => key.jid === jid));
}

/** What stands in the `<content/>` of the envelope: each element with its namespace. */
function contentOf({ text, inner = text, elements, id }: Saying): Bytes {
  const content = [...(inner === undefined ? [] : [xml(NS.client, 'body', {}, inner)]), ...elements, originId.write({ id })];
  return utf8(content.map((element) => serialise(element)).join(''));
}

function skippedReasons(result: EncryptResult): string {
  return [...new Set(result.skipped.map((device) => device.reason))].join(', ');
}

