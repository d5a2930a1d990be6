/** The device that opens the link of another one to be signed in by it (`pairing.ts`), over HTTP. */
import { parseJid } from '../xmpp/jid';
import type { FastToken } from '../xmpp/login';
import type { Address, ReasonCode } from './api';
import type { Platform } from './platform';
import { fail } from './reasons';

const TIMEOUT = 40_000;
const MAX_BODY = 16 << 10;
/** An answer that says to wait comes late; one that does not is not asked for more often than this. */
const PAUSE = 1_000;

/** A link that was opened here. */
export interface Claimed {
  readonly token: string;
  readonly secret: string;
  readonly agentId: string;
  readonly address: Address;
  readonly number: string;
  readonly expires: number;
}

export class NewDevice {
  constructor(private readonly platform: Platform) {}

  /** Opens a link: that goes once. Rejects `link-invalid`. */
  async claim(token: string): Promise<Claimed> {
    if (!/^[\w-]{1,128}$/.test(token)) throw fail('link-invalid', 'malformed');
    const agentId = crypto.randomUUID();
    const { answer } = await this.call(token, { id: agentId, software: 'Kith', device: this.platform.deviceName });
    const secret = text(answer, 'secret'), number = text(answer, 'number'), address = text(answer, 'address'), expires = answer['expires'];
    if (secret === undefined || number === undefined || address === undefined || typeof expires !== 'number') throw fail('server', 'malformed answer');
    return { token, secret, agentId, number, expires, address: parsed(address) };
  }

  /** Waits for the answer of the other device. Rejects `denied`, `link-invalid`. */
  async await({ token, secret, expires, address }: Claimed): Promise<FastToken> {
    for (;;) {
      const { status, answer } = await this.call(`${token}/wait`, { secret });
      const given = text(answer, 'token'), until = answer['expires'];
      if (status === 200 && given !== undefined && typeof until === 'number' && text(answer, 'address') === address) return { token: given, expiry: until };
      if (status !== 202) throw fail('server', 'malformed answer');
      if (this.platform.clock.now() >= expires) throw fail('denied', 'no answer in time');
      await new Promise<void>((resolve) => { this.platform.clock.after(PAUSE, resolve); });
    }
  }

  private async call(path: string, body: object): Promise<{ readonly status: number; readonly answer: Readonly<Record<string, unknown>> }> {
    let response: Response;
    let answer: unknown;
    try {
      response = await this.platform.fetch(`${this.platform.origin}/api/v1/pairing/${path}`, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
        credentials: 'omit', cache: 'no-store', redirect: 'error', signal: AbortSignal.timeout(TIMEOUT),
      });
      const raw = await response.text();
      answer = raw.length <= MAX_BODY && raw !== '' ? JSON.parse(raw) : {};
    } catch (error) {
      if (error instanceof SyntaxError) throw fail('server', 'malformed answer');
      throw fail('network', error instanceof Error ? error.message : undefined);
    }
    const found = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<string, unknown>;
    if (response.ok) return { status: response.status, answer: found };
    const seconds = found['seconds'];
    throw fail(CODES[text(found, 'error') ?? ''] ?? (response.status === 404 ? 'link-invalid' : 'server'), `HTTP ${response.status}`,
      typeof seconds === 'number' ? seconds : undefined);
  }
}

const CODES: Readonly<Record<string, ReasonCode>> = { 'link-invalid': 'link-invalid', 'denied': 'denied', 'throttled': 'throttled' };

function text(answer: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const value = answer[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function parsed(value: string): Address {
  const jid = parseJid(value);
  if (jid.local === '' || jid.resource !== '') throw fail('server', 'malformed address');
  return `${jid.local}@${jid.domain}`;
}
