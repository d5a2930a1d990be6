/** Who is there (RFC 6121 section 4). Held in memory only: a new session is told anew. */
import type { XmlElement } from '../xmpp/xml';
import type { Address, Availability } from './api';
import type { Clock } from '../xmpp/clock';
import type { Presence } from './view';

interface Resource {
  readonly availability: Availability;
  readonly status: string | undefined;
  readonly priority: number;
}

const RANK: Readonly<Record<Availability, number>> = { online: 3, away: 2, busy: 2, offline: 0 };
/** Presence comes in crowds after signing in; pages are told together. */
const GATHER = 20;
const MAX_RESOURCES = 50;

export class PresenceBook {
  private readonly resources = new Map<Address, Map<string, Resource>>();
  /** Known from an earlier session, and not heard of in this one yet. */
  private readonly old = new Set<Address>();
  private readonly changed = new Set<Address>();
  private scheduled = false;
  onChange: (addresses: readonly Address[]) => void = () => undefined;

  constructor(private readonly clock: Clock) {}

  /** Available or unavailable presence of a full or bare address. */
  received(bare: Address, resource: string, stanza: XmlElement): void {
    if (this.old.delete(bare)) this.resources.delete(bare);
    let known = this.resources.get(bare);
    if (stanza.attrs['type'] === 'unavailable') {
      if (known && resource === '') known.clear();
      else known?.delete(resource);
    } else {
      if (!known) this.resources.set(bare, known = new Map());
      if (known.size >= MAX_RESOURCES && !known.has(resource)) return;
      known.set(resource, read(stanza));
    }
    this.touch(bare);
  }

  of(address: Address): Presence | undefined {
    let best: Resource | undefined;
    for (const resource of this.resources.get(address)?.values() ?? []) {
      if (!best || RANK[resource.availability] > RANK[best.availability]
        || (RANK[resource.availability] === RANK[best.availability] && resource.priority > best.priority)) best = resource;
    }
    return best && { availability: best.availability, ...(best.status !== undefined && { status: best.status }) };
  }

  isOnline(address: Address): boolean {
    return (this.resources.get(address)?.size ?? 0) > 0;
  }

  /** A new session is told anew who is there; until `settled` those of the old one stay, so that nobody flickers. */
  restart(): void {
    for (const address of this.resources.keys()) this.old.add(address);
  }

  /** Whoever was there would have been told by now. */
  settled(): void {
    for (const address of this.old) {
      this.resources.delete(address);
      this.touch(address);
    }
    this.old.clear();
  }

  private touch(address: Address): void {
    this.changed.add(address);
    if (this.scheduled) return;
    this.scheduled = true;
    this.clock.after(GATHER, () => {
      this.scheduled = false;
      const addresses = [...this.changed];
      this.changed.clear();
      this.onChange(addresses);
    });
  }
}

function read(stanza: XmlElement): Resource {
  const show = stanza.child('show')?.text;
  const status = stanza.child('status')?.text.slice(0, 500);
  const priority = Number.parseInt(stanza.child('priority')?.text ?? '0', 10);
  return {
    availability: show === 'away' || show === 'xa' ? 'away' : show === 'dnd' ? 'busy' : 'online',
    status: status === '' ? undefined : status,
    priority: Number.isFinite(priority) ? priority : 0,
  };
}
