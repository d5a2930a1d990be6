import { describe, expect, it } from 'vitest';
import { LockManager, type Agent } from '../../test/support/locks';
import { CoreError, type Core, type Events, type Snapshot } from '../core/api';
import { Client } from '../core/client';
import { CORE_LOCK, pageLock, workerLock, type Greeting, type ToCore, type ToPage } from '../core/rpc';
import { Host, type Channel, type Port, type RunningCore, type Wire } from './host';

/** All workers of one browser. */
class Browser {
  readonly locks = new LockManager();
  private readonly channels = new Set<Channel>();
  readonly cores: FakeCore[] = [];
  /** What every core would find in the database. */
  readonly sent: string[] = [];
  private timers: { readonly at: number; readonly callback: () => void; cancelled: boolean }[] = [];
  private time = 0;

  worker(protocol?: number): Worker {
    const agent = this.locks.agent();
    const channel: Channel & { dead?: boolean } = {
      onmessage: null,
      postMessage: (message: Wire) => {
        if (channel.dead === true) return;
        const copy = structuredClone(message);
        for (const other of this.channels) if (other !== channel) queueMicrotask(() => other.onmessage?.({ data: copy }));
      },
    };
    this.channels.add(channel);
    const host = new Host({
      locks: agent, channel, ...(protocol !== undefined && { protocol }),
      after: (ms, callback) => {
        const timer = { at: this.time + ms, callback, cancelled: false };
        this.timers.push(timer);
        return () => { timer.cancelled = true; };
      },
      start: (lost) => {
        const core = new FakeCore(this, lost);
        this.cores.push(core);
        return core;
      },
    });
    return {
      host, agent,
      kill: () => {
        agent.die();
        channel.dead = true;
        this.channels.delete(channel);
        channel.onmessage = null;
      },
      freeze: () => {
        channel.onmessage = null;
        channel.dead = true;
      },
      thaw: () => { channel.dead = false; },
    };
  }

  /** Time passes. */
  async wait(ms: number): Promise<void> {
    this.time += ms;
    for (const timer of this.timers.filter((one) => one.at <= this.time && !one.cancelled)) {
      timer.cancelled = true;
      timer.callback();
    }
    await settle();
  }

  /** A page that is connected to this worker. */
  async page(worker: Worker): Promise<TestPage> {
    const id = crypto.randomUUID();
    const agent = this.locks.agent();
    void agent.request(pageLock(id), {}, () => new Promise(() => undefined));
    let port: (Port & { up: (message: ToCore) => void }) | undefined;
    const client = new Client((message) => port?.up(structuredClone(message)));
    const workers: string[] = [];
    const plug = (to: Worker): void => {
      const mine: Port & { up: (message: ToCore) => void } = {
        onmessage: null,
        postMessage: (message: Greeting | ToPage) => {
          const copy = structuredClone(message);
          queueMicrotask(() => {
            if (port !== mine) return;
            if (copy.kind === 'ready') workers.push(copy.worker);
            else if (copy.kind === 'core') client.coreUp();
            else client.received(copy);
          });
        },
        up: (message) => queueMicrotask(() => mine.onmessage?.({ data: message })),
      };
      port = mine;
      to.host.connect(mine);
      mine.onmessage?.({ data: { kind: 'hello', page: id } });
    };
    plug(worker);
    const events: [string, unknown][] = [];
    const snapshot = client.core.attach((event, data) => events.push([event, data]));
    await settle();
    return { core: client.core, snapshot, events, close: () => agent.die(), plug, workers };
  }
}

interface Worker {
  readonly host: Host;
  readonly agent: Agent;
  kill(): void;
  freeze(): void;
  thaw(): void;
}

interface TestPage {
  readonly core: Core;
  readonly snapshot: Promise<Snapshot>;
  readonly events: [string, unknown][];
  readonly workers: string[];
  close(): void;
  plug(worker: Worker): void;
}

const EMPTY: Snapshot = { domain: 'example.org', accounts: [], session: { phase: 'online', catchingUp: false }, contacts: [], chats: [] };

class FakeCore implements RunningCore {
  readonly pages = new Map<string, (message: ToPage) => void>();
  readonly calls: string[] = [];
  readonly closed: string[] = [];
  stopped = false;
  /** While true, calls are taken and never answered. */
  stuck = false;

  constructor(private readonly browser: Browser, readonly lost: () => void) {}

  handle(page: string, message: ToCore, reply: (message: ToPage) => void): void {
    if (message.kind === 'attach') {
      this.pages.set(page, reply);
      reply({ kind: 'snapshot', call: message.call, snapshot: EMPTY });
    } else if (message.kind === 'detach') {
      this.pages.delete(page);
    } else {
      this.calls.push(message.method);
      if (this.stuck) return;
      if (message.method === 'send') {
        const id = (message.args[2] as { id: string }).id;
        if (!this.browser.sent.includes(id)) this.browser.sent.push(id);
      }
      reply(message.method === 'block'
        ? { kind: 'error', call: message.call, reason: { code: 'policy' } }
        : { kind: 'result', call: message.call, value: message.method });
    }
  }

  emit<K extends keyof Events>(event: K, data: Events[K]): void {
    for (const reply of this.pages.values()) reply({ kind: 'event', event, data } as ToPage);
  }

  close(page: string): void {
    this.closed.push(page);
    this.pages.delete(page);
  }

  async stop(): Promise<void> {
    this.stopped = true;
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

describe('one worker for all tabs', () => {
  it('runs one core, and answers every page', async () => {
    const browser = new Browser();
    const worker = browser.worker();
    const one = await browser.page(worker), two = await browser.page(worker);
    expect(await one.snapshot).toEqual(EMPTY);
    expect(await two.snapshot).toEqual(EMPTY);
    expect(await one.core.reconnect()).toBe('reconnect');
    await expect(two.core.block('x@y')).rejects.toBeInstanceOf(CoreError);
    browser.cores[0]?.emit('typing', { chat: 'a@b', from: 'a@b', typing: true });
    await settle();
    expect(one.events).toEqual([['typing', { chat: 'a@b', from: 'a@b', typing: true }]]);
    expect(two.events).toEqual(one.events);
    expect(browser.cores.length).toBe(1);
  });

  it('forgets a page that is closed', async () => {
    const browser = new Browser();
    const worker = browser.worker();
    const page = await browser.page(worker);
    await page.snapshot;
    page.close();
    await settle();
    expect(browser.cores[0]?.closed.length).toBe(1);
  });

  it('goes on in a new worker when the browser ends the old one', async () => {
    const browser = new Browser();
    const first = browser.worker();
    const page = await browser.page(first);
    await page.snapshot;
    let died = false;
    void browser.locks.agent().request(workerLock(page.workers[0] ?? ''), { mode: 'shared' }, async () => { died = true; });
    await settle();
    expect(died).toBe(false);
    first.kill();
    await settle();
    expect(died).toBe(true);
    page.plug(browser.worker());
    await settle();
    expect(await page.core.reconnect()).toBe('reconnect');
    expect(browser.cores.length).toBe(2);
    expect(page.events.map(([event]) => event)).toEqual(['accounts', 'session', 'contacts', 'chats']);
  });
});

describe('a worker for each tab', () => {
  it('one of them runs the core, the others pass on', async () => {
    const browser = new Browser();
    const a = browser.worker();
    await settle();
    const b = browser.worker();
    await settle();
    const first = await browser.page(a), second = await browser.page(b);
    expect(await second.snapshot).toEqual(EMPTY);
    expect(await second.core.reconnect()).toBe('reconnect');
    await expect(second.core.block('x@y')).rejects.toMatchObject({ reason: { code: 'policy' } });
    browser.cores[0]?.emit('typing', { chat: 'a@b', from: 'a@b', typing: true });
    await settle();
    expect(first.events.length).toBe(1);
    expect(second.events.length).toBe(1);
    expect(browser.cores.length).toBe(1);
    second.close();
    b.kill();
    await settle();
    expect(browser.cores[0]?.pages.size).toBe(1);
  });

  it('the next one takes over when the first is closed, and what was asked is answered', async () => {
    const browser = new Browser();
    const a = browser.worker();
    await settle();
    const b = browser.worker();
    const page = await browser.page(b);
    await page.snapshot;
    const core = browser.cores[0];
    if (core) core.stuck = true;
    const sending = page.core.send('a@b', 'hello');
    const inviting = page.core.createInvite();
    const failed = inviting.catch((error: CoreError) => error.reason.code);
    await settle();
    expect(core?.calls).toEqual(['send', 'createInvite']);
    a.kill();
    await settle();
    expect(await sending).toBe('send');
    // Doing it twice would not be the same.
    expect(await failed).toBe('network');
    expect(browser.cores.length).toBe(2);
    expect(browser.sent.length).toBe(1);
  });

  it('a message is sent once, even if the first core had done it without saying so', async () => {
    const browser = new Browser();
    const a = browser.worker();
    await settle();
    const page = await browser.page(browser.worker());
    await page.snapshot;
    const core = browser.cores[0];
    if (!core) throw new Error('no core');
    const handle = core.handle.bind(core);
    core.handle = (id, message) => handle(id, message, () => undefined);
    const sending = page.core.send('a@b', 'hello');
    await settle();
    a.kill();
    await settle();
    await sending;
    expect(browser.sent.length).toBe(1);
  });

  it('takes over from one that is frozen, which gives up when it thaws', async () => {
    const browser = new Browser();
    const a = browser.worker();
    await settle();
    const b = browser.worker();
    const page = await browser.page(b);
    await page.snapshot;
    a.freeze();
    const answer = page.core.reconnect();
    await settle();
    await browser.wait(4_000);
    await browser.wait(4_000);
    expect(await answer).toBe('reconnect');
    expect(browser.cores.length).toBe(2);
    expect(browser.cores[0]?.stopped).toBe(true);
    await browser.wait(200);
    expect(browser.locks.isHeld(CORE_LOCK)).toBe(true);
  });

  it('hears nothing more of one from which another has taken over, in any tab', async () => {
    const browser = new Browser();
    const a = browser.worker();
    await settle();
    const b = browser.worker();
    const [near, far] = [await browser.page(a), await browser.page(b)];
    await Promise.all([near.snapshot, far.snapshot]);
    a.freeze();
    const answer = far.core.reconnect();
    await settle();
    await browser.wait(4_000);
    await browser.wait(4_000);
    await answer;
    a.thaw();
    near.events.length = far.events.length = 0;
    // What it had begun ends there.
    browser.cores[0]?.emit('typing', { chat: 'a@b', from: 'a@b', typing: true });
    await settle();
    expect(near.events).toEqual([]);
    expect(far.events).toEqual([]);
  });

  it('does not take over from one that is only slow', async () => {
    const browser = new Browser();
    browser.worker();
    await settle();
    const page = await browser.page(browser.worker());
    await page.snapshot;
    const core = browser.cores[0];
    if (core) core.stuck = true;
    void page.core.reconnect();
    await settle();
    await browser.wait(4_000);
    await browser.wait(4_000);
    await browser.wait(4_000);
    expect(browser.cores.length).toBe(1);
  });
});

describe('releases', () => {
  it('an older core steps down for a newer page, not the other way round', async () => {
    const browser = new Browser();
    const old = browser.worker(1);
    await settle();
    const newer = browser.worker(2);
    await settle();
    await browser.wait(200);
    expect(browser.cores.map((core) => core.stopped)).toEqual([true, false]);
    const page = await browser.page(newer), before = await browser.page(old);
    await page.snapshot;
    expect(await before.core.reconnect()).toBe('reconnect');
    browser.worker(1);
    await settle();
    await browser.wait(200);
    expect(browser.cores.length).toBe(2);
  });

  it('a core that lost its database makes room for another', async () => {
    const browser = new Browser();
    const page = await browser.page(browser.worker());
    await page.snapshot;
    browser.cores[0]?.lost();
    await settle();
    await browser.wait(200);
    expect(browser.cores.length).toBe(2);
    expect(await page.core.reconnect()).toBe('reconnect');
  });
});

describe('the client', () => {
  it('rejects everything where nothing works', async () => {
    const client = new Client(() => undefined);
    const attached = client.core.attach(() => undefined);
    client.failAll(new CoreError({ code: 'unsupported' }));
    await expect(attached).rejects.toMatchObject({ reason: { code: 'unsupported' } });
    await expect(client.core.reconnect()).rejects.toMatchObject({ reason: { code: 'unsupported' } });
  });

  it('tells the next core what this page looks at', async () => {
    const posted: ToCore[] = [];
    const client = new Client((message) => posted.push(message));
    client.coreUp();
    void client.core.setActive(true);
    void client.core.focus('a@b');
    posted.length = 0;
    client.coreUp();
    expect(posted.filter((message) => message.kind === 'call').map((message) => message.method)).toEqual(
      expect.arrayContaining(['setActive', 'focus']));
  });

  const looking = (address: string, chat: string): Snapshot => ({
    ...EMPTY, session: { phase: 'online', address, catchingUp: false }, chats: [{ id: chat } as Snapshot['chats'][number]],
  });

  it('gives every command to the account that was looked at when it was given', async () => {
    const posted: ToCore[] = [];
    const client = new Client((message) => posted.push(message));
    client.coreUp();
    const told: string[] = [];
    void client.core.attach((event) => told.push(event), 'one@b');
    expect(posted).toEqual([{ kind: 'attach', call: 1, account: 'one@b' }]);
    client.received({ kind: 'snapshot', call: 1, snapshot: looking('one@b', 'x@y') });
    const bound = client.core.bound();
    void client.core.page('x@y', { limit: 1 });
    void client.core.focus('x@y');
    client.received({ kind: 'event', event: 'looking', data: looking('two@b', 'z@y') });
    void client.core.reconnect();
    void bound.setDraft('x@y', 'late');
    expect(posted.slice(1).map((message) => message.kind === 'call' && [message.method, message.account])).toEqual(
      [['page', 'one@b'], ['focus', 'one@b'], ['reconnect', 'two@b'], ['setDraft', 'one@b']]);
    expect(told).toEqual(['looking']);
    // The next core is asked for the account of now, and hears nothing of the chats of the one before.
    posted.length = 0;
    client.coreUp();
    expect(posted.find((message) => message.kind === 'attach')).toMatchObject({ account: 'two@b' });
    client.received({ kind: 'snapshot', call: (posted.find((message) => message.kind === 'attach') as { call: number }).call, snapshot: looking('two@b', 'z@y') });
    expect(posted.some((message) => message.kind === 'call' && message.account === 'two@b' && message.method !== 'reconnect')).toBe(false);
    expect(told.slice(1)).toEqual(['accounts', 'session', 'contacts', 'chats']);
  });

  it('begins anew when the next core does not have the account any more', async () => {
    const posted: ToCore[] = [];
    const client = new Client((message) => posted.push(message));
    client.coreUp();
    const told: [string, unknown][] = [];
    void client.core.attach((event, data) => told.push([event, data]));
    client.received({ kind: 'snapshot', call: 1, snapshot: looking('one@b', 'x@y') });
    posted.length = 0;
    client.coreUp();
    const attach = posted.find((message) => message.kind === 'attach') as { call: number };
    client.received({ kind: 'snapshot', call: attach.call, snapshot: looking('two@b', 'z@y') });
    expect(told).toEqual([['looking', looking('two@b', 'z@y')]]);
  });
});
