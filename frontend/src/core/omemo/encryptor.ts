/** From text to a stanza for everybody's devices; and the empty messages that sessions need. */
import {
  KEY_DUE, trustKey, V03, sessionKey, type BundleData, type EncryptResult, type OmemoEngine, type Recipient, type SealedElement,
} from '../../crypto/engine';
import type { RecordSession, RecordStore } from '../../crypto/records';
import type { DeviceEntry, Protection, Store, Tx } from '../../db/schema';
import { utf8 } from '../../xmpp/bytes';
import { ConnectionError, StanzaError } from '../../xmpp/errors';
import { NS } from '../../xmpp/ns';
import { store } from '../../xmpp/xep0334_hints';
import { encryption } from '../../xmpp/xep0380_eme';
import { bundle, bundleNode, encrypted } from '../../xmpp/xep0384_omemo';
import { xml, type XmlElement } from '../../xmpp/xml';
import type { Account } from '../account';
import type { Address } from '../api';
import { eachLimited } from '../async';
import type { Chats } from '../chats';
import { Effects } from '../effects';
import type { Pep } from '../pep';
import { fail } from '../reasons';
import type { Devices } from './devices';
import { writeSealed } from './store';

/** Shown by clients that cannot decrypt (XEP-0384 section 5.5). */
const FALLBACK = 'I sent you an OMEMO encrypted message but your client doesn’t seem to support that.';
const PARALLEL_FETCHES = 8;
/** How old the list of somebody's devices may be who does not tell us when it changes. */
const UNTOLD_AGE = 600_000;
/** A device without usable keys is not asked for them again so soon, if there are others. */
const BAD_BUNDLE_PAUSE = 600_000;

export interface Encrypted {
  /** Children for the message stanza: the encrypted text and its label. */
  readonly children: readonly XmlElement[];
  readonly device: number;
  readonly lock: Protection;
}

export interface EncryptorWorld {
  engine(): Promise<OmemoEngine>;
  ownDevice(): number | undefined;
  /** The others for whom a message to this chat is. */
  people(chat: Address): readonly Address[];
  /** Changes of this one's devices are told to us; otherwise we have to ask. */
  isTold(address: Address): boolean;
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
   * Encrypts a text and hands it to `write` in the transaction that stores the changed sessions, strictly: the key of
   * a message is never used for another one, whatever happens afterwards.
   * Rejects with CoreError `cannot-encrypt` or `untrusted`.
   */
  async encrypt(chat: Address, text: string, stores: readonly Store[], write: (tx: Tx, effects: Effects, result: Encrypted) => Promise<void>): Promise<void> {
    await this.prepare(chat);
    const engine = await this.world.engine();
    const people = new Set(this.world.people(chat));
    const recipients = await this.recipients(people);
    if (!recipients.some((recipient) => people.has(recipient.jid))) throw fail('cannot-encrypt', 'no devices announced');
    const effects = new Effects();
    await this.records.exclusive(async (session) => {
      const result = engine.encrypt(await session.read(engine.encryptNeeds(recipients)), {
        kind: 'message', body: utf8(text), recipients, now: this.seconds(),
      });
      const reached = result.elements.flatMap((element) => element.keys).filter((key) => people.has(key.jid));
      const undecided = result.skipped.some((device) => people.has(device.jid) && device.reason === 'undecided');
      if (undecided || reached.length === 0) {
        // Not sent, so the sessions stay as they were; but new keys are noted, so that the person can decide.
        session.stage(result.changes.filter((change) => change.key.startsWith('trust/')));
        await this.commit(session, effects, (tx) => this.noteKeys(tx, effects, result));
        throw undecided ? fail('untrusted', 'a new device waits for a decision') : fail('cannot-encrypt', skippedReasons(result));
      }
      session.stage(result.changes);
      const lock = reached.every((key) => key.trust === 'verified') ? 'verified' : 'encrypted';
      await this.commit(session, effects, async (tx) => {
        await this.noteKeys(tx, effects, result);
        await write(tx, effects, { children: this.children(result.device, result.elements, true), device: result.device, lock });
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
      for (const { to, element } of result.messages) stream.send(this.emptyMessage(to, result.device, element));
    });
  }

  /** Starts a new session with a device and tells it so. */
  async renew(address: Address, device: number, force: boolean): Promise<void> {
    const engine = await this.world.engine();
    const found = await this.fetchBundle(address, device);
    if (!found) return;
    const recipients: Recipient[] = [{ jid: address, device, version: V03, bundle: found, renew: force }];
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
      const found = await this.fetchBundle(address, id);
      if (!found) return;
      const engine = await this.world.engine();
      const fingerprint = fingerprintOf(found);
      const effects = new Effects();
      await this.records.exclusive(async (session) => {
        const known = engine.knownKeys(await session.read([trustKey(address)]), address);
        // Blind trust before verification, as the core decides when it meets the key itself.
        const trust = known.find((key) => key.fingerprint === fingerprint)?.trust ?? (known.some((key) => key.trust === 'verified') ? 'undecided' : 'trusted');
        await this.commit(session, effects, (tx) => this.devices.note(tx, effects, address, id, { fingerprint, trust }));
      });
      effects.tell(this.chats, this.account.hub.emit);
    });
  }

  // ── inside ──

  /** Whom a message to these people is for: their listed devices and our others, with bundles where no session exists. */
  private async recipients(people: ReadonlySet<Address>): Promise<Recipient[]> {
    const own = this.world.ownDevice();
    const wanted: { jid: Address; entry: DeviceEntry }[] = [];
    for (const jid of new Set([...people, this.account.address])) {
      for (const entry of this.devices.listed(jid)) if (jid !== this.account.address || entry.id !== own) wanted.push({ jid, entry });
    }
    const missing = await this.records.exclusive(async (session) => {
      const keys = wanted.map(({ jid, entry }) => sessionKey({ jid, device: entry.id }, V03));
      const records = await session.read(keys);
      return wanted.filter((_, i) => records.get(keys[i] ?? '') === null);
    });
    const bundles = new Map<DeviceEntry, BundleData>();
    const now = this.account.platform.clock.now();
    const alone = (jid: Address): boolean => people.has(jid) && wanted.filter((one) => one.jid === jid).every((one) => missing.includes(one));
    await eachLimited(missing.filter(({ jid, entry }) => (entry.badUntil ?? 0) <= now || alone(jid)), PARALLEL_FETCHES, async ({ jid, entry }) => {
      const found = await this.fetchBundle(jid, entry.id).catch((error: unknown) => {
        if (people.size < 2 || !(error instanceof StanzaError)) throw error;
        return undefined; // one of many cannot be asked now
      });
      if (found) bundles.set(entry, found);
    });
    return wanted.map(({ jid, entry }) => {
      const found = bundles.get(entry);
      return { jid, device: entry.id, version: V03, ...(found && { bundle: found }) };
    });
  }

  /** `undefined`: the device has none that could be used. Rejects when the connection is gone. */
  private async fetchBundle(jid: Address, device: number): Promise<BundleData | undefined> {
    try {
      const items = await this.pep.items(jid, bundleNode(device));
      const found = bundle.read(items[items.length - 1]?.payload);
      if (found) {
        return {
          version: V03, identityKey: found.identityKey, signedPreKeyId: found.signedPreKey.id, signedPreKey: found.signedPreKey.key,
          signature: found.signature, preKeys: found.preKeys.keys,
        };
      }
    } catch (error) {
      if (error instanceof ConnectionError || (error instanceof StanzaError && error.type === 'wait')) throw error;
    }
    await this.markBad(jid, device);
    return undefined;
  }

  private async markBad(jid: Address, device: number): Promise<void> {
    const effects = new Effects();
    const badUntil = this.account.platform.clock.now() + BAD_BUNDLE_PAUSE;
    await this.account.db.write(['devices'], (tx) => this.devices.note(tx, effects, jid, device, { badUntil }));
    effects.tell(this.chats, this.account.hub.emit);
  }

  private async noteKeys(tx: Tx, effects: Effects, result: EncryptResult): Promise<void> {
    for (const key of result.elements.flatMap((element) => element.keys)) {
      const known = this.devices.entry(key.jid, key.device);
      if (known?.fingerprint === key.fingerprint && known.trust === key.trust) continue;
      await this.devices.note(tx, effects, key.jid, key.device, { fingerprint: key.fingerprint, trust: key.trust });
    }
    for (const device of result.skipped) {
      if (device.fingerprint === undefined) continue;
      const trust = device.reason === 'undecided' || device.reason === 'distrusted' ? device.reason : undefined;
      await this.devices.note(tx, effects, device.jid, device.device, { fingerprint: device.fingerprint, ...(trust && { trust }) },
        trust === 'undecided' ? 'new-device' : undefined);
    }
  }

  private commit(session: RecordSession, effects: Effects, write: (tx: Tx, effects: Effects) => Promise<void>, stores: readonly Store[] = []): Promise<void> {
    return session.commit((sealed) => this.account.db.write(['omemo', 'devices', ...stores], async (tx) => {
      await writeSealed(tx, sealed);
      await write(tx, effects);
    }, 'strict'));
  }

  private children(device: number, elements: readonly SealedElement[], withBody: boolean): XmlElement[] {
    return [
      ...elements.map((element) => encrypted.write({
        header: {
          sid: device, iv: element.iv ?? new Uint8Array(),
          keys: element.keys.map((key) => ({ rid: key.device, data: key.data, ...(key.keyExchange && { prekey: true }) })),
        },
        ...(element.payload && { payload: element.payload }),
      })),
      ...(withBody ? [encryption.write({ namespace: NS.omemoLegacy, name: 'OMEMO' }), xml(NS.client, 'body', {}, FALLBACK)] : []),
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

/** The identity key of a 0.3 bundle as it is shown: without the type byte. */
function fingerprintOf(found: BundleData): string {
  return [...found.identityKey.subarray(found.identityKey.length - 32)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function skippedReasons(result: EncryptResult): string {
  return [...new Set(result.skipped.map((device) => device.reason))].join(', ');
}

