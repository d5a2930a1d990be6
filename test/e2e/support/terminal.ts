/** A terminal in which a program is used as a person does: by what stands on the screen, and by typing. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const patience = 90_000;

export class Terminal {
  private readonly directory = mkdtempSync(join(tmpdir(), 'kith-terminal-'));

  private constructor() {}

  static async open(command: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Terminal> {
    const terminal = new Terminal();
    const variables = Object.entries({ LC_ALL: 'C.UTF-8', HOME: terminal.directory, ...environment }).map(([name, value]) => `${name}=${value}`);
    await terminal.tmux('new-session', '-d', '-s', 'p', '-x', '150', '-y', '60', 'env', ...variables, ...command);
    return terminal;
  }

  /** Types a line. */
  async type(line: string): Promise<void> {
    await this.tmux('send-keys', '-t', 'p', '-l', line);
    await this.tmux('send-keys', '-t', 'p', 'Enter');
  }

  /** `coloured`: with the sequences that set colours. */
  async screen(coloured = false): Promise<string> {
    return (await this.tmux('capture-pane', '-p', ...(coloured ? ['-e'] : []), '-t', 'p')).stdout;
  }

  /** Resolves with the screen when this text stands on it. */
  async shows(text: string): Promise<string> {
    let last = '';
    for (const end = Date.now() + patience; Date.now() < end;) {
      last = await this.screen();
      if (last.includes(text)) return last;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`the terminal does not show ${JSON.stringify(text)}:\n${last}`);
  }

  async close(): Promise<void> {
    await this.tmux('kill-server').catch(() => undefined);
    rmSync(this.directory, { recursive: true, force: true });
  }

  private tmux(...args: readonly string[]): Promise<{ stdout: string }> {
    return run('tmux', ['-S', join(this.directory, 'sock'), '-f', '/dev/null', ...args]);
  }
}
