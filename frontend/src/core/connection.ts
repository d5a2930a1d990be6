/**
 * One account's way to its server: sign in, stay connected, resume or start anew, wait and try again. Knows nothing
 * of what is talked about.
 */
import { AuthError, ConnectionError, StreamError } from '../xmpp/errors';
import { domainOf } from '../xmpp/jid';
import { login, type Agent, type Credential, type FastToken, type LoginResult } from '../xmpp/login';
import { Stream, type StreamHandlers } from '../xmpp/stream';
import { Transport } from '../xmpp/transport';
import { discoverWebSockets } from '../xmpp/xep0156_hostmeta';
import { active, inactive } from '../xmpp/xep0352_csi';
import type { Reason } from './api';
import { log } from './log';
import type { Platform } from './platform';
import { reason, reasonOf } from './reasons';

export type ConnectionState =
  | { readonly phase: 'connecting' }
  | { readonly phase: 'online' }
  | { readonly phase: 'offline'; readonly reason: Reason; readonly retryAt?: number }
  /** The password or token was refused: only the person can help. */
  | { readonly phase: 'locked'; readonly reason: Reason };

export interface ConnectionHooks extends StreamHandlers {
  state(state: ConnectionState): void;
  /** A new token was issued; called before the session is used. `undefined`: the token is worthless. */
  token(token: FastToken | undefined): Promise<void>;
  /** A new session: nothing of an earlier one holds any more. */
  started(stream: Stream, login: LoginResult): void;
  /** The session goes on where it was. */
  resumed(stream: Stream): void;
  /** The connection is gone; the session may come back. */
  dropped(): void;
}

const ATTEMPT_TIMEOUT = 30_000;
const FIRST_DELAY = 1_000;
const MAX_DELAY = 60_000;
/** A session that lasted this long was a good one: the next delay starts small again. */
const GOOD_SESSION = 15_000;
/** Sessions that broke early count as so many failures at most. */
const SHORT_SESSIONS = 3;

export class Connection {
  stream: Stream | undefined;
  private credential: Credential | undefined;
  private running: Promise<void> | undefined;
  /** Also before it was started. */
  private connecting = true;
  private readonly undecided: (() => void)[] = [];
  private stopped = false;
  private failures = 0;
  private wake: (() => void) | undefined;
  private attempt: AbortController | undefined;
  private active = true;
  private url: string | undefined;

  constructor(
    readonly address: string,
    private readonly agent: Agent,
    private readonly platform: Platform,
    private readonly hooks: ConnectionHooks,
  ) {
    platform.onOnline(() => this.reconnect());
  }

  /** Starts with a token and goes on until stopped. */
  start(token: string): void {
    this.credential = { kind: 'token', token };
    this.loop(undefined);
  }

  /** Signs in with a password; rejects when that fails, otherwise goes on until stopped. */
  async signIn(password: string): Promise<void> {
    await this.end();
    this.stopped = false;
    this.credential = { kind: 'password', password };
    this.tell({ phase: 'connecting' });
    try {
      this.loop(this.unlessStopped(await this.connect(this.credential).catch(async (error: unknown) => {
        if (!isForeign(error) || !this.credential || !(await this.elsewhere())) throw error;
        return this.connect(this.credential);
      })));
    } catch (error) {
      this.credential = undefined;
      this.decide();
      throw error;
    }
  }

  /** Resolves once it is known whether there is a connection. */
  decided(): Promise<void> {
    return this.connecting ? new Promise((resolve) => { this.undecided.push(resolve); }) : Promise.resolve();
  }

  private tell(state: ConnectionState): void {
    this.connecting = state.phase === 'connecting';
    this.hooks.state(state);
    if (!this.connecting) this.decide();
  }

  private decide(): void {
    this.connecting = false;
    for (const resolve of this.undecided.splice(0)) resolve();
  }

  /** Tries now if it was waiting; looks whether the connection lives if there is one. */
  reconnect(): void {
    if (this.stream?.connected === true) this.stream.probe();
    else this.wake?.();
  }

  setActive(isActive: boolean): void {
    if (this.active === isActive) return;
    this.active = isActive;
    if (isActive) this.reconnect();
    this.tellActive();
  }

  /** Ends the session and does not come back. */
  async stop(): Promise<void> {
    await this.end();
  }

  /** Signs in once more, only to make the token worthless (XEP-0484 section 4.6). Best effort. */
  async invalidate(token: string): Promise<void> {
    const signal = AbortSignal.timeout(5_000);
    const transport = await this.open(signal);
    try {
      await login(transport, {
        address: this.address, agent: this.agent, credential: { kind: 'token', token }, active: false, invalidate: true,
      });
    } finally {
      transport.close();
    }
  }

  private async end(): Promise<void> {
    this.stopped = true;
    this.attempt?.abort(new ConnectionError('stopped'));
    this.stream?.close();
    this.wake?.();
    this.decide();
    await this.running;
    this.running = undefined;
    this.stream = undefined;
  }

  private loop(first: Established | undefined): void {
    this.stopped = false;
    this.running = this.run(first);
  }

  private async run(first: Established | undefined): Promise<void> {
    let established = first;
    while (!this.stopped) {
      let ended: Error;
      try {
        const { transport, result } = established ?? this.unlessStopped(await this.reconnectOnce());
        established = undefined;
        ended = await this.session(transport, result);
      } catch (error) {
        ended = error instanceof Error ? error : new ConnectionError(String(error));
        this.failures++;
      }
      established = undefined;
      if (this.isStopped()) break;
      if (!(await this.afterwards(ended))) break;
    }
  }

  private async reconnectOnce(): Promise<Established> {
    if (!this.credential) throw new AuthError('not-authorized');
    this.tell({ phase: 'connecting' });
    await this.stream?.settled();
    return this.connect(this.credential);
  }

  private async connect(credential: Credential): Promise<Established> {
    const controller = this.attempt = new AbortController();
    const cancel = this.platform.clock.after(ATTEMPT_TIMEOUT, () => controller.abort(new ConnectionError('timeout')));
    try {
      const transport = await this.open(controller.signal);
      const previous = this.stream?.resumable === true ? this.stream.sm : undefined;
      const result = await login(transport, {
        address: this.address, agent: this.agent, credential, active: this.active, ...(previous && { previous }),
      });
      if (result.token) {
        await this.hooks.token(result.token);
        this.credential = { kind: 'token', token: result.token.token };
      }
      return { transport, result };
    } catch (error) {
      controller.abort(error);
      throw error;
    } finally {
      cancel();
      this.attempt = undefined;
    }
  }

  /** What was established in the moment in which it was stopped is of no use any more. */
  private unlessStopped(established: Established): Established {
    if (!this.stopped) return established;
    established.transport.close();
    throw new ConnectionError('stopped');
  }

  /**
   * The page's own server first; a domain that it does not serve is asked where its WebSocket is (XEP-0156), which
   * works where the page's Content-Security-Policy allows it.
   */
  private async open(signal: AbortSignal): Promise<Transport> {
    this.url ??= this.platform.origin.replace(/^http/, 'ws') + '/ws';
    return Transport.connect(this.url, this.platform.socket, signal);
  }

  /** The own server does not know the domain: look for the one that does. True when there is something new to try. */
  private async elsewhere(): Promise<boolean> {
    try {
      const found = await discoverWebSockets(domainOf(this.address), this.platform.fetch, AbortSignal.timeout(10_000));
      const next = found.find((url) => url !== this.url);
      if (next === undefined) return false;
      this.url = next;
      return true;
    } catch {
      return false;
    }
  }

  private async session(transport: Transport, result: LoginResult): Promise<Error> {
    const since = this.platform.clock.now();
    let stream = this.stream;
    // Given up while the server was being asked to go on with it.
    if (result.resumed && stream?.resumable !== true) {
      transport.close();
      throw new ConnectionError('session lost');
    }
    if (!result.resumed || !stream) {
      stream?.dispose(new ConnectionError('session lost'));
      stream = this.stream = new Stream(result.jid, result, this.hooks, this.platform.clock);
    }
    const ended = stream.run(transport, result.again);
    this.tell({ phase: 'online' });
    if (result.resumed) this.hooks.resumed(stream);
    else this.hooks.started(stream, result);
    this.tellActive();
    const why = await ended;
    // A session that breaks at once is not worth hurrying for, but the network is there.
    this.failures = this.platform.clock.now() - since >= GOOD_SESSION ? 0 : Math.min(this.failures + 1, SHORT_SESSIONS);
    if (!stream.resumable) {
      stream.dispose(why);
      this.stream = undefined;
    }
    this.hooks.dropped();
    return why;
  }

  /** Decides what follows a failure; false: nothing. */
  private async afterwards(error: Error): Promise<boolean> {
    log.debug('connection ended', { reason: error.message });
    const why = reasonOf(error);
    if (error instanceof AuthError && (why.code === 'credentials' || why.code === 'policy')) {
      if (this.credential?.kind === 'token') await this.hooks.token(undefined);
      this.credential = undefined;
      this.giveUp({ phase: 'locked', reason: why });
      return false;
    }
    if (error instanceof StreamError && error.condition === 'conflict') {
      // Another instance took this session's place; fighting over it would never end.
      this.giveUp({ phase: 'offline', reason: why });
      return this.wait(undefined);
    }
    if (isForeign(error) && await this.elsewhere()) return true;
    const delay = this.delay(why);
    this.tell({
      phase: 'offline', retryAt: this.platform.clock.now() + delay,
      reason: this.platform.isOnline() ? why : reason('network', 'offline'),
    });
    return this.wait(delay);
  }

  private giveUp(state: ConnectionState): void {
    this.stream?.dispose(new ConnectionError('session lost'));
    this.stream = undefined;
    this.tell(state);
  }

  private delay(why: Reason): number {
    if (why.seconds !== undefined) return why.seconds * 1000;
    const full = Math.min(MAX_DELAY, FIRST_DELAY * 2 ** Math.max(0, this.failures - 1));
    // The first try after a good session is nearly at once, but not all clients of a restarted server together.
    return this.failures === 0 ? 100 + this.platform.random() * 400 : full * (0.5 + this.platform.random() / 2);
  }

  /** Waits until the time has come or somebody asks for it. False when stopped meanwhile. */
  private async wait(ms: number | undefined): Promise<boolean> {
    await new Promise<void>((resolve) => {
      const cancel = ms === undefined ? undefined : this.platform.clock.after(ms, resolve);
      this.wake = () => {
        cancel?.();
        resolve();
      };
      if (this.stopped) this.wake();
    });
    this.wake = undefined;
    return !this.stopped;
  }

  private tellActive(): void {
    const stream = this.stream;
    if (stream?.connected !== true || !stream.hasFeature('urn:xmpp:csi:0', 'csi')) return;
    // Not a stanza: it is not counted by stream management.
    stream.sendUncounted((this.active ? active : inactive).write({}));
  }

  private isStopped(): boolean {
    return this.stopped;
  }
}

function isForeign(error: unknown): boolean {
  return error instanceof StreamError && error.condition === 'host-unknown';
}

interface Established {
  readonly transport: Transport;
  readonly result: LoginResult;
}
