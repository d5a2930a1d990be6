/** A stranger's server: Debian's Prosody on loopback, in a directory of its own. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { WebSocket } from 'ws';
import type { Socket, SocketFactory } from '../../src/xmpp/transport';
import type { Server } from './servers';

const run = promisify(execFile);

/** `rfc6120`: only what every server has. `sasl2`: also SASL2, Bind 2, FAST. */
export type Dialect = 'rfc6120' | 'sasl2';

const MODULES = [
  'roster', 'saslauth', 'disco', 'carbons', 'pep', 'blocklist', 'smacks', 'mam', 'ping', 'presence', 'message', 'iq', 'websocket',
  'http', 'admin_adhoc', 'adhoc', 'invites', 'invites_adhoc', 'vcard4', 'offline',
];

export class Prosody implements Server {
  private child: ChildProcess | undefined;

  private constructor(private readonly directory: string, private readonly port: number) {}

  static available(): boolean {
    return existsSync('/usr/bin/prosody');
  }

  static async start(flavour: Dialect, options: { smacks?: boolean; mam?: boolean } = {}): Promise<Prosody> {
    const directory = mkdtempSync(join(tmpdir(), 'kith-prosody-'));
    const port = await freePort();
    const modules = [...MODULES, ...(flavour === 'sasl2' ? ['sasl2', 'sasl2_bind2', 'sasl2_fast', 'csi_simple'] : [])]
      .filter((name) => (name !== 'smacks' || options.smacks !== false) && (name !== 'mam' || options.mam !== false));
    if (flavour === 'sasl2') adaptFast(directory);
    writeFileSync(join(directory, 'prosody.cfg.lua'), `
      plugin_paths = { "${directory}/plugins" }
      data_path = "${directory}/data"
      pidfile = "${directory}/prosody.pid"
      daemonize = false
      run_as_root = true
      log = { debug = "${directory}/prosody.log" }
      interfaces = { "127.0.0.1" }
      modules_enabled = { ${modules.map((name) => `"${name}"`).join(', ')} }
      modules_disabled = { "s2s", "tls", "posix", "admin_shell", "offline" }
      c2s_ports = {}
      c2s_direct_tls_ports = {}
      legacy_ssl_ports = {}
      s2s_ports = {}
      http_ports = { ${port} }
      https_ports = {}
      http_interfaces = { "127.0.0.1" }
      http_paths = { websocket = "/ws" }
      http_default_host = "localhost"
      consider_websocket_secure = true
      c2s_require_encryption = false
      authentication = "internal_hashed"
      storage = "internal"
      default_archive_policy = true
      smacks_hibernation_time = 60
      VirtualHost "localhost"
    `);
    const server = new Prosody(directory, port);
    await server.launch();
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  readonly socket: SocketFactory = (url, protocol) => new WebSocket(url, protocol) as unknown as Socket;

  async addUser(name: string, password: string): Promise<void> {
    await run('prosodyctl', ['--root', '--config', this.config, 'register', name, 'localhost', password]);
  }

  /** kill -9, and start again with the same data. */
  async crash(): Promise<void> {
    await this.end('SIGKILL');
    await this.launch();
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
    if (process.env['KEEP'] === undefined) rmSync(this.directory, { recursive: true, force: true });
  }

  knows(text: string): boolean {
    return this.log.includes(text) || ['alice', 'bob'].some((name) => {
      const path = join(this.directory, 'data/localhost/archive', `${name}.list`);
      return existsSync(path) && readFileSync(path, 'utf8').includes(text);
    });
  }

  private get log(): string {
    return readFileSync(join(this.directory, 'prosody.log'), 'utf8');
  }

  private get config(): string {
    return join(this.directory, 'prosody.cfg.lua');
  }

  private async launch(): Promise<void> {
    const child = this.child = spawn('prosody', ['-F', '--config', this.config], { stdio: 'ignore' });
    for (let tries = 0; tries < 200; tries++) {
      if (child.exitCode !== null) throw new Error(`prosody ended: ${this.log.slice(-2000)}`);
      if (await this.answers()) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('prosody does not answer');
  }

  private async answers(): Promise<boolean> {
    try {
      return (await fetch(`${this.origin}/ws`)).status < 500;
    } catch {
      return false;
    }
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }
}

/** Debian's mod_sasl2_fast was written for a newer Prosody than Debian's; three lines make it run. */
function adaptFast(directory: string): void {
  const source = readFileSync('/usr/lib/prosody/modules/mod_sasl2_fast/mod_sasl2_fast.lua', 'utf8');
  mkdirSync(join(directory, 'plugins'));
  writeFileSync(join(directory, 'plugins', 'mod_sasl2_fast.lua'), source
    .replace('username = jid.node(event.stream.from);', 'username = true;')
    .replace('auth:get_child_attr("user-agent", nil, "id")', 'auth:get_child("user-agent").attr.id')
    .replace('dt.datetime(token_info.expires_at)', 'dt.datetime(math.floor(token_info.expires_at))'));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
