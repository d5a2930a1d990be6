/**
 * Which devices people announce (XEP-0384 section 5.3), and what is known of each: their lists come by PEP, keys and
 * trust are a mirror of what the cryptographic core keeps, so that a lock can be shown without loading it.
 */
import type { DeviceEntry, DeviceListRecord, Tx } from '../../db/schema';
import { StanzaError } from '../../xmpp/errors';
import { DEVICES_NODE, deviceList } from '../../xmpp/xep0384_omemo';
import type { PubsubItem } from '../../xmpp/xep0060_pubsub';
import type { Account, SessionPart } from '../account';
import type { Address, Events, Lock } from '../api';
import { Shared } from '../async';
import type { Effects } from '../effects';
import type { Pep } from '../pep';

/** More than anybody has; a longer list is somebody's attack on our memory. */
const MAX_DEVICES = 64;

export class Devices implements SessionPart {
  private readonly lists = new Map<Address, DeviceListRecord>();
  /** Lists that were fetched or told in this session, and when. */
  private readonly fresh = new Map<Address, number>();
  private readonly fetching = new Shared<void>();
  /** The lock of these addresses may have changed. */
  onLock: (address: Address) => void = () => undefined;
  /** The own list was pushed or fetched. */
  onOwnList: (ids: readonly number[]) => void = () => undefined;

  constructor(private readonly account: Account, private readonly pep: Pep) {
    pep.on(DEVICES_NODE, (from, items) => this.announced(from, items));
  }

  async load(): Promise<void> {
    const all = await this.account.db.read(['devices'], (tx) => tx.objectStore('devices').getAll());
    for (const record of all) this.lists.set(record.address, record);
  }

  started(): Promise<void> {
    this.fresh.clear();
    return Promise.resolve();
  }

  of(address: Address): DeviceListRecord {
    return this.lists.get(address) ?? { address, devices: [], fetchedAt: 0 };
  }

  /** Whose list is known. */
  get known(): readonly Address[] {
    return [...this.lists.values()].filter((record) => record.fetchedAt > 0 && record.address !== this.account.address).map((record) => record.address);
  }

  entry(address: Address, id: number): DeviceEntry | undefined {
    return this.of(address).devices.find((device) => device.id === id);
  }

  /** Devices that get messages, if their keys allow it. */
  listed(address: Address): readonly DeviceEntry[] {
    return this.of(address).devices.filter((device) => device.listed);
  }

  /** What would happen to a message sent now. */
  lock(address: Address): Lock {
    const record = this.of(address);
    if (record.fetchedAt === 0) return 'unknown';
    const active = record.devices.filter((device) => device.listed && device.trust !== 'distrusted');
    if (active.length === 0) return 'unencrypted';
    return active.every((device) => device.trust === 'verified') ? 'verified' : 'encrypted';
  }

  /** Makes sure that the list is not older than `age`; rejects when it cannot be had. */
  async ensure(address: Address, age = Infinity): Promise<void> {
    const since = this.fresh.get(address);
    if (since === undefined || this.account.platform.clock.now() - since > age) await this.fetch(address);
  }

  fetch(address: Address): Promise<void> {
    return this.fetching.run(address, async () => {
      let items: readonly PubsubItem[];
      try {
        items = await this.pep.items(address, DEVICES_NODE);
      } catch (error) {
        // They do not let us see it, or there is nobody: for us the same as no devices.
        if (!(error instanceof StanzaError) || error.type === 'wait') throw error;
        items = [];
      }
      await this.announced(address, items);
    });
  }

  private async announced(address: Address, items: readonly PubsubItem[] | null): Promise<void> {
    // One item, of any id: clients differ about it.
    const list = deviceList.read(items?.[items.length - 1]?.payload);
    const ids = [...new Set((list?.devices ?? []).map((device) => device.id))].filter((id) => id > 0 && id < 2 ** 31).slice(0, MAX_DEVICES);
    // Who has no devices may be about to announce the first: that is looked at again each time.
    if (ids.length > 0) this.fresh.set(address, this.account.platform.clock.now());
    else this.fresh.delete(address);
    await this.setList(address, ids);
    if (address === this.account.address) this.onOwnList(ids);
  }

  private async setList(address: Address, ids: readonly number[]): Promise<void> {
    const now = this.account.platform.clock.now();
    const { record, added, changed } = await this.account.db.write(['devices'], async (tx) => {
      const before = (await tx.objectStore('devices').get(address)) ?? { address, devices: [], fetchedAt: 0 };
      const known = new Map(before.devices.map((device) => [device.id, device]));
      const devices: DeviceEntry[] = [
        ...ids.map((id) => ({ ...(known.get(id) ?? { id, firstSeen: now }), listed: true })),
        // Whoever left the list is remembered as long as something is known of them.
        ...before.devices.filter((device) => !ids.includes(device.id) && device.fingerprint !== undefined)
          .map((device) => ({ ...device, listed: false })),
      ];
      const next: DeviceListRecord = { address, devices, fetchedAt: now };
      await tx.objectStore('devices').put(next);
      return {
        record: next,
        added: before.fetchedAt > 0 && ids.some((id) => !known.has(id)),
        changed: before.fetchedAt === 0 || devices.length !== before.devices.length
          || devices.some((device) => known.get(device.id)?.listed !== device.listed),
      };
    });
    this.lists.set(address, record);
    if (changed) this.changed(address, added ? 'new-device' : undefined);
  }

  /** Notes in a transaction what became known of a device; memory follows after the commit. */
  async note(tx: Tx, effects: Effects, address: Address, id: number, facts: Partial<DeviceEntry>, news?: Events['devices']['news']): Promise<void> {
    const record = (await tx.objectStore('devices').get(address)) ?? { address, devices: [], fetchedAt: 0 };
    const index = record.devices.findIndex((device) => device.id === id);
    const before = record.devices[index];
    const entry: DeviceEntry = { ...(before ?? { id, listed: false, firstSeen: this.account.platform.clock.now() }), ...facts };
    const devices = index < 0 ? [...record.devices, entry] : record.devices.map((device, i) => (i === index ? entry : device));
    const next = { ...record, devices };
    await tx.objectStore('devices').put(next);
    effects.after(() => {
      const current = this.of(address);
      this.lists.set(address, { ...next, fetchedAt: Math.max(next.fetchedAt, current.fetchedAt) });
      if (news !== undefined || before?.fingerprint !== entry.fingerprint || before?.trust !== entry.trust) this.changed(address, news);
    });
  }

  changed(address: Address, news?: Events['devices']['news']): void {
    this.account.hub.emit('devices', { address, ...(news !== undefined && { news }) });
    this.onLock(address);
  }
}
