/**
 * Keys that all own devices have, and nobody else: with them a device keeps things for the others in private nodes, where the
 * server can see that there is something and how much, but not what. Devices give them to each other in messages of omemo:2
 * to the own account, which are encrypted for the own devices that are trusted, as all messages are.
 */
import { V2, type Bytes } from '../crypto/engine';
import type { RecordSession, RecordStore } from '../crypto/records';
import { concat, fromBase64, fromUtf8, toBase64, utf8 } from '../xmpp/bytes';
import { sealed, vaultKeys } from '../xmpp/kith_vault';
import { NS } from '../xmpp/ns';
import { originId } from '../xmpp/xep0359_ids';
import { xml, type XmlElement } from '../xmpp/xml';
import type { Account } from './account';
import { CoreError } from './api';
import { Serial } from './async';
import { log } from './log';
import { versionsOf, type Devices } from './omemo/devices';
import type { Encryptor } from './omemo/encryptor';
import { writeSealed } from './omemo/store';
import { reasonOf } from './reasons';

/** Where the keys lie, among the records of the cryptographic core. */
const RECORD = 'vault/keys';
const MAX_KEYS = 32;
const NONCE = 12;
/** Clocks of devices differ by so much at most, in milliseconds. */
const DRIFT = 86_400_000;

interface Key {
  readonly id: string;
  /** Milliseconds since epoch. The last one made is used; the others only open what was sealed before. */
  readonly made: number;
  /** 32 bytes, base64. */
  readonly secret: string;
}

interface Ring {
  readonly keys: readonly Key[];
  /** Own devices that have all of them. */
  readonly told: readonly number[];
}

export class Vault {
  private readonly turn = new Serial();
  private asked = false;
  /** There are keys that were missing before. */
  onKeys: () => void = () => undefined;

  constructor(
    private readonly account: Account, private readonly records: RecordStore, private readonly encryptor: Pick<Encryptor, 'encrypt'>,
    private readonly devices: Pick<Devices, 'listed'>, private readonly ownDevice: () => number | undefined,
  ) {}

  /** Seals something under a name: under another name it cannot be opened. */
  async seal(name: string, value: Bytes): Promise<XmlElement> {
    const { id, secret } = await this.current();
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE));
    const data = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce, additionalData: utf8(name) }, await imported(secret), value);
    return sealed.write({ key: id, data: concat(nonce, new Uint8Array(data)) });
  }

  /** `undefined`: it is nothing that was sealed under this name. `locked`: the key is not here; the other devices were asked for it. */
  async open(name: string, element: XmlElement | undefined): Promise<Bytes | 'locked' | undefined> {
    const found = sealed.read(element);
    if (!found || found.data.length < NONCE) return undefined;
    const key = (await this.records.exclusive(readRing)).keys.find(({ id }) => id === found.key);
    if (!key) {
      void this.ask();
      return 'locked';
    }
    try {
      const parameters = { name: 'AES-GCM', iv: found.data.subarray(0, NONCE), additionalData: utf8(name) };
      return new Uint8Array(await crypto.subtle.decrypt(parameters, await imported(key.secret), found.data.subarray(NONCE)));
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      return undefined;
    }
  }

  // ── session ──

  /** A new session: what was asked for in the last one may be asked for again. */
  started(): void {
    this.asked = false;
  }

  /** Gives the keys to own devices that do not have them. */
  share(): Promise<void> {
    return this.turn.run(() => this.tell(false)).catch((error: unknown) => log.debug('keys not shared', { code: reasonOf(error).code }));
  }

  /**
   * Another own device has said something, which is being decrypted: what it gives is stored together with that. Gives what
   * has to be done afterwards.
   */
  async heard(session: RecordSession, message: XmlElement, device: number): Promise<(() => void) | undefined> {
    const said = vaultKeys.in(message);
    if (!said || device === this.ownDevice()) return undefined;
    const ring = await readRing(session);
    const latest = this.account.platform.clock.now() + DRIFT;
    const known = new Set(ring.keys.map(({ id }) => id));
    const fresh = said.keys.filter(({ id, made, secret }) => !known.has(id) && id !== '' && id.length <= 64 && secret.length === 32 && made <= latest)
      .map(({ id, made, secret }): Key => ({ id, made, secret: toBase64(secret) }));
    const keys = newestFirst([...ring.keys, ...fresh]).slice(0, MAX_KEYS);
    const theirs = new Set(said.keys.map(({ id }) => id));
    const has = keys.every(({ id }) => theirs.has(id));
    // Who got others before knows of these only if they came from there.
    const told = fresh.length > 0 ? [] : ring.told.filter((id) => id !== device);
    writeRing(session, { keys, told: has ? [...told, device] : told });
    return () => {
      if (fresh.length > 0) this.onKeys();
      void this.turn.run(() => this.tell(said.ask === true)).catch((error: unknown) => log.debug('keys not shared', { code: reasonOf(error).code }));
    };
  }

  // ── inside ──

  /** The key for what is sealed now. A device that has left does not get to know it. */
  private async current(): Promise<Key> {
    const key = await this.records.exclusive(async (session) => {
      const ring = await readRing(session);
      const [newest] = ring.keys;
      const trusted = new Set(this.devices.listed(this.account.address).filter(({ trust }) => trust !== 'distrusted').map(({ id }) => id));
      if (newest && ring.told.every((id) => trusted.has(id))) return newest;
      const now = this.account.platform.clock.now();
      const made: Key = {
        id: crypto.randomUUID(), made: Math.max(now, (newest?.made ?? 0) + 1), secret: toBase64(crypto.getRandomValues(new Uint8Array(32))),
      };
      writeRing(session, { keys: [made, ...ring.keys].slice(0, MAX_KEYS), told: [] });
      await session.commit((changes) => this.account.db.write(['omemo'], (tx) => writeSealed(tx, changes), 'strict'));
      return made;
    });
    void this.share();
    return key;
  }

  private async ask(): Promise<void> {
    if (this.asked || !this.account.online) return;
    this.asked = true;
    await this.turn.run(async () => {
      const { keys } = await this.records.exclusive(readRing);
      if (this.others().length > 0) await this.send(keys, true);
    }).catch((error: unknown) => log.debug('keys not asked for', { code: reasonOf(error).code }));
  }

  private async tell(asked: boolean): Promise<void> {
    const { keys, told } = await this.records.exclusive(readRing);
    const others = this.others();
    if (keys.length === 0 || others.length === 0 || !this.account.online || (!asked && others.every((id) => told.includes(id)))) return;
    await this.send(keys, false);
    await this.records.exclusive(async (session) => {
      const ring = await readRing(session);
      if (ring.keys.length !== keys.length) return; // more came meanwhile
      writeRing(session, { ...ring, told: [...new Set([...ring.told, ...others])] });
      await session.commit((changes) => this.account.db.write(['omemo'], (tx) => writeSealed(tx, changes)));
    });
  }

  private others(): readonly number[] {
    return this.devices.listed(this.account.address)
      .filter((device) => device.id !== this.ownDevice() && device.trust !== 'distrusted' && device.silent !== true && versionsOf(device).includes(V2))
      .map(({ id }) => id);
  }

  /** Rejects with CoreError `untrusted` while a new own device waits for a decision: then it is tried again after that. */
  private async send(keys: readonly Key[], ask: boolean): Promise<void> {
    const { address } = this.account;
    const id = crypto.randomUUID();
    const element = vaultKeys.write({ ...(ask && { ask }), keys: keys.map(({ secret, ...key }) => ({ ...key, secret: fromBase64(secret) })) });
    let stanza: XmlElement | undefined;
    // Nothing of it stands beside the envelope: who has only 0.3 gets nothing.
    await this.encryptor.encrypt(address, { elements: [element], outside: [], id }, [], (_tx, _effects, { children, level }) => {
      if (level === 0) throw new CoreError({ code: 'cannot-encrypt' });
      stanza = xml(NS.client, 'message', { to: address, type: 'chat', id }, ...children, originId.write({ id }));
      return Promise.resolve();
    });
    if (stanza) this.account.stream().send(stanza);
  }
}

async function readRing(session: RecordSession): Promise<Ring> {
  const stored = (await session.read([RECORD])).get(RECORD);
  return stored ? JSON.parse(fromUtf8(stored)) as Ring : { keys: [], told: [] };
}

function writeRing(session: RecordSession, ring: Ring): void {
  session.stage([{ key: RECORD, value: utf8(JSON.stringify(ring)) }]);
}

function newestFirst(keys: readonly Key[]): readonly Key[] {
  return keys.toSorted((a, b) => b.made - a.made || (a.id < b.id ? -1 : 1));
}

function imported(secret: string): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', fromBase64(secret), 'AES-GCM', false, ['encrypt', 'decrypt']);
}
