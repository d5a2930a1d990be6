/**
 * Which devices people announce (XEP-0384 section 5.3), in both versions: their lists come by PEP, keys and trust are a mirror
 * of what the cryptographic core keeps, so that a lock can be shown without loading it.
 */
import { V03, V2, type Version } from '../../crypto/engine';
import type { DeviceEntry, DeviceListRecord, Tx } from '../../db/schema';
import { getMeta, putMeta } from '../../db/meta';
import { StanzaError } from '../../xmpp/errors';
import type { PubsubItem } from '../../xmpp/xep0060_pubsub';
import type { Account, SessionPart } from '../account';
import type { Address, Events, Lock } from '../api';
import { Shared } from '../async';
import type { Effects } from '../effects';
import type { Pep } from '../pep';
import { keptLabel } from './labels';
import { LIST_NODES, readList, VERSIONS, type Announced } from './wire';

/** More than anybody has who never tidies up; a longer list is somebody's attack on our memory. Who comes new stands at the end. */
const MAX_DEVICES = 200;
/** The own list is written anew from what was read of it: nothing of it may be lost. */
const MAX_OWN = 500;

/** The lists of one account that are known by now. */
type Lists = Partial<Record<Version, readonly Announced[]>>;

export class Devices implements SessionPart {
  private readonly lists = new Map<Address, DeviceListRecord>();
  /** Lists that were fetched or told in this session, and when. */
  private readonly fresh: Readonly<Record<Version, Map<Address, number>>> = { 1: new Map(), 2: new Map() };
  private readonly fetching = new Shared<void>();
  /** The lock of these addresses may have changed. */
  onLock: (address: Address) => void = () => undefined;
  /** An own list was pushed or fetched. */
  onOwnList: (version: Version, ids: readonly number[]) => void = () => undefined;

  /** Another own device is there. */
  onOwnDevice: () => void = () => undefined;

  constructor(private readonly account: Account, private readonly pep: Pep) {
    for (const version of VERSIONS) pep.on(LIST_NODES[version], (from, items) => this.told(from, { [version]: this.read(from, version, items) }));
  }

  async load(): Promise<void> {
    const all = await this.account.db.read(['devices'], (tx) => tx.objectStore('devices').getAll());
    for (const record of all) this.lists.set(record.address, record);
  }

  started(): Promise<void> {
    for (const version of VERSIONS) this.fresh[version].clear();
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

  /** What an account announces in one version. */
  announced(address: Address, version: Version): readonly Announced[] {
    return this.listed(address).filter((device) => versionsOf(device).includes(version)).map(({ id, announced }) => ({ id, ...announced }));
  }

  /** What would happen to a message sent now. */
  lock(address: Address): Lock {
    const record = this.of(address);
    if (record.fetchedAt === 0) return 'unknown';
    const active = record.devices.filter((device) => device.listed && device.trust !== 'distrusted');
    if (active.length === 0) return 'unencrypted';
    return active.every((device) => device.trust === 'verified') ? 'verified' : 'encrypted';
  }

  /** Makes sure that the lists are not older than `age`; rejects when they cannot be had. */
  async ensure(address: Address, age = Infinity): Promise<void> {
    const now = this.account.platform.clock.now();
    const old = VERSIONS.filter((version) => {
      const since = this.fresh[version].get(address);
      return since === undefined || now - since > age;
    });
    // Who has no devices may be about to announce the first: that is looked at again each time.
    if (old.length > 0 || this.listed(address).length === 0) await this.fetch(address, old.length > 0 ? old : VERSIONS);
  }

  fetch(address: Address, versions: readonly Version[] = VERSIONS): Promise<void> {
    return this.fetching.run(`${address} ${versions.join()}`, async () => {
      const lists: Lists = {};
      await Promise.all(versions.map(async (version) => {
        const items = await this.ask(address, version);
        if (items) lists[version] = this.read(address, version, items);
      }));
      await this.told(address, lists);
    });
  }

  private read(address: Address, version: Version, items: readonly PubsubItem[] | null): readonly Announced[] {
    return announcedIn(version, items).slice(address === this.account.address ? -MAX_OWN : -MAX_DEVICES);
  }

  /** `undefined`: what is known stays. */
  private async ask(address: Address, version: Version): Promise<readonly PubsubItem[] | undefined> {
    try {
      return await this.pep.items(address, LIST_NODES[version]);
    } catch (error) {
      if (!(error instanceof StanzaError) || error.type === 'wait') throw error;
      // They do not let us see it, or there is nobody: for us the same as no devices. But who once had some has not thrown them
      // away because we may not look any more: somebody who blocks us would else seem to read only what is not encrypted.
      return error.condition !== 'item-not-found' && this.listed(address).length > 0 ? undefined : [];
    }
  }

  private async told(address: Address, lists: Lists): Promise<void> {
    const now = this.account.platform.clock.now();
    const versions = VERSIONS.filter((version) => lists[version] !== undefined);
    for (const version of versions) this.fresh[version].set(address, now);
    await this.setLists(address, lists);
    if (address !== this.account.address) return;
    for (const version of versions) this.onOwnList(version, (lists[version] ?? []).map((device) => device.id));
  }

  /** This is what the own account announces now; the server will tell so too, later. */
  published(version: Version, list: readonly Announced[]): Promise<void> {
    this.fresh[version].set(this.account.address, this.account.platform.clock.now());
    return this.setLists(this.account.address, { [version]: list });
  }

  private async setLists(address: Address, lists: Lists): Promise<void> {
    const now = this.account.platform.clock.now();
    const { record, added, changed } = await this.account.db.write(['devices'], async (tx) => {
      const before = (await tx.objectStore('devices').get(address)) ?? { address, devices: [], fetchedAt: 0 };
      const known = new Map(before.devices.map((device) => [device.id, device]));
      const announced = VERSIONS.flatMap((version) => lists[version] ?? []);
      const ids = [...new Set([...announced.map((device) => device.id), ...known.keys()])];
      const devices: DeviceEntry[] = [];
      for (const id of ids) {
        const { announced: before, ...entry } = known.get(id) ?? { id, listed: false, firstSeen: now };
        const on = VERSIONS.filter((version) => lists[version]?.some((device) => device.id === id) ?? versionsOf(entry).includes(version));
        const label = lists[V2] ? labelOf(lists[V2], id) : before;
        const next: DeviceEntry = { ...entry, ...(label && { announced: label }), listed: on.length > 0, lists: on };
        // Whoever left the lists is remembered as long as something is known of them.
        if (next.listed || next.fingerprint !== undefined) devices.push(next);
      }
      const next: DeviceListRecord = { address, devices, fetchedAt: now };
      await tx.objectStore('devices').put(next);
      const self = address === this.account.address ? await getMeta(tx, 'deviceId') : undefined;
      const added = before.fetchedAt > 0 && devices.some((device) => device.listed && !known.has(device.id) && device.id !== self);
      if (added && address === this.account.address) await putMeta(tx, 'newDevice', true);
      return {
        record: next, added,
        changed: before.fetchedAt === 0 || devices.length !== before.devices.length
          || devices.some((device) => known.get(device.id)?.lists?.join() !== device.lists?.join())
          || devices.some((device) => known.get(device.id)?.announced?.labelsig !== device.announced?.labelsig),
      };
    });
    this.lists.set(address, record);
    if (changed) this.changed(address, added ? 'new-device' : undefined);
    if (added && address === this.account.address) this.onOwnDevice();
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

/** The versions in which a device is announced. */
export function versionsOf({ listed, lists }: DeviceEntry): readonly Version[] {
  return listed ? lists ?? [V03] : [];
}

function announcedIn(version: Version, items: readonly PubsubItem[] | null): readonly Announced[] {
  const devices = new Map<number, Announced>();
  for (const device of readList(version, items) ?? []) {
    if (device.id > 0 && device.id < 2 ** 31) devices.set(device.id, device);
  }
  return [...devices.values()];
}

/** What a list of omemo:2 calls a device. Whether its signature is good is not known here. */
function labelOf(list: readonly Announced[], id: number): DeviceEntry['announced'] {
  const { label, labelsig } = list.find((device) => device.id === id) ?? {};
  return keptLabel(label, labelsig);
}
