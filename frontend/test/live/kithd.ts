/** Our own server, on loopback, in a directory of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import type { Socket, SocketFactory } from '../../src/xmpp/transport';
import type { Server } from './servers';

export class Kithd implements Server {
  private child: ChildProcess | undefined;
  private output = '';

  private constructor(private readonly program: string, private readonly directory: string, private readonly port: number, readonly nativePort: number) {}

  static async start(program: string): Promise<Kithd> {
    const server = new Kithd(program, mkdtempSync(join(tmpdir(), 'kith-live-')), await freePort(), await freePort());
    await server.launch();
    return server;
  }

  get origin(): string {
    return `http://localhost:${this.port}`;
  }

  readonly socket: SocketFactory = (url, protocol) => new WebSocket(url, protocol, { origin: this.origin }) as unknown as Socket;

  /** The link of the first start. */
  get firstLink(): string {
    return /https?:\/\/\S+\/i\/\S+/.exec(this.output)?.[0] ?? '';
  }

  async addUser(name: string, password: string): Promise<void> {
    await this.run(['user', 'add', `${name}@localhost`], password + '\n');
  }

  /** Gives the link. */
  async invite(...args: readonly string[]): Promise<string> {
    return /https?:\/\/\S+/.exec(await this.run(['invite', 'create', '--no-qr', ...args]))?.[0] ?? '';
  }

  async crash(): Promise<void> {
    await this.end('SIGKILL');
    await this.launch();
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
    if (process.env['KEEP'] === undefined) rmSync(this.directory, { recursive: true, force: true });
  }

  knows(text: string): boolean {
    if (this.output.includes(text)) return true;
    const look = (directory: string): boolean => readdirSync(directory, { withFileTypes: true }).some((entry) => {
      const path = join(directory, entry.name);
      return entry.isDirectory() ? look(path) : entry.isFile() && readFileSync(path).includes(text);
    });
    return look(this.directory);
  }

  private async launch(): Promise<void> {
    const child = this.child = spawn(this.program, ['serve', '--data', this.directory, '--http', `localhost:${this.port}`,
      '--c2s', `127.0.0.1:${this.nativePort}`, ...['https', 'c2s-tls', 's2s', 'turn'].flatMap((name) => [`--${name}`, 'off'])], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data: Buffer) => { this.output += data.toString(); });
    for (let tries = 0; tries < 200; tries++) {
      if (child.exitCode !== null) throw new Error(`kith ended: ${this.output}`);
      if (await this.answers()) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('kith does not answer');
  }

  private async answers(): Promise<boolean> {
    try {
      return (await fetch(`${this.origin}/healthz`)).ok;
    } catch {
      return false;
    }
  }

  private async run(args: readonly string[], input = ''): Promise<string> {
    const child = spawn(this.program, [...args, '--data', this.directory], { stdio: ['pipe', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => { output += data.toString(); });
    child.stdin.end(input);
    await once(child, 'close');
    if (child.exitCode !== 0) throw new Error(`kith ${args.join(' ')}: ${output}`);
    return output;
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, 'localhost');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
