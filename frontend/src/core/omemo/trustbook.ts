/** Decisions about keys: who said what about which key. The core keeps them; a copy in memory answers at once. */
import { KEY_IDENTITY, trustKey, V2, type KeyTrust, type OmemoEngine, type Records } from '../../crypto/engine';
import type { RecordStore } from '../../crypto/records';
import { bareOf } from '../../xmpp/jid';
import type { Account } from '../account';
import type { Address, Device, Trust } from '../api';
import { Effects } from '../effects';
import type { Chats } from '../chats';
import { fail } from '../reasons';
import { versionsOf, type Devices } from './devices';
import type { OwnKeys } from './keys';
import { shownLabel } from './labels';
import { writeSealed } from './store';

export interface TrustWorld {
  engine(): Promise<OmemoEngine>;
  own(): OwnKeys | undefined;
  /** Asks for the bundles of devices whose keys are not known. */
  discover(address: Address, devices: readonly number[]): Promise<void>;
}

export class TrustBook {
  constructor(
    private readonly account: Account,
    private readonly records: RecordStore,
    private readonly list: Devices,
    private readonly chats: Chats,
    private readonly world: TrustWorld,
  ) {}

  /** Everything known about the devices of somebody, oneself included. */
  async devices(address: Address): Promise<Device[]> {
    const engine = await this.world.engine();
    if (this.account.online) {
      await this.list.ensure(address).catch(() => undefined);
      const unknown = this.list.listed(address).filter((device) => device.fingerprint === undefined).map((device) => device.id);
      if (unknown.length > 0) await this.world.discover(address, unknown).catch(() => undefined);
    }
    const trust = await this.levels(engine, address);
    const own = address === this.account.address;
    const current = this.world.own();
    const out: Device[] = [];
    if (own && current) {
      out.push({ id: current.device, address, fingerprint: current.fingerprint, trust: 'verified', own: true, current: true, stale: false, ...(current.label !== undefined && { label: current.label }) });
    }
    for (const device of this.list.of(address).devices) {
      if (device.fingerprint === undefined || (own && device.id === current?.device)) continue;
      const label = shownLabel(engine, device);
      out.push({
        id: device.id, address, own, current: false, stale: !device.listed, fingerprint: device.fingerprint,
        // A key that was only looked at is not in the core yet.
        trust: trust.get(device.fingerprint) ?? device.trust ?? 'undecided',
        ...(label !== undefined && { label }),
        ...(device.listed && !versionsOf(device).includes(V2) && { older: true as const }),
        ...(device.listed && device.silent && { silent: true as const }),
        ...(device.listed && device.withdrawn && !versionsOf(device).includes(V2) && { withdrawn: true as const }),
        ...(device.lastSeen !== undefined && { lastSeen: device.lastSeen }),
      });
    }
    return out;
  }

  async setTrust(address: Address, device: number, trust: Exclude<Trust, 'undecided'>): Promise<void> {
    const entry = this.list.entry(address, device);
    if (entry?.fingerprint === undefined) throw fail('not-found', 'no such device');
    await this.decide(address, [entry.fingerprint], trust);
  }

  async allowOlder(address: Address, device: number): Promise<void> {
    if (!this.list.entry(address, device)) throw fail('not-found', 'no such device');
    const effects = new Effects();
    await this.account.db.write(['devices'], (tx) => this.list.note(tx, effects, address, device, { allowWeaker: true, withdrawn: false }));
    effects.tell(this.chats, this.account.hub.emit);
    this.list.changed(address);
  }

  /** What one's own code says: this device, and those that were verified from here. */
  async ownUri(): Promise<string> {
    const engine = await this.world.engine();
    const current = this.world.own();
    if (!current) throw fail('internal', 'no keys yet');
    const others = (await this.devices(this.account.address)).filter((device) => !device.current && !device.stale && device.trust === 'verified');
    return engine.formatUri(this.account.address, [
      { device: current.device, fingerprint: current.fingerprint },
      ...others.map((device) => ({ device: device.id, fingerprint: device.fingerprint })),
    ]);
  }

  async verifyUri(uri: string): Promise<{ address: Address; verified: number }> {
    const engine = await this.world.engine();
    let parsed: ReturnType<OmemoEngine['parseUri']>;
    try {
      parsed = engine.parseUri(uri.trim());
    } catch {
      throw fail('name-invalid', 'not a code of this kind');
    }
    const { keys } = parsed;
    const jid = bareOf(parsed.jid);
    if (jid === undefined) throw fail('name-invalid', 'not a code of this kind');
    const known = new Map((await this.devices(jid)).map((device) => [device.id, device]));
    const own = jid === this.account.address ? this.world.own()?.device : undefined;
    const others = keys.filter((key) => key.device !== own);
    // A device that shows another key than the server told us: somebody stands between, or it was set up anew.
    if (others.some((key) => known.get(key.device) !== undefined && known.get(key.device)?.fingerprint !== key.fingerprint)) {
      throw fail('not-found', 'a key differs from what was scanned');
    }
    if (others.length === 0 && own === undefined) throw fail('not-found', 'no keys in the code');
    await this.decide(jid, others.map((key) => key.fingerprint), 'verified');
    return { address: jid, verified: others.length };
  }

  /** Levels by fingerprint, as the core keeps them. */
  levels(engine: OmemoEngine, address: Address): Promise<Map<string, KeyTrust>> {
    return this.records.exclusive(async (session) => levelsIn(engine, await session.read([trustKey(address)]), address));
  }

  private async decide(address: Address, fingerprints: readonly string[], trust: KeyTrust): Promise<void> {
    const engine = await this.world.engine();
    const now = Math.floor(this.account.platform.clock.now() / 1000);
    const effects = new Effects();
    await this.records.exclusive(async (session) => {
      for (const fingerprint of fingerprints) {
        const records = await session.read([KEY_IDENTITY, trustKey(address)]);
        session.stage(engine.setTrust(records, address, fingerprint, trust, now));
      }
      const after = levelsIn(engine, await session.read([trustKey(address)]), address);
      await session.commit((sealed) => this.account.db.write(['omemo', 'devices'], async (tx) => {
        await writeSealed(tx, sealed);
        await this.mirror(tx, effects, address, after);
      }, 'strict'));
    });
    effects.tell(this.chats, this.account.hub.emit);
    this.list.changed(address);
  }

  /** Brings the copies of the trust levels beside the devices up to date. */
  async mirror(tx: Parameters<Devices['note']>[0], effects: Effects, address: Address, levels: ReadonlyMap<string, KeyTrust>): Promise<void> {
    const record = await tx.objectStore('devices').get(address);
    for (const device of record?.devices ?? []) {
      const level = device.fingerprint === undefined ? undefined : levels.get(device.fingerprint);
      if (level !== undefined && level !== device.trust) await this.list.note(tx, effects, address, device.id, { trust: level });
    }
  }
}

export function levelsIn(engine: OmemoEngine, records: Records, address: Address): Map<string, KeyTrust> {
  return new Map(engine.knownKeys(records, address).map((key) => [key.fingerprint, key.trust]));
}

