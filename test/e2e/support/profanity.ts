/** profanity, a native client that shares no code with Kith, in a terminal. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Terminal } from './terminal';

export interface Login {
  readonly address: string;
  readonly password: string;
  readonly port: number;
  readonly tls: 'starttls' | 'direct';
}

export class Profanity {
  private constructor(readonly address: string, private readonly terminal: Terminal, private readonly directory: string) {}

  /** Resolves when it is signed in. */
  static async start({ address, password, port, tls }: Login): Promise<Profanity> {
    const directory = mkdtempSync(join(tmpdir(), 'kith-profanity-'));
    for (const kind of ['config', 'data']) mkdirSync(join(directory, kind, 'profanity'), { recursive: true });
    writeFileSync(join(directory, 'config/profanity/profrc'), `[connection]\naccount=${address}\n[notifications]\nmessage=off\n[ui]\nsplash=false\n`);
    writeFileSync(join(directory, 'data/profanity/accounts'), [
      `[${address}]`, 'enabled=true', `jid=${address}`, 'server=127.0.0.1', `port=${port}`, `password=${password}`,
      `tls.policy=${tls === 'direct' ? 'legacy' : 'trust'}`, 'resource=profanity', '',
    ].join('\n'));
    const terminal = await Terminal.open(['profanity'], { XDG_CONFIG_HOME: join(directory, 'config'), XDG_DATA_HOME: join(directory, 'data') });
    const client = new Profanity(address, terminal, directory);
    try {
      if (tls === 'direct') {
        // With STARTTLS it can be told to trust everybody; here it asks about a certificate that nobody vouches for.
        await client.shows("Use '/tls always'");
        await client.type('/tls always');
      }
      await client.shows('logged in successfully');
    } catch (error) {
      await client.stop();
      throw error;
    }
    return client;
  }

  type(line: string): Promise<void> {
    return this.terminal.type(line);
  }

  shows(text: string): Promise<string> {
    return this.terminal.shows(text);
  }

  /** Closes all chats. */
  async disconnect(): Promise<void> {
    await this.type('/disconnect');
    await this.shows('logged out successfully');
    await this.type('/clear');
  }

  async connect(): Promise<void> {
    await this.type(`/connect ${this.address}`);
    await this.shows('logged in successfully');
  }

  /** Makes its keys, and takes the other side's as they are. */
  async makeKeys(): Promise<void> {
    await this.type('/omemo gen');
    await this.shows('crytographic materials generated');
    await this.type('/omemo trustmode blind');
  }

  /** Its own code, without the gaps between its groups. */
  async ownCode(): Promise<string> {
    await this.type('/win 1');
    await this.type('/omemo fingerprint');
    const screen = await this.shows('Your OMEMO fingerprint');
    const code = /Your OMEMO fingerprint:? ([0-9a-f-]+)/.exec(screen)?.[1];
    if (code === undefined) throw new Error(`no code:\n${screen}`);
    await this.type('/win 2');
    return code.replaceAll('-', '');
  }

  async stop(): Promise<void> {
    await this.terminal.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
