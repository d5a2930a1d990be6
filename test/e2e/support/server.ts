/** The real program, in a directory and on ports of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports';

const program = process.env['KITH_BIN'] ?? new URL('../../../bin/kith', import.meta.url).pathname;
const startTimeout = 20_000;

export class Server {
  readonly directory = mkdtempSync(join(tmpdir(), 'kith-e2e-'));
  /** Everything it ever wrote to its terminal. */
  log = '';
  /** It was away at least once: browsers may have complained that they could not reach it. */
  wasDown = false;
  /** More of its command line; for before it starts. */
  options: readonly string[] = [];
  private child: ChildProcess | undefined;

  private constructor(readonly http: number, readonly c2s: number, readonly c2sTls: number) {
    if (!existsSync(program)) throw new Error(`${program} does not exist: run make build, or set KITH_BIN`);
  }

  /** A server that has never run. */
  static async create(): Promise<Server> {
    return new Server(await freePort(), await freePort(), await freePort());
  }

  get origin(): string {
    return `http://localhost:${this.http}`;
  }

  /** The file with the certificate that it made for itself. */
  get certificate(): string {
    return join(this.directory, 'tls', 'self-signed.crt');
  }

  get up(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** The link that is printed at the first start. */
  get firstLink(): string {
    const link = /https?:\/\/\S+\/i\/\S+/.exec(this.log)?.[0];
    if (link === undefined) throw new Error(`the server printed no link:\n${this.log}`);
    return link;
  }

  get command(): readonly string[] {
    return [
      program, 'serve', '--data', this.directory, '--http', `localhost:${this.http}`, '--https', 'off',
      '--c2s', `127.0.0.1:${this.c2s}`, '--c2s-tls', `127.0.0.1:${this.c2sTls}`, '--s2s', 'off', '--turn', 'off', ...this.options,
    ];
  }

  /** Resolves when it says where it is. */
  async start(): Promise<void> {
    const [command = '', ...args] = this.command;
    const child = this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, KITH_LOG_LEVEL: process.env['KITH_LOG_LEVEL'] ?? 'info' } });
    await new Promise<void>((resolve, reject) => {
      const from = this.log.length;
      const late = setTimeout(() => reject(new Error(`the server did not start:\n${this.log}`)), startTimeout);
      const ended = (): void => reject(new Error(`the server ended:\n${this.log}`));
      child.once('exit', ended);
      const said = (data: Buffer): void => {
        this.log += data.toString();
        if (!this.log.slice(from).includes(`Kith is at ${this.origin}`)) return;
        clearTimeout(late);
        child.off('exit', ended);
        resolve();
      };
      child.stdout.on('data', said);
      child.stderr.on('data', said);
    });
  }

  /** Ends it politely. */
  async stop(): Promise<void> {
    if (!await this.end('SIGTERM')) return;
    if (this.child?.exitCode !== 0) throw new Error(`the server ended with ${this.child?.exitCode ?? this.child?.signalCode}:\n${this.log}`);
  }

  /** As a power cut does. */
  async kill9(): Promise<void> {
    await this.end('SIGKILL');
  }

  async crash(): Promise<void> {
    await this.kill9();
    await this.start();
  }

  async addUser(name: string, password: string): Promise<void> {
    await this.run(['user', 'add', `${name}@localhost`], `${password}\n`);
  }

  /** Gives the link. */
  async invite(...flags: readonly string[]): Promise<string> {
    const link = /https?:\/\/\S+/.exec(await this.run(['invite', 'create', '--no-qr', ...flags]))?.[0];
    if (link === undefined) throw new Error('no link');
    return link;
  }

  /** A command of the program, on the same data. */
  async run(args: readonly string[], input = ''): Promise<string> {
    const child = spawn(program, [...args, '--data', this.directory], { stdio: ['pipe', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => { output += data.toString(); });
    child.stdin.end(input);
    await once(child, 'close');
    if (child.exitCode !== 0) throw new Error(`kith ${args.join(' ')}: ${output}`);
    return output;
  }

  /** Where a text is found, in whatever clothes: in the files of the data directory and in the log. */
  whereIs(text: string): string[] {
    const wanted = disguises(text);
    const has = (bytes: Buffer): boolean => wanted.some((one) => bytes.includes(one));
    const places = filesBelow(this.directory).filter((file) => has(readFileSync(file)));
    return has(Buffer.from(this.log)) ? [...places, 'log'] : places;
  }

  files(): string[] {
    return filesBelow(this.directory);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Whether it ran until now. */
  private async end(signal: NodeJS.Signals): Promise<boolean> {
    const { child } = this;
    if (!child || !this.up) return false;
    this.wasDown = true;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
    return true;
  }
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? filesBelow(path) : entry.isFile() ? [path] : [];
  });
}

/** A text as it is, as UTF-16, in hex, and in base64 at each of the three places where it can begin. */
function disguises(text: string): Buffer[] {
  const bytes = Buffer.from(text);
  const base64 = [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64').replace(/=+$/, '');
    // The first and last characters depend on the neighbours as well.
    return whole.slice(before === 0 ? 0 : before + 1, whole.length - 1);
  });
  return [bytes, Buffer.from(text, 'utf16le'), ...[bytes.toString('hex'), bytes.toString('hex').toUpperCase(), ...base64].map((it) => Buffer.from(it))];
}
