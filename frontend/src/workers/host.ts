/**
 * One worker among several: a SharedWorker for all tabs where there is one, else one worker per tab. Whoever holds
 * the lock runs the core; the others pass on what their pages say. When the holder ends, the next one goes on.
 */
import { CORE_LOCK, PROTOCOL, pageLock, workerLock, type Greeting, type Hello, type Locks, type ToCore, type ToPage } from '../core/rpc';

/** A page, or what stands for it. */
export interface Port {
  postMessage(message: Greeting | ToPage): void;
  onmessage: ((event: { readonly data: Hello | ToCore }) => void) | null;
  start?(): void;
}

export interface Channel {
  postMessage(message: Wire): void;
  onmessage: ((event: { readonly data: Wire }) => void) | null;
}

/** Between workers. */
export type Wire =
  | { readonly kind: 'who'; readonly from: string; readonly protocol: number }
  | { readonly kind: 'core'; readonly from: string }
  | { readonly kind: 'ping'; readonly to: string; readonly from: string }
  | { readonly kind: 'pong'; readonly to: string; readonly from: string }
  | { readonly kind: 'up'; readonly to: string; readonly from: string; readonly page: string; readonly message: ToCore }
  | { readonly kind: 'down'; readonly to: string; readonly from: string; readonly page: string; readonly message: ToPage };

/** A running core, as the host sees it. */
export interface RunningCore {
  handle(page: string, message: ToCore, reply: (message: ToPage) => void): void;
  close(page: string): void;
  stop(): Promise<void>;
}

export interface HostWorld {
  readonly locks: Locks;
  readonly channel: Channel;
  /** Starts a core; `lost` is called when it cannot go on. */
  start(lost: () => void): RunningCore;
  after(ms: number, callback: () => void): () => void;
  readonly protocol?: number;
}

/** A core that does not answer for so long is frozen with its tab: somebody else takes over. */
const PATIENCE = 4_000;
/** Between giving up the lock and asking for it again: others come first. */
const REST = 100;

export class Host {
  readonly id = crypto.randomUUID();
  private readonly protocol: number;
  /** We hold the lock that tells others that we live. */
  private readonly alive: Promise<void>;
  private readonly ports = new Map<string, Port>();
  private core: RunningCore | undefined;
  /** The worker that runs the core, as far as we know. */
  private leader: string | undefined;
  private resign: (() => void) | undefined;
  private cancelPatience: (() => void) | undefined;
  private readonly watched = new Set<string>();
  private readonly remote = new Map<string, Set<string>>();

  constructor(private readonly world: HostWorld) {
    this.protocol = world.protocol ?? PROTOCOL;
    world.channel.onmessage = ({ data }) => this.heard(data);
    this.alive = new Promise((resolve) => {
      void world.locks.request(workerLock(this.id), {}, () => {
        resolve();
        return new Promise(() => undefined);
      });
    });
    void this.compete({});
    world.channel.postMessage({ kind: 'who', from: this.id, protocol: this.protocol });
  }

  /** A page comes with its port. */
  connect(port: Port): void {
    let page: string | undefined;
    port.onmessage = ({ data }) => {
      if (data.kind === 'hello') {
        page = data.page;
        void this.greet(page, port);
      } else if (page !== undefined) {
        this.fromPage(page, data);
      }
    };
    port.start?.();
  }

  private async greet(page: string, port: Port): Promise<void> {
    await this.alive;
    this.ports.set(page, port);
    this.watchPage(page);
    port.postMessage({ kind: 'ready', worker: this.id });
    if (this.leader !== undefined) port.postMessage({ kind: 'core' });
  }

  // ── who runs the core ──

  private async compete(options: { steal?: boolean }): Promise<void> {
    try {
      await this.world.locks.request(CORE_LOCK, options, () => this.lead());
    } catch {
      // Somebody took the lock away: we were taken for dead. What we had is theirs now.
      this.resign?.();
    }
    // We are one of those who wait again.
    this.world.after(REST, () => void this.compete({}));
  }

  private async lead(): Promise<void> {
    const ended = new Promise<void>((resolve) => { this.resign = resolve; });
    const core = this.core = this.world.start(() => this.resign?.());
    this.setLeader(this.id);
    this.world.channel.postMessage({ kind: 'core', from: this.id });
    await ended;
    this.core = undefined;
    this.resign = undefined;
    this.leader = undefined;
    this.remote.clear();
    await core.stop();
  }

  private setLeader(id: string): void {
    this.cancelPatience?.();
    this.cancelPatience = undefined;
    this.leader = id;
    for (const port of this.ports.values()) port.postMessage({ kind: 'core' });
  }

  // ── pages of this worker ──

  private fromPage(page: string, message: ToCore): void {
    const { core } = this;
    if (core) {
      // Of what another has taken over nothing more is heard: the page asks that one again.
      core.handle(page, message, (answer) => { if (this.core === core) this.ports.get(page)?.postMessage(answer); });
    } else if (this.leader !== undefined && this.leader !== this.id) {
      this.world.channel.postMessage({ kind: 'up', to: this.leader, from: this.id, page, message });
      this.expectAnswer();
    }
    // Without a core the page waits for one, and says it again.
  }

  private watchPage(page: string): void {
    void this.world.locks.request(pageLock(page), {}, async () => {
      this.ports.delete(page);
      if (this.core) this.core.close(page);
      else if (this.leader !== undefined) {
        this.world.channel.postMessage({ kind: 'up', to: this.leader, from: this.id, page, message: { kind: 'detach' } });
      }
    });
  }

  private expectAnswer(): void {
    this.cancelPatience ??= this.world.after(PATIENCE, () => {
      const { leader } = this;
      if (leader === undefined || this.core) return;
      this.world.channel.postMessage({ kind: 'ping', to: leader, from: this.id });
      this.cancelPatience = this.world.after(PATIENCE, () => {
        this.cancelPatience = undefined;
        if (this.leader === leader) void this.compete({ steal: true });
      });
    });
  }

  // ── other workers ──

  private heard(wire: Wire): void {
    if (wire.from === this.id) return;
    switch (wire.kind) {
      case 'who':
        if (!this.core) return;
        if (wire.protocol > this.protocol) this.resign?.();
        else this.world.channel.postMessage({ kind: 'core', from: this.id });
        return;
      case 'core':
        if (wire.from === this.leader) return;
        this.resign?.();
        this.setLeader(wire.from);
        return;
      default:
        if (wire.to === this.id) this.addressed(wire);
    }
  }

  private addressed(wire: Exclude<Wire, { kind: 'who' | 'core' }>): void {
    switch (wire.kind) {
      case 'ping':
        if (this.core) this.world.channel.postMessage({ kind: 'pong', to: wire.from, from: this.id });
        return;
      case 'up': return this.fromRemote(wire.from, wire.page, wire.message);
      case 'down':
        if (wire.from === this.leader) this.ports.get(wire.page)?.postMessage(wire.message);
        break;
      case 'pong':
    }
    if (wire.from === this.leader) {
      this.cancelPatience?.();
      this.cancelPatience = undefined;
    }
  }

  private fromRemote(worker: string, page: string, message: ToCore): void {
    if (!this.core) return;
    let pages = this.remote.get(worker);
    if (!pages) this.remote.set(worker, pages = new Set());
    pages.add(page);
    this.watchWorker(worker);
    this.core.handle(page, message, (answer) => this.world.channel.postMessage({ kind: 'down', to: worker, from: this.id, page, message: answer }));
  }

  /** When a worker ends, its pages are gone with it. */
  private watchWorker(worker: string): void {
    if (this.watched.has(worker)) return;
    this.watched.add(worker);
    void this.world.locks.request(workerLock(worker), { mode: 'shared' }, async () => {
      this.watched.delete(worker);
      for (const page of this.remote.get(worker) ?? []) this.core?.close(page);
      this.remote.delete(worker);
    });
  }
}
