/** This device's own keys: made once, announced, kept in order (XEP-0384 sections 4.1 and 5.3). */
import { KEY_IDENTITY, KEY_PREKEYS, V2, type BundleData, type OmemoEngine, type Version } from '../../crypto/engine';
import type { RecordStore } from '../../crypto/records';
import { putMeta, readMeta, writeMeta } from '../../db/meta';
import { equalBytes, toBase64 } from '../../xmpp/bytes';
import { StanzaError } from '../../xmpp/errors';
import type { Account, SessionPart } from '../account';
import type { Reason } from '../api';
import { Serial } from '../async';
import { log } from '../log';
import type { Pep } from '../pep';
import { reasonOf } from '../reasons';
import { Copies } from './copies';
import type { Devices } from './devices';
import { labelFor } from './labels';
import { writeSealed } from './store';
import { bundlePlace, LIST_NODES, LIST_OPTIONS, readBundle, VERSIONS, writeBundle, writeList, type Announced } from './wire';

export interface OwnKeys {
  readonly device: number;
  readonly fingerprint: string;
  /** What everybody can read that it is called; absent until the person has given it a name. */
  readonly label?: string;
}

const DAY = 86_400_000;
/** How long a used prekey stays: somebody else may have taken the same one before the bundle was published again. */
const PREKEY_GRACE = 600_000;
/** Another program may insist on a list without us; we do not fight for ever. */
const MAX_READDS = 5;

export class Keys implements SessionPart {
  own: OwnKeys | undefined;
  private loading: Promise<OmemoEngine> | undefined;
  private readonly turn = new Serial();
  private readonly copies: Copies;
  private readds = 0;
  private cancelDaily: (() => void) | undefined;
  private cancelGrace: (() => void) | undefined;
  private announced = false;
  /** The keys exist, or could not be made. */
  onState: (own: OwnKeys | undefined, error: Reason | undefined) => void = () => undefined;

  constructor(
    private readonly account: Account,
    private readonly pep: Pep,
    private readonly records: RecordStore,
    private readonly devices: Devices,
    private readonly settle: () => Promise<void>,
  ) {
    this.copies = new Copies(account.db, records, account.address, account.platform.clock);
    devices.onOwnList = (version, ids) => {
      if (this.announced && this.own && !ids.includes(this.own.device)) void this.readd(version).catch(() => undefined);
    };
  }

  /** The cryptographic core, loaded, with this device's identity. Rejects when it cannot be had; the next call tries again. */
  engine(): Promise<OmemoEngine> {
    this.loading ??= this.load().catch((error: unknown) => {
      this.loading = undefined;
      this.onState(undefined, reasonOf(error));
      throw error;
    });
    return this.loading;
  }

  private async load(): Promise<OmemoEngine> {
    const engine = await this.account.platform.loadCrypto();
    this.own ??= await this.named(await this.ensureIdentity(engine));
    this.onState(this.own, undefined);
    return engine;
  }

  private async named(own: OwnKeys): Promise<OwnKeys> {
    const label = await readMeta(this.account.db, 'deviceLabel') ?? '';
    return label === '' ? own : { ...own, label };
  }

  /** What others see this device called, from now on; empty: nothing, as at first. Rejects while there is no connection. */
  setLabel(name: string): Promise<void> {
    return this.turn.run(async () => {
      const engine = await this.engine();
      const label = labelFor(name);
      if (!this.own || label === (this.own.label ?? '')) return;
      this.account.stream();
      await writeMeta(this.account.db, 'deviceLabel', label);
      const { label: _, ...own } = this.own;
      this.own = label === '' ? own : { ...own, label };
      this.onState(this.own, undefined);
      // Otherwise `announce` is on its way, or comes with the next connection.
      if (this.announced) await this.publishList(V2, await this.entry(engine, V2));
      this.devices.changed(this.account.address);
    });
  }

  private ensureIdentity(engine: OmemoEngine): Promise<OwnKeys> {
    return this.records.exclusive(async (session) => {
      let records = await session.read([KEY_IDENTITY]);
      if (records.get(KEY_IDENTITY) === null) {
        const device = engine.newDeviceId(this.devices.of(this.account.address).devices.map((entry) => entry.id));
        session.stage(engine.create(this.account.address, device, this.seconds()));
        records = await session.read([KEY_IDENTITY]);
        const made = engine.identity(records);
        await session.commit((sealed) => this.account.db.write(['omemo'], async (tx) => {
          await writeSealed(tx, sealed);
          await putMeta(tx, 'deviceId', made.device);
          await putMeta(tx, 'fingerprint', made.fingerprint);
        }, 'strict'));
        return made;
      }
      return engine.identity(records);
    });
  }

  // ── session ──

  started(): Promise<void> {
    this.announced = false;
    this.readds = 0;
    // Not waited for: the app works while the keys are being made, and a failure shows in the session's state.
    void this.announce().catch((error: unknown) => log.warn('keys not announced', { code: reasonOf(error).code }));
    return Promise.resolve();
  }

  async caughtUp(): Promise<void> {
    await this.upkeep();
    this.scheduleDaily();
  }

  dropped(): void {
    this.cancelDaily?.();
    this.cancelDaily = undefined;
    this.cancelGrace?.();
    this.cancelGrace = undefined;
  }

  /** Publishes the bundle and puts this device on the list, where either is missing or old. */
  private announce(): Promise<void> {
    return this.turn.run(async () => {
      const engine = await this.engine();
      const { own } = this;
      if (!own) return;
      await Promise.all([this.publishBundles(engine, true), this.devices.fetch(this.account.address)]);
      const entry = await this.entry(engine, V2);
      const { label, labelsig } = this.devices.announced(this.account.address, V2).find((device) => device.id === own.device) ?? {};
      const renamed = label !== entry?.label || labelsig !== entry?.labelsig;
      await Promise.all(VERSIONS.filter((version) => !this.isListed(version) || (version === V2 && renamed))
        .map(async (version) => this.publishList(version, await this.entry(engine, version))));
      this.announced = true;
      // Somebody may have left us out while we were at it.
      for (const version of VERSIONS) if (!this.isListed(version)) void this.readd(version).catch(() => undefined);
    });
  }

  /** Prekeys in order, owed messages sent. To be called after messages were decrypted, not while catching up. */
  upkeep(): Promise<void> {
    return this.turn.run(async () => {
      const engine = await this.engine();
      const publish = await this.records.exclusive(async (session) => {
        const result = engine.maintain(await session.read([KEY_IDENTITY, KEY_PREKEYS]), this.seconds(), false);
        session.stage(result.changes);
        if (session.dirty) {
          await session.commit((sealed) => this.account.db.write(['omemo'], (tx) => writeSealed(tx, sealed), 'strict'));
        }
        return result.publish;
      });
      if (publish) {
        this.cancelGrace?.();
        this.cancelGrace = this.account.platform.clock.after(PREKEY_GRACE, () => this.upkeepLater());
        await this.publishBundles(engine, false);
      }
      await this.settle();
    });
  }

  /** Signing out: nobody should encrypt for this device any more. */
  withdraw(): Promise<void> {
    return this.turn.run(async () => {
      const { own } = this;
      if (!own) return;
      this.announced = false;
      await Promise.all(VERSIONS.map(async (version) => {
        await this.publishList(version, undefined);
        const { node, item, shared } = bundlePlace(version, own.device);
        await (shared ? this.pep.retract(node, item) : this.pep.deleteNode(node)).catch((error: unknown) => {
          if (!(error instanceof StanzaError)) throw error;
        });
      }));
    });
  }

  /** One identity, one device id, a bundle in each version. */
  private async publishBundles(engine: OmemoEngine, compare: boolean): Promise<void> {
    const { own } = this;
    if (!own) return;
    const bundles = await this.records.exclusive(async (session) => {
      const records = await session.read([KEY_IDENTITY, KEY_PREKEYS]);
      return VERSIONS.map((version) => engine.bundle(records, version));
    });
    await Promise.all(bundles.map((data) => this.publishBundle(engine, own.device, data, compare)));
  }

  private async publishBundle(engine: OmemoEngine, device: number, data: BundleData, compare: boolean): Promise<void> {
    const { node, item, options, shared } = bundlePlace(data.version, device);
    if (compare) {
      const items = await this.pep.items(this.account.address, node, shared ? { id: item } : {});
      const published = readBundle(data.version, items[items.length - 1]?.payload);
      if (sameBundle(published, data)) return;
      if (published) await this.copies.found(engine, published, data, device);
    }
    await this.copies.publishing(data);
    await this.pep.publish(node, item, writeBundle(data), options);
  }

  private isListed(version: Version): boolean {
    return this.devices.announced(this.account.address, version).some((device) => device.id === this.own?.device);
  }

  /** Publishes the list with or without this device (`entry`); the others stay as they are. */
  private async publishList(version: Version, entry: Announced | undefined): Promise<void> {
    const { own } = this;
    if (!own) return;
    const others = this.devices.announced(this.account.address, version).filter((device) => device.id !== own.device);
    const list = entry ? [...others, entry] : others;
    await this.pep.publish(LIST_NODES[version], 'current', writeList(version, list), LIST_OPTIONS);
    await this.devices.published(version, list);
  }

  /** What the list says of this device. Only that of omemo:2 has names (section 5.3.1). */
  private async entry(engine: OmemoEngine, version: Version): Promise<Announced | undefined> {
    const { own } = this;
    if (!own) return undefined;
    const { device: id, label } = own;
    if (version !== V2 || label === undefined) return { id };
    return this.records.exclusive(async (session) => ({ id, label, labelsig: toBase64(engine.signLabel(await session.read([KEY_IDENTITY]), label)) }));
  }

  /** Somebody has published a list without this device. */
  private readd(version: Version): Promise<void> {
    return this.turn.run(async () => {
      const engine = await this.engine();
      if (!this.announced || this.isListed(version) || this.readds >= MAX_READDS || !this.account.online) return;
      this.readds++;
      await this.publishList(version, await this.entry(engine, version));
    });
  }

  private scheduleDaily(): void {
    this.cancelDaily?.();
    this.cancelDaily = this.account.platform.clock.after(DAY, () => {
      this.scheduleDaily();
      this.upkeepLater();
    });
  }

  private upkeepLater(): void {
    void this.upkeep().catch((error: unknown) => log.warn('upkeep failed', { code: reasonOf(error).code }));
  }

  private seconds(): number {
    return Math.floor(this.account.platform.clock.now() / 1000);
  }
}

/** What is published is what we have: then nothing needs to be sent. */
function sameBundle(published: BundleData | undefined, own: BundleData): boolean {
  if (!published || published.signedPreKeyId !== own.signedPreKeyId || !equalBytes(published.identityKey, own.identityKey)) return false;
  const ids = new Set(published.preKeys.map((key) => key.id));
  return ids.size === own.preKeys.length && own.preKeys.every((key) => ids.has(key.id));
}
