/**
 * A live stream: stanzas out, stanzas in, requests and their answers, acknowledgements. With stream management it
 * outlives its connections: `run` is called again with the next transport when the stream was resumed.
 */
import type { Clock } from './clock';
import { ConnectionError, ProtocolError, StanzaError } from './errors';
import { bareOf, domainOf, fullOf } from './jid';
import type { LoginResult } from './login';
import { NS } from './ns';
import type { Transport } from './transport';
import { ping } from './xep0199_ping';
import { answer, request, type StreamManagement } from './xep0198_sm';
import { xml, type XmlElement } from './xml';

export interface StreamHandlers {
  /** Resolves when the message is handled for good; only then it is acknowledged. A rejection ends the connection. */
  message(message: XmlElement): Promise<void>;
  presence(presence: XmlElement): Promise<void>;
  /** A request from somebody: resolve with the payload of the result, reject with StanzaError, or `undefined`: not supported. */
  request(type: 'get' | 'set', payload: XmlElement, from: string | undefined): Promise<XmlElement | true> | undefined;
}

interface PendingIq {
  readonly to: string | undefined;
  readonly resolve: (iq: XmlElement) => void;
  readonly reject: (error: Error) => void;
  readonly cancel: () => void;
}

const IQ_TIMEOUT = 30_000;
/** Silence after which we ask whether anybody is there, and how long we wait for the answer. */
const IDLE = 60_000;
const ACK_TIMEOUT = 20_000;

export class Stream {
  readonly address: string;
  readonly sm: StreamManagement | undefined;
  readonly features: ReadonlySet<string>;
  private transport: Transport | undefined;
  private readonly iqs = new Map<string, PendingIq>();
  private nextId = 0;
  private disposed: Error | undefined;
  private cancelIdle: (() => void) | undefined;
  private heardAt = 0;
  private cancelAck: (() => void) | undefined;
  /** The server asked, and was told less than we have received. */
  private owed = false;
  private running = new Set<Promise<unknown>>();
  /** Without stream management: who waits for the answer to the ping in flight, and to the one after. */
  private unconfirmed: (() => void)[] = [];
  private confirming = false;

  constructor(
    /** Full address. */
    readonly jid: string,
    login: LoginResult,
    private readonly handlers: StreamHandlers,
    private readonly clock: Clock,
  ) {
    this.address = bareOf(jid) ?? jid;
    this.sm = login.sm;
    this.features = login.features;
  }

  /** Whether something sent now goes out. False from the moment of an end, before whoever reads has heard of it. */
  get connected(): boolean {
    return this.live !== undefined && this.disposed === undefined;
  }

  /** The connection, as long as something can be sent on it. */
  private get live(): Transport | undefined {
    return this.transport?.ended === false ? this.transport : undefined;
  }

  get resumable(): boolean {
    return this.sm?.id !== undefined && this.disposed === undefined;
  }

  hasFeature(ns: string, name: string): boolean {
    return this.features.has(`{${ns}}${name}`);
  }

  /** Reads from the transport until it ends; resolves with the reason. `again` is sent first. */
  async run(transport: Transport, again: readonly XmlElement[] = []): Promise<Error> {
    this.transport = transport;
    this.owed = false;
    try {
      for (const stanza of again) transport.send(stanza);
      if (again.length > 0) this.askAck();
      this.heardAt = this.clock.now();
      this.watchIdle();
      for (;;) {
        const element = await transport.receive();
        this.heardAt = this.clock.now();
        if (!this.cancelIdle) this.watchIdle();
        this.element(element);
      }
    } catch (error) {
      const reason = error instanceof Error ? error : new ConnectionError(String(error));
      transport.abort(reason);
      return reason;
    } finally {
      this.transport = undefined;
      this.cancelIdle?.();
      this.cancelAck?.();
      this.cancelIdle = this.cancelAck = undefined;
    }
  }

  /** Resolves when everything that came in has been handled. */
  async settled(): Promise<void> {
    while (this.running.size > 0) await Promise.allSettled([...this.running]);
  }

  /** The stream will not be resumed: whoever waits for an answer is told. */
  dispose(reason: Error): void {
    if (this.disposed) return;
    this.disposed = reason;
    for (const pending of this.iqs.values()) {
      pending.cancel();
      pending.reject(reason);
    }
    this.iqs.clear();
    this.unconfirmed = [];
  }

  /** Ends the stream politely, for good. */
  close(reason: Error = new ConnectionError('closed')): void {
    this.transport?.close(reason);
    this.dispose(reason);
  }

  /** Cuts the connection; the stream can be resumed. */
  interrupt(reason: Error): void {
    this.transport?.abort(reason);
  }

  /** Sends a stanza; `onAck` is called once the server has taken responsibility for it. Throws when not connected. */
  send(stanza: XmlElement, onAck?: () => void): void {
    const transport = this.transport;
    if (!transport || this.disposed) throw this.disposed ?? new ConnectionError('not connected');
    this.sm?.sent(stanza, onAck);
    try {
      transport.send(stanza);
    } catch (error) {
      // With stream management it is sent again when the stream is resumed, like everything in flight.
      if (!this.sm) throw error;
      return;
    }
    if (!onAck) return;
    if (this.sm) return this.askAck();
    this.unconfirmed.push(onAck);
    this.confirm();
  }

  /** For what is no stanza (XEP-0352). Nothing happens when not connected. */
  sendUncounted(element: XmlElement): void {
    this.live?.send(element);
  }

  /** Sends a request; resolves with the result stanza, rejects with StanzaError or ConnectionError. */
  iq(type: 'get' | 'set', payload: XmlElement, to?: string, timeout = IQ_TIMEOUT): Promise<XmlElement> {
    const id = `k${(this.nextId++).toString(36)}`;
    return new Promise((resolve, reject) => {
      const cancel = this.clock.after(timeout, () => {
        this.iqs.delete(id);
        reject(new ConnectionError('no answer'));
      });
      this.iqs.set(id, { to: to === undefined ? undefined : fullOf(to), resolve, reject, cancel });
      try {
        this.send(xml(NS.client, 'iq', { type, id, to }, payload));
      } catch (error) {
        this.iqs.delete(id);
        cancel();
        reject(error instanceof Error ? error : new ConnectionError('not connected'));
      }
    });
  }

  /** Asks whether the connection lives; if not, it ends soon. */
  probe(): void {
    if (!this.live) return;
    if (this.sm) this.askAck();
    else this.confirm(true);
  }

  // ── inbound ──

  private element(element: XmlElement): void {
    if (element.ns === NS.sm) return this.management(element);
    if (element.ns === NS.client) {
      const handled = this.sm?.received();
      const work = this.stanza(element);
      if (!work) return this.done(handled);
      const tracked = work.then(
        () => this.done(handled),
        (error: unknown) => this.interrupt(error instanceof Error ? error : new ProtocolError(String(error))),
      ).finally(() => this.running.delete(tracked));
      this.running.add(tracked);
    }
    // Anything else at this level is a feature or extension that was not asked for.
  }

  private stanza(element: XmlElement): Promise<void> | undefined {
    switch (element.name) {
      case 'message': return this.handlers.message(element);
      case 'presence': return this.handlers.presence(element);
      case 'iq': return this.incomingIq(element);
      default: return undefined;
    }
  }

  private done(handled: (() => boolean) | undefined): void {
    handled?.();
    if (this.owed && this.sm?.pending === 0) this.acknowledge();
  }

  private acknowledge(): void {
    const { sm, live } = this;
    if (!sm || !live) return;
    this.owed = sm.pending > 0;
    live.send(answer.write({ h: sm.h }));
  }

  private management(element: XmlElement): void {
    if (!this.sm) return;
    if (element.is(NS.sm, 'r')) return this.acknowledge();
    const acked = answer.read(element);
    if (!acked) return;
    this.cancelAck?.();
    this.cancelAck = undefined;
    this.sm.acknowledge(acked.h);
    if (this.sm.waiting > 0) this.askAck();
  }

  private incomingIq(iq: XmlElement): Promise<void> | undefined {
    const { type, id, from } = iq.attrs;
    if (type === 'result' || type === 'error') {
      const pending = id === undefined ? undefined : this.iqs.get(id);
      // The answer must come from whom we asked; anybody can guess an id.
      if (!pending || id === undefined || !this.answers(pending.to, from)) return undefined;
      this.iqs.delete(id);
      pending.cancel();
      if (type === 'result') pending.resolve(iq);
      else pending.reject(StanzaError.read(iq));
      return undefined;
    }
    if ((type !== 'get' && type !== 'set') || id === undefined) return undefined;
    return this.answerIq(iq, type, id, from);
  }

  private async answerIq(iq: XmlElement, type: 'get' | 'set', id: string, from: string | undefined): Promise<void> {
    const [payload, ...more] = iq.elements;
    let reply: XmlElement;
    try {
      if (!payload || more.length > 0) throw new StanzaError('modify', 'bad-request');
      const work = this.handlers.request(type, payload, from);
      if (!work) throw new StanzaError('cancel', 'service-unavailable');
      const result = await work;
      reply = xml(NS.client, 'iq', { type: 'result', id, to: from }, result !== true && result);
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error;
      reply = xml(NS.client, 'iq', { type: 'error', id, to: from }, error.write());
    }
    if (this.connected) this.send(reply);
  }

  private answers(to: string | undefined, from: string | undefined): boolean {
    const sender = from === undefined ? undefined : fullOf(from);
    if (from !== undefined && sender === undefined) return false;
    if (to === undefined || to === this.address) {
      return sender === undefined || sender === this.address || sender === this.jid || sender === domainOf(this.address);
    }
    return sender === to;
  }

  // ── acknowledgements and silence ──

  private askAck(): void {
    const { live } = this;
    if (this.cancelAck || !live) return;
    live.send(request.write({}));
    this.cancelAck = this.clock.after(ACK_TIMEOUT, () => this.interrupt(new ConnectionError('no acknowledgement')));
  }

  private confirm(force = false): void {
    if (this.confirming || (this.unconfirmed.length === 0 && !force)) return;
    this.confirming = true;
    const covered = this.unconfirmed;
    this.unconfirmed = [];
    // Stanzas are processed in order: whatever was sent before the ping has arrived when it is answered, even by an error.
    const arrived = (): void => {
      this.confirming = false;
      for (const onAck of covered) onAck();
      this.confirm();
    };
    this.iq('get', ping.write({}), domainOf(this.address), ACK_TIMEOUT).then(arrived, (error: unknown) => {
      if (error instanceof StanzaError) return arrived();
      this.confirming = false;
      this.interrupt(new ConnectionError('no answer to a ping'));
    });
  }

  /** One timer, however much comes: it looks when it was heard from last. */
  private watchIdle(left = IDLE): void {
    this.cancelIdle = this.clock.after(left, () => {
      this.cancelIdle = undefined;
      const quiet = this.clock.now() - this.heardAt;
      if (quiet >= 0 && quiet < IDLE) this.watchIdle(IDLE - quiet);
      else this.probe();
    });
  }
}
