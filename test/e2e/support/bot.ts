/** A person with slixmpp and python-omemo: see test/interop/native/bot.py. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const patience = 30_000;
const script = new URL('../../interop/native/bot.py', import.meta.url).pathname;

export interface BotLogin {
  readonly address: string;
  readonly password: string;
  readonly port: number;
  readonly tls: 'starttls' | 'direct';
  /** The server's certificate. */
  readonly certificate: string;
  /** The versions of OMEMO that it speaks: 0.3 unless given. */
  readonly omemo?: 'old' | 'both';
}

/** Something that happened to it. */
export interface Happening {
  readonly is: 'online' | 'contact' | 'invited' | 'joined' | 'said' | 'message' | 'error';
  readonly code?: string;
  readonly address?: string;
  readonly sender?: string;
  readonly text?: string;
  readonly encrypted?: boolean;
  /** The version of OMEMO in which it was. */
  readonly version?: string;
  /** The group in which it was said. */
  readonly room?: string;
}

export class Bot {
  /** The code of its device. */
  code = '';
  private readonly heard: Happening[] = [];
  private wake: () => void = () => undefined;
  private complaints = '';

  private constructor(private readonly child: ChildProcess) {
    if (!child.stdout || !child.stderr) throw new Error('no pipes');
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.heard.push(JSON.parse(line) as Happening);
      this.wake();
    });
    child.stderr.on('data', (data: Buffer) => { this.complaints += data.toString(); });
    child.once('exit', () => this.wake());
  }

  /** Resolves when it is signed in and its keys are published. */
  static async start({ address, password, port, tls, certificate, omemo = 'old' }: BotLogin): Promise<Bot> {
    const bot = new Bot(spawn('/usr/bin/python3', ['-B', '-W', 'ignore', script], {
      stdio: 'pipe',
      env: { ...process.env, KITH_JID: address, KITH_PASSWORD: password, KITH_PORT: String(port), KITH_TLS: tls, KITH_CERT: certificate, KITH_OMEMO: omemo },
    }));
    bot.code = (await bot.hears((it) => it.is === 'online')).code ?? '';
    return bot;
  }

  /** The first thing that happened, or happens soon, which fits. */
  async hears(fits: (it: Happening) => boolean): Promise<Happening> {
    const end = Date.now() + patience;
    for (;;) {
      const found = this.heard.find(fits);
      if (found) return found;
      const wrong = this.heard.find((it) => it.is === 'error');
      if (wrong || this.child.exitCode !== null || Date.now() > end) {
        throw new Error(`the bot waits in vain: ${JSON.stringify(this.heard)}\n${this.complaints}`);
      }
      await new Promise<void>((resolve) => {
        const late = setTimeout(resolve, end - Date.now());
        this.wake = () => { clearTimeout(late); resolve(); };
      });
    }
  }

  say(to: string, text: string, way: 'encrypted' | 'clear' = 'encrypted'): void {
    this.tell({ do: 'say', to, text, ...(way === 'clear' && { clear: true }) });
  }

  /** Goes into a group. */
  async join(room: string, nick: string): Promise<void> {
    this.tell({ do: 'join', room, nick });
    await this.hears((it) => it.is === 'joined' && it.address === room);
  }

  /** Says something in a group. Resolves when it is on its way. */
  async sayIn(room: string, text: string): Promise<void> {
    this.tell({ do: 'say', to: room, text, room: true });
    await this.hears((it) => it.is === 'said' && it.text === text);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const gone = once(this.child, 'exit');
    this.tell({ do: 'leave' });
    const late = setTimeout(() => this.child.kill(), patience);
    await gone;
    clearTimeout(late);
  }

  private tell(order: object): void {
    this.child.stdin?.write(`${JSON.stringify(order)}\n`);
  }
}
