/** A web server for an app that is only files, compressed once, as a good operator would have it. */
import { readFileSync, statSync } from 'node:fs';
import { createServer, request as ask, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { expect } from '@playwright/test';

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.mjs': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.json': 'application/json',
  '.wasm': 'application/wasm', '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.png': 'image/png',
};

/** Serves a directory and a page at /, compressed with brotli. Resolves with its port. */
export async function serve(directory: string, page: string): Promise<{ port: number; server: Server }> {
  const kept = new Map<string, { body: Buffer; brotli: boolean }>();
  const file = (path: string): { body: Buffer; brotli: boolean } => {
    const known = kept.get(path);
    if (known) return known;
    const raw = path === '/index.html' ? Buffer.from(page) : readFileSync(join(directory, normalize(path)));
    const brotli = ['.html', '.js', '.css', '.json', '.wasm', '.svg'].includes(extname(path));
    const made = { body: brotli ? brotliCompressSync(raw, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }) : raw, brotli };
    kept.set(path, made);
    return made;
  };
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname.replace(/\/$/, '/index.html');
    try {
      if (path !== '/index.html') statSync(join(directory, normalize(path)));
      const { body, brotli } = file(path);
      response.writeHead(200, {
        'Content-Type': types[extname(path)] ?? 'application/octet-stream', 'Cache-Control': 'max-age=86400', ...(brotli && { 'Content-Encoding': 'br' }),
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return { port: (server.address() as AddressInfo).port, server };
}

/** A script that a browser asks for. */
interface Script {
  readonly path: string;
  /** As they are on the wire. */
  bytes: number;
  done: boolean;
}

/** Stands between a browser and a server, and counts the scripts that pass, those of workers too. */
export class Tap {
  /** In the order in which they were asked for. */
  readonly scripts: Script[] = [];
  private readonly server: Server;

  constructor(private readonly target: string) {
    this.server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', target);
      const script: Script | undefined = pathname.endsWith('.js') ? { path: pathname, bytes: 0, done: false } : undefined;
      if (script) this.scripts.push(script);
      const { hostname, port } = new URL(target);
      const forward = ask({ hostname, port, path: request.url, method: request.method, headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.on('data', (data: Buffer) => { if (script) script.bytes += data.length; });
        answer.on('end', () => { if (script) script.done = true; });
        answer.pipe(response);
      });
      forward.on('error', () => { if (script) script.done = true; response.destroy(); });
      request.pipe(forward);
    });
  }

  /** Where the browser finds it. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, 'localhost', resolve));
    return this.target.replace(/:\d+/, `:${String((this.server.address() as AddressInfo).port)}`);
  }

  /** The bytes of these scripts, once all of them are here. */
  async weight(scripts: readonly Script[]): Promise<number> {
    await expect.poll(() => scripts.every((script) => script.done)).toBe(true);
    return scripts.reduce((sum, script) => sum + script.bytes, 0);
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}
