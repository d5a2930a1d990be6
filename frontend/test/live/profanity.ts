/** A native client that shares no code with us, in a terminal of its own. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export class Profanity {
  private constructor(private readonly directory: string, private readonly address: string) {}

  static available(): boolean {
    return existsSync('/usr/bin/profanity') && existsSync('/usr/bin/tmux');
  }

  static async start(address: string, password: string, port: number, tls: 'trust' | 'disable'): Promise<Profanity> {
    const directory = mkdtempSync(join(tmpdir(), 'kith-profanity-'));
    mkdirSync(join(directory, 'config/profanity'), { recursive: true });
    mkdirSync(join(directory, 'data/profanity'), { recursive: true });
    writeFileSync(join(directory, 'config/profanity/profrc'), `[connection]\naccount=${address}\n[logging]\nchlog=true\n[notifications]\nmessage=off\n`);
    writeFileSync(join(directory, 'data/profanity/accounts'), `[${address}]\nenabled=true\njid=${address}\nserver=127.0.0.1\nport=${port}\npassword=${password}\ntls.policy=${tls}\nresource=profanity\n`);
    const client = new Profanity(directory, address);
    await client.tmux('new-session', '-d', '-s', 'p', '-x', '150', '-y', '50',
      `env HOME=${directory} XDG_CONFIG_HOME=${directory}/config XDG_DATA_HOME=${directory}/data profanity -l DEBUG`);
    await client.shows('logged in successfully');
    return client;
  }

  /** Types a line. */
  async type(line: string): Promise<void> {
    await this.tmux('send-keys', '-t', 'p', '-l', line);
    await this.tmux('send-keys', '-t', 'p', 'Enter');
  }

  async screen(): Promise<string> {
    return (await this.tmux('capture-pane', '-p', '-t', 'p')).stdout;
  }

  async shows(text: string): Promise<void> {
    let last = '';
    for (let tries = 0; tries < 150; tries++) {
      last = await this.screen();
      if (last.includes(text)) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${this.address} does not show ${JSON.stringify(text)}:\n${last}`);
  }

  async stop(): Promise<void> {
    await this.tmux('kill-server').catch(() => undefined);
    rmSync(this.directory, { recursive: true, force: true });
  }

  private tmux(...args: readonly string[]): Promise<{ stdout: string }> {
    return run('tmux', ['-S', join(this.directory, 'sock'), ...args]);
  }
}
