/** Web Locks in memory, with what the workers use: queues, shared requests, stealing, and holders that die. */
import type { Locks } from '../../src/core/rpc';

interface Request {
  readonly owner: Agent;
  readonly shared: boolean;
  readonly grant: () => void;
  readonly drop: (error: Error) => void;
}

interface Lock {
  held: Request[];
  queue: Request[];
}

export class LockManager {
  private readonly locks = new Map<string, Lock>();

  /** One page or worker. */
  agent(): Agent {
    return new Agent(this);
  }

  isHeld(name: string): boolean {
    return (this.locks.get(name)?.held.length ?? 0) > 0;
  }

  add(name: string, request: Request, steal: boolean): void {
    const lock = this.of(name);
    if (steal) {
      for (const held of lock.held.splice(0)) held.drop(new DOMException('stolen', 'AbortError'));
      lock.held.push(request);
      request.grant();
      return;
    }
    lock.queue.push(request);
    this.settle(lock);
  }

  release(name: string, request: Request): void {
    const lock = this.of(name);
    lock.held = lock.held.filter((held) => held !== request);
    this.settle(lock);
  }

  die(owner: Agent): void {
    for (const lock of this.locks.values()) {
      lock.queue = lock.queue.filter((request) => request.owner !== owner);
      lock.held = lock.held.filter((request) => request.owner !== owner);
      this.settle(lock);
    }
  }

  private of(name: string): Lock {
    let lock = this.locks.get(name);
    if (!lock) this.locks.set(name, lock = { held: [], queue: [] });
    return lock;
  }

  private settle(lock: Lock): void {
    for (;;) {
      const [next] = lock.queue;
      if (!next || (lock.held.length > 0 && !(next.shared && lock.held.every((held) => held.shared)))) return;
      lock.queue.shift();
      lock.held.push(next);
      next.grant();
    }
  }
}

export class Agent implements Locks {
  private dead = false;

  constructor(private readonly manager: LockManager) {}

  /** The process is gone, and its locks with it. */
  die(): void {
    this.dead = true;
    this.manager.die(this);
  }

  request(name: string, options: { mode?: 'exclusive' | 'shared'; steal?: boolean }, held: () => Promise<unknown>): Promise<unknown> {
    if (this.dead) return new Promise(() => undefined);
    return new Promise((resolve, reject) => {
      const request: Request = {
        owner: this,
        shared: options.mode === 'shared',
        grant: () => queueMicrotask(() => {
          if (this.dead) return;
          held().then((value) => {
            this.manager.release(name, request);
            resolve(value);
          }, reject);
        }),
        drop: reject,
      };
      this.manager.add(name, request, options.steal === true);
    });
  }
}
