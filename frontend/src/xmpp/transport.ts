/** XMPP over WebSocket (RFC 7395): one document per message, a stream opened by `<open/>` and ended by `<close/>`. */
import { ConnectionError, ProtocolError, StreamError } from './errors';
import { NS } from './ns';
import { parse, serialise, xml, XmlError, type XmlElement } from './xml';

/** The part of the browser's WebSocket that is used, so that tests can bring their own. */
export interface Socket {
  readonly protocol: string;
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

export type SocketFactory = (url: string, protocol: string) => Socket;

/** One WebSocket with one XMPP stream on it. Elements are read one after the other by `receive`. */
export class Transport {
  private readonly incoming: XmlElement[] = [];
  private waiting: { resolve: (element: XmlElement) => void; reject: (error: Error) => void } | undefined;
  private failure: Error | undefined;
  private readonly opened: Promise<void>;

  private constructor(private readonly socket: Socket) {
    this.opened = new Promise((resolve, reject) => {
      socket.onopen = () => {
        if (socket.protocol === 'xmpp') return resolve();
        reject(new ProtocolError('the server does not speak XMPP over WebSocket'));
        socket.close();
      };
      socket.onclose = (event) => {
        this.end(new ConnectionError(`connection closed (${event.code})`));
        reject(this.failure ?? new ConnectionError('closed'));
      };
    });
    socket.onerror = () => undefined; // a close event follows and says the same
    socket.onmessage = (event) => this.frame(event.data);
  }

  /** Connects; rejects with ConnectionError or, when aborted, with the signal's reason. */
  static async connect(url: string, factory: SocketFactory, signal: AbortSignal): Promise<Transport> {
    signal.throwIfAborted();
    const transport = new Transport(factory(url, 'xmpp'));
    signal.addEventListener('abort', () => transport.abort(asError(signal.reason)), { once: true });
    await transport.opened;
    signal.throwIfAborted();
    return transport;
  }

  get ended(): boolean {
    return this.failure !== undefined;
  }

  /** Sends the stream header and waits for the server's (section 3.4). */
  async open(to: string, from: string): Promise<void> {
    this.send(xml(NS.framing, 'open', { to, from, version: '1.0', 'xml:lang': 'en' }));
    const header = await this.receive();
    if (!header.is(NS.framing, 'open')) throw new ProtocolError('stream header expected');
  }

  send(element: XmlElement): void {
    if (this.failure) throw this.failure;
    this.socket.send(serialise(element));
  }

  /** The next element; rejects when the stream ends. One reader at a time. */
  receive(): Promise<XmlElement> {
    const element = this.incoming.shift();
    if (element) return Promise.resolve(element);
    if (this.failure) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => { this.waiting = { resolve, reject }; });
  }

  /** Puts an element back, to be received next. */
  unread(element: XmlElement): void {
    this.incoming.unshift(element);
  }

  /** Ends the stream politely; whoever is reading is told why. */
  close(reason: Error = new ConnectionError('closed')): void {
    if (this.failure) return;
    try {
      this.send(xml(NS.framing, 'close'));
    } catch {
      // It was gone already.
    }
    this.end(reason);
    this.socket.close(1000);
  }

  /** Ends it at once, without a word to the server, so that the stream can be resumed. */
  abort(reason: Error = new ConnectionError('aborted')): void {
    this.end(reason);
    this.socket.close();
  }

  private frame(data: unknown): void {
    if (this.failure) return;
    let element: XmlElement;
    try {
      if (typeof data !== 'string') throw new ProtocolError('binary frame');
      element = parse(data);
    } catch (error) {
      const detail = error instanceof XmlError ? `not well-formed: ${error.message}` : asError(error).message;
      this.abort(new ProtocolError(detail));
      return;
    }
    if (element.is(NS.stream, 'error')) return this.abort(StreamError.read(element));
    if (element.is(NS.framing, 'close')) {
      this.close();
      return;
    }
    if (this.waiting) {
      const { resolve } = this.waiting;
      this.waiting = undefined;
      resolve(element);
    } else {
      this.incoming.push(element);
    }
  }

  private end(reason: Error): void {
    if (this.failure) return;
    this.failure = reason;
    this.waiting?.reject(reason);
    this.waiting = undefined;
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new ConnectionError('aborted');
}
