import type { Address, Core, Device, Events, Login } from '../core/api';
import { Cell } from './cell';
import { Resource } from './resource';

/** The latest change of the devices of each address; a new object for every change. */
export class DeviceNews extends Cell<ReadonlyMap<Address, Events['devices']>> {
  constructor() {
    super(new Map());
  }

  apply(event: Events['devices']): void {
    this.update((news) => new Map(news).set(event.address, { ...event }));
  }

  clear(): void {
    this.set(new Map());
  }
}

/** Groups whose people changed; a new object for every change. */
export class MemberNews extends Cell<ReadonlyMap<Address, Events['members']>> {
  constructor() {
    super(new Map());
  }

  apply(event: Events['members']): void {
    this.update((news) => new Map(news).set(event.chat, { ...event }));
  }

  clear(): void {
    this.set(new Map());
  }
}

/** The devices of one address, in the order in which one wants to see them. */
export function devicesOf(core: Core, address: Address): Resource<readonly Device[]> {
  return new Resource(async () => [...await core.devices(address)].sort((a, b) =>
    Number(b.current) - Number(a.current) || Number(a.stale) - Number(b.stale) || (b.lastSeen ?? 0) - (a.lastSeen ?? 0) || a.id - b.id));
}

export function loginsOf(core: Core): Resource<readonly Login[]> {
  return new Resource(async () => [...await core.logins()].sort((a, b) =>
    Number(b.current) - Number(a.current) || Number(b.online) - Number(a.online) || (b.lastUsed ?? 0) - (a.lastUsed ?? 0)));
}
