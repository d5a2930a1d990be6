/** Prosody, the server of somebody else, with a domain of its own and a certificate authority that both servers trust. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './ports';
import type { Server } from './server';

const run = promisify(execFile);
const patience = 30_000;

export class Prosody {
  readonly domain = 'peer.test';
  /** Everything it ever wrote. */
  log = '';
  private readonly directory = mkdtempSync(join(tmpdir(), 'kith-prosody-'));
  private child: ChildProcess | undefined;

  private constructor(readonly c2s: number, private readonly s2s: number) {}

  /** Makes it and tells a server that has not started yet how to reach it, and itself how to reach that one. */
  static async besides(server: Server): Promise<Prosody> {
    const prosody = new Prosody(await freePort(), await freePort());
    const theirs = await freePort();
    await prosody.certify();
    prosody.configure(theirs);
    const file = join(prosody.directory, 'kith.toml');
    writeFileSync(file, [
      '[federation]', 'policy = "open"', `ca = ${JSON.stringify(prosody.path('ca.pem'))}`,
      `routes = { ${JSON.stringify(prosody.domain)} = "127.0.0.1:${prosody.s2s}" }`, '',
    ].join('\n'));
    server.options = ['--config', file, '--cert', prosody.path('localhost.crt'), '--key', prosody.path('localhost.key'), '--s2s', `127.0.0.1:${theirs}`];
    return prosody;
  }

  async start(): Promise<void> {
    const child = this.child = spawn('prosody', ['--config', this.path('prosody.cfg.lua'), '-F'], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => { this.log += data.toString(); });
    for (const end = Date.now() + patience; !await answers(this.c2s) || !await answers(this.s2s);) {
      if (child.exitCode !== null || Date.now() > end) throw new Error(`Prosody does not start:\n${this.log}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** As a power cut does. */
  async kill9(): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** For before it starts. */
  async addUser(name: string, password: string): Promise<void> {
    await run('prosodyctl', ['--config', this.path('prosody.cfg.lua'), 'register', name, this.domain, password]);
    // profanity adds its device to a list that is there. That there is none it does not understand of Prosody, whose
    // answers about one's own account do not say whom they are from.
    const node = 'eu.siacs.conversations.axolotl.devicelist';
    const [pep, items] = ['pep', `pep_${escaped(node)}`].map((store) => this.path(`data/${escaped(this.domain)}/${store}`));
    for (const directory of [pep, items]) mkdirSync(directory ?? '', { recursive: true });
    writeFileSync(`${pep}/${name}.dat`, `return { ["${node}"] = { ["name"] = "${node}"; ["affiliations"] = {}; ["config"] = {}; ["subscribers"] = {}; }; };\n`);
    writeFileSync(`${items}/${name}.list`, `item({
	["name"] = "list"; ["attr"] = { ["xmlns"] = "eu.siacs.conversations.axolotl"; ["stamp"] = "2026-01-01T00:00:00Z"; };
	["key"] = "current"; ["when"] = ${Math.floor(Date.now() / 1000)}; ["with"] = "${name}@${this.domain}";
});\n`);
  }

  /** In which of its files a text is found. */
  whereIs(text: string): string[] {
    return readdirSync(this.path('data'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => readFileSync(file).includes(text));
  }

  async remove(): Promise<void> {
    await this.kill9();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private path(name: string): string {
    return join(this.directory, name);
  }

  /** A certificate authority, and what it signs for both servers. */
  private async certify(): Promise<void> {
    const openssl = (...args: readonly string[]): Promise<unknown> => run('openssl', [...args]);
    const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    await openssl('req', '-x509', ...fresh, '-subj', '/CN=Test Authority', '-days', '2', '-keyout', this.path('ca.key'), '-out', this.path('ca.pem'), '-addext', 'basicConstraints=critical,CA:TRUE');
    for (const domain of [this.domain, 'localhost']) {
      const request = this.path(`${domain}.csr`);
      await openssl('req', '-new', ...fresh, '-subj', `/CN=${domain}`, '-keyout', this.path(`${domain}.key`), '-out', request);
      const extensions = this.path(`${domain}.ext`);
      writeFileSync(extensions, `subjectAltName=DNS:${domain},DNS:groups.${domain}\nextendedKeyUsage=serverAuth,clientAuth\n`);
      await openssl('x509', '-req', '-in', request, '-CA', this.path('ca.pem'), '-CAkey', this.path('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', extensions, '-out', this.path(`${domain}.crt`));
    }
  }

  private configure(theirs: number): void {
    for (const directory of ['data', 'plugins']) mkdirSync(this.path(directory), { recursive: true });
    const lua = (text: string): string => JSON.stringify(text);
    // It finds the other server without DNS: its packages cannot be told another name server.
    writeFileSync(this.path('plugins/mod_names.lua'), `module:set_global();
local ok, unbound = pcall(require, "lunbound");
if ok then
	unbound.new = function () return { getfd = function () return -1; end; process = function () end }; end
end
local function lookup(_, callback, name, kind)
	name = name:lower():gsub("%.?$", ".");
	local answer = {};
	if kind == "SRV" and (name == "_xmpp-server._tcp.localhost." or name == "_xmpp-server._tcp.groups.localhost.") then
		answer = { { srv = { priority = 1; weight = 1; port = ${theirs}; target = "localhost." } } };
	elseif kind == "A" and name == "localhost." then
		answer = { { a = "127.0.0.1" } };
	end
	module:add_timer(0, function () callback(answer); end);
end
require "net.adns".resolver = function () return { lookup = lookup }; end
`);
    writeFileSync(this.path('prosody.cfg.lua'), `run_as_root = true
daemonize = false
pidfile = ${lua(this.path('prosody.pid'))}
data_path = ${lua(this.path('data'))}
plugin_server = ""
plugin_paths = { ${lua(this.path('plugins'))} }
log = { { levels = { min = "info" }, to = "console" } }
interfaces = { "127.0.0.1" }
c2s_ports = { ${this.c2s} }
s2s_ports = { ${this.s2s} }
s2s_secure_auth = true
s2s_require_encryption = true
ssl = { certificate = ${lua(this.path(`${this.domain}.crt`))}, key = ${lua(this.path(`${this.domain}.key`))}, cafile = ${lua(this.path('ca.pem'))} }
modules_enabled = { "names"; "roster"; "saslauth"; "tls"; "disco"; "pep"; "smacks"; "s2s_bidi"; "carbons"; "mam"; "offline"; "ping"; "blocklist" }
VirtualHost ${lua(this.domain)}
`);
    if (!existsSync('/usr/bin/prosody')) throw new Error('Prosody is not installed (Debian: apt install prosody)');
  }
}

/** A name as Prosody has it in those of its files. */
function escaped(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
  });
}
