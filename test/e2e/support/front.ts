import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request as ask, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { freePort } from './ports';
import type { Server } from './server';

/**
 * Stands in front of a server and serves the app as its next build would: the same files, each under another name as
 * if its content had changed. Some of it, or all, can be lost on the way.
 */
export class Front {
  private build: 'first' | 'next' = 'first';
  /** A file that cannot be had. */
  broken: RegExp | undefined;
  /** What is lost on the way. */
  lost: RegExp | undefined;
  /** The paths that were asked for. */
  readonly asked: string[] = [];
  /** As a server without a service worker. */
  withoutWorker = false;
  private readonly http = createServer((request, response) => void this.serve(request, response));

  private constructor(readonly server: Server, private readonly port: number) {
    this.http.on('upgrade', (request, socket) => {
      const way = connect(server.http, 'localhost', () => {
        way.write(`${request.method} ${request.url} HTTP/1.1\r\n${request.rawHeaders.map((it, i) => (i % 2 === 0 ? `${it}: ` : `${it}\r\n`)).join('')}\r\n`);
        way.pipe(socket).pipe(way);
      });
      for (const [one, other] of [[way, socket], [socket, way]] as const) one.on('error', () => other.destroy());
    });
  }

  static async before(server: Server): Promise<Front> {
    const front = new Front(server, await freePort());
    front.http.listen(front.port, 'localhost');
    await once(front.http, 'listening');
    return front;
  }

  get origin(): string {
    return `http://localhost:${this.port}`;
  }

  /** The server as those see it who come through here. */
  get asServer(): Server {
    return Object.create(this.server, { origin: { value: this.origin } }) as Server;
  }

  next(): void {
    this.build = 'next';
  }

  async close(): Promise<void> {
    this.http.closeAllConnections();
    this.http.close();
    await once(this.http, 'close');
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/';
    this.asked.push(path);
    if (this.lost?.test(path)) {
      request.socket.destroy();
      return;
    }
    if (this.broken?.test(path) || (this.withoutWorker && path === '/sw.js')) {
      response.writeHead(404).end();
      return;
    }
    const original = await this.fetch(request.method ?? 'GET', this.build === 'next' ? renamed(path) : path, { ...request.headers, 'accept-encoding': 'identity', 'if-none-match': undefined });
    const { 'content-length': _, etag: __, ...headers } = original.headers;
    response.writeHead(original.status, headers);
    response.end(this.build === 'next' && request.method === 'GET' && isText(original.headers) ? await this.rewritten(path, original.body.toString()) : original.body);
  }

  private async rewritten(path: string, text: string): Promise<string> {
    if (path !== '/sw.js') return renamed(text);
    const list = /^const kithBuild = (\{.*\});$/m.exec(text)?.[1] ?? '';
    const { version, files } = JSON.parse(list) as { version: string; files: Record<string, string> };
    const entries = await Promise.all(Object.entries(files).map(async ([file, integrity]): Promise<[string, string]> => {
      const { headers, body } = await this.fetch('GET', file, { 'host': `localhost:${this.port}`, 'accept-encoding': 'identity' });
      if (!isText(headers)) return [renamed(file), integrity];
      return [renamed(file), `sha256-${createHash('sha256').update(renamed(body.toString())).digest('base64')}`];
    }));
    return text.replace(list, JSON.stringify({ version: `${version}-next`, files: Object.fromEntries(entries) }));
  }

  private async fetch(method: string, path: string, headers: NodeJS.Dict<string | string[]>): Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }> {
    const sent = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
    const [response] = await once(ask({ port: this.server.http, host: 'localhost', method, path, headers: sent }).end(), 'response') as [IncomingMessage];
    const parts: Buffer[] = [];
    for await (const part of response) parts.push(part as Buffer);
    return { status: response.statusCode ?? 502, headers: response.headers, body: Buffer.concat(parts) };
  }
}

/** Exchanges the names of two builds: backwards what was forwards. */
export function renamed(text: string): string {
  return text.replace(/-([0-9a-f]{8})\.(js|css|wasm)\b/g, (_, hash: string, kind: string) => `-${[...hash].reverse().join('')}.${kind}`);
}

const isText = (headers: IncomingMessage['headers']): boolean => /text\/|json|svg/.test(headers['content-type'] ?? '');
