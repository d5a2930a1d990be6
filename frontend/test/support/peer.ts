/** The other end of a WebSocket in memory: a test plays the server, element by element. */
import type { Socket, SocketFactory } from '../../src/xmpp/transport';
import { parse, type XmlElement } from '../../src/xmpp/xml';

class MemorySocket implements Socket {
  readyState = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: { readonly data: unknown }) => void) | null = null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null = null;
  onerror: ((event: never) => void) | null = null;

  constructor(readonly protocol: string, private readonly peer: Peer) {}

  send(data: string): void {
    if (this.readyState !== 1) throw new Error('socket not open');
    this.peer.got(parse(data));
  }

  close(): void {
    if (this.readyState >= 2) return;
    this.readyState = 2;
    this.peer.gone();
    queueMicrotask(() => {
      this.readyState = 3;
      this.onclose?.({ code: 1000, reason: '' });
    });
  }
}

/** One connection, seen from the server. */
export class Peer {
  private readonly inbox: XmlElement[] = [];
  private waiting: { resolve: (element: XmlElement) => void; reject: (error: Error) => void } | undefined;
  private ended = false;
  readonly socket: MemorySocket;
  readonly closed: Promise<void>;
  private markClosed!: () => void;

  constructor(readonly url: string, protocol = 'xmpp') {
    this.socket = new MemorySocket(protocol, this);
    this.closed = new Promise((resolve) => { this.markClosed = resolve; });
  }

  accept(): void {
    this.socket.readyState = 1;
    this.socket.onopen?.(undefined as never);
  }

  /** The next element that the client sends. */
  next(): Promise<XmlElement> {
    const element = this.inbox.shift();
    if (element) return Promise.resolve(element);
    if (this.ended) return Promise.reject(new Error('client is gone'));
    return new Promise((resolve, reject) => { this.waiting = { resolve, reject }; });
  }

  /** The next element that is of this kind; others before it are dropped. */
  async until(name: string, ns?: string): Promise<XmlElement> {
    for (;;) {
      const element = await this.next();
      if (element.name === name && (ns === undefined || element.ns === ns)) return element;
    }
  }

  send(document: string | XmlElement): void {
    if (this.socket.readyState === 1) this.socket.onmessage?.({ data: String(document) });
  }

  /** The wire is cut. */
  cut(code = 1006): void {
    if (this.socket.readyState >= 2) return;
    this.socket.readyState = 3;
    this.gone();
    this.socket.onclose?.({ code, reason: '' });
  }

  got(element: XmlElement): void {
    if (this.waiting) {
      const { resolve } = this.waiting;
      this.waiting = undefined;
      resolve(element);
    } else {
      this.inbox.push(element);
    }
  }

  gone(): void {
    this.ended = true;
    this.waiting?.reject(new Error('client is gone'));
    this.markClosed();
  }
}

/** A place where clients connect: `next()` gives the connections in their order. */
export class Listener {
  private readonly peers: Peer[] = [];
  private readonly waiting: ((peer: Peer) => void)[] = [];
  /** While true, connections are refused. */
  refusing = false;

  readonly factory: SocketFactory = (url, protocol) => {
    const peer = new Peer(url, protocol);
    queueMicrotask(() => {
      if (this.refusing) {
        peer.cut();
        return;
      }
      peer.accept();
      const resolve = this.waiting.shift();
      if (resolve) resolve(peer);
      else this.peers.push(peer);
    });
    return peer.socket;
  };

  next(): Promise<Peer> {
    const peer = this.peers.shift();
    return peer ? Promise.resolve(peer) : new Promise((resolve) => this.waiting.push(resolve));
  }
}
