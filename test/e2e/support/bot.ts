/** A person with slixmpp and python-omemo: see test/interop/native/bot.py. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const patience = 90_000;
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
  readonly is: 'online' | 'away' | 'back' | 'contact' | 'invited' | 'joined' | 'said' | 'message' | 'edited' | 'reacted' | 'retracted' | 'marker' | 'displayed' | 'history' | 'error';
  readonly code?: string;
  readonly address?: string;
  readonly sender?: string;
  readonly text?: string;
  readonly encrypted?: boolean;
  /** The version of OMEMO in which it was. */
  readonly version?: string;
  /** The group in which it was said. */
  readonly room?: string;
  /** The id of the stanza, and that in its own archive. */
  readonly id?: string;
  readonly archive?: string;
  /** The id of the message that it was done to. */
  readonly ref?: string;
  readonly emojis?: readonly string[];
  /** Another device of the same account has sent or got it. */
  readonly copy?: true;
  readonly messages?: readonly Kept[];
}

/** A message as the archive tells it, after everything that was done to it. */
export interface Kept {
  readonly id: string;
  readonly sender: string;
  /** None: it was taken back. */
  readonly text: string | null;
  readonly reactions: Readonly<Record<string, readonly string[]>>;
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

  /** Resolves with the id of the message when it is on its way. */
  async say(to: string, text: string, way: 'encrypted' | 'clear' = 'encrypted'): Promise<string> {
    this.tell({ do: 'say', to, text, ...(way === 'clear' && { clear: true }) });
    return (await this.hears((it) => it.is === 'said' && it.text === text)).id ?? '';
  }

  /** The message with this text, from whomever. */
  async message(text: string): Promise<Happening & { readonly id: string; readonly archive: string }> {
    return { id: '', archive: '', ...await this.hears((it) => it.is === 'message' && it.text === text) };
  }

  /** Corrects an own message. */
  edit(to: string, id: string, text: string): void {
    this.tell({ do: 'say', to, text, replace: id });
  }

  react(to: string, id: string, ...emojis: readonly string[]): void {
    this.tell({ do: 'react', to, ref: id, emojis });
  }

  retract(to: string, id: string): void {
    this.tell({ do: 'retract', to, ref: id });
  }

  /** Tells somebody that what is up to this message was displayed (XEP-0333). */
  marker(to: string, id: string): void {
    this.tell({ do: 'marker', to, ref: id });
  }

  /** Tells the own devices alone that what is up to this place in the archive was displayed (XEP-0490). */
  displayed(chat: string, archive: string): void {
    this.tell({ do: 'displayed', chat, id: archive });
  }

  /** What the archive tells of a chat. It can be asked once. */
  async history(chat: string): Promise<readonly Kept[]> {
    this.tell({ do: 'history', chat });
    return (await this.hears((it) => it.is === 'history' && it.address === chat)).messages ?? [];
  }

  /** Loses its connection, and keeps its keys. */
  async goAway(): Promise<void> {
    this.tell({ do: 'away' });
    await this.hears((it) => it.is === 'away');
  }

  async comeBack(): Promise<void> {
    this.tell({ do: 'back' });
    await this.hears((it) => it.is === 'back');
  }

  /** Goes into a group. */
  async join(room: string, nick: string): Promise<void> {
    this.tell({ do: 'join', room, nick });
    await this.hears((it) => it.is === 'joined' && it.address === room);
  }

  /** Says something in a group. */
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
