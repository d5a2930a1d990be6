/** Invitations, looked up and accepted over HTTP: there is no account yet to do it with. */
import { parseJid, prepareLocal } from '../xmpp/jid';
import { CoreError, type Address, type InviteInfo, type ReasonCode } from './api';
import { DEFAULT_MIN_PASSWORD, verifierData, verifiersFor } from './passwords';
import type { Platform } from './platform';
import { fail } from './reasons';

const TIMEOUT = 20_000;
const MAX_BODY = 64 << 10;

interface Invite extends InviteInfo {
  readonly iterations: number;
}

export class Invites {
  constructor(private readonly platform: Platform) {}

  async lookup(token: string): Promise<InviteInfo> {
    try {
      const { iterations: _, ...info } = await this.get(token);
      return info;
    } catch (error) {
      if (!(error instanceof CoreError) || error.reason.code !== 'invite-invalid') throw error;
      const { domain, username, minPassword, expires } = await this.resetInfo(token).catch(() => { throw error; });
      return { token, domain, role: 'member', firstAccount: false, expires, minPassword, uri: `xmpp:${username}@${domain}`, reset: username };
    }
  }

  /** Sets a new password; gives whose it is. Rejects with CoreError. */
  async reset(token: string, password: string): Promise<Address> {
    const { domain, username, minPassword, iterations } = await this.resetInfo(token);
    const verifiers = await verifiersFor(password, minPassword, iterations);
    await this.call(`${this.path(token)}/password`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ verifiers: verifiers.map(verifierData) }),
    });
    return parseAddress(`${username}@${domain}`);
  }

  private async resetInfo(token: string): Promise<{ domain: string; username: string; minPassword: number; iterations: number; expires: number }> {
    const answer = await this.call(`${this.path(token)}/password`, {});
    const domain = text(answer, 'domain'), username = text(answer, 'username');
    if (domain === undefined || username === undefined) throw fail('server', 'malformed answer');
    return {
      domain, username, minPassword: number(answer, 'minPassword') ?? DEFAULT_MIN_PASSWORD, iterations: number(answer, 'iterations') ?? 0,
      expires: number(answer, 'expires') ?? Number.MAX_SAFE_INTEGER,
    };
  }

  /** Creates the account; gives its address. Rejects with CoreError. */
  async accept(token: string, name: string, password: string, displayName: string): Promise<Address> {
    let username: string;
    try {
      username = prepareLocal(name.trim());
    } catch (error) {
      throw fail('name-invalid', error instanceof Error ? error.message : undefined);
    }
    const invite = await this.get(token);
    const verifiers = await verifiersFor(password, invite.minPassword, invite.iterations);
    const answer = await this.call(`${this.path(token)}/account`, {
      method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username, displayName: displayName.trim(), verifiers: verifiers.map(verifierData) }),
    });
    return parseAddress(text(answer, 'address') ?? `${username}@${invite.domain}`);
  }

  private async get(token: string): Promise<Invite> {
    if (!/^[\w.~-]{1,256}$/.test(token)) throw fail('invite-invalid', 'malformed');
    const answer = await this.call(this.path(token), {});
    const domain = text(answer, 'domain');
    const role = text(answer, 'role');
    if (domain === undefined || (role !== 'admin' && role !== 'member' && role !== 'limited')) throw fail('server', 'malformed answer');
    const inviter = text(answer, 'inviter'), inviterName = text(answer, 'inviterName');
    return {
      token, domain, role,
      firstAccount: answer['firstAccount'] === true,
      expires: number(answer, 'expires') ?? Number.MAX_SAFE_INTEGER,
      minPassword: number(answer, 'minPassword') ?? DEFAULT_MIN_PASSWORD,
      iterations: number(answer, 'iterations') ?? 0,
      uri: text(answer, 'uri') ?? inviteUri(domain, token, inviter),
      ...(inviter !== undefined && { inviter: parseAddress(inviter) }),
      ...(inviterName !== undefined && { inviterName }),
    };
  }

  private path(token: string): string {
    return `${this.platform.origin}/api/v1/invites/${encodeURIComponent(token)}`;
  }

  private async call(url: string, init: RequestInit): Promise<Record<string, unknown>> {
    let response: Response;
    let body: unknown;
    try {
      response = await this.platform.fetch(url, {
        ...init, credentials: 'omit', cache: 'no-store', redirect: 'error', signal: AbortSignal.timeout(TIMEOUT),
      });
      const raw = await response.text();
      body = raw.length <= MAX_BODY && raw !== '' ? JSON.parse(raw) : {};
    } catch (error) {
      if (error instanceof SyntaxError) throw fail('server', 'malformed answer');
      throw fail('network', error instanceof Error ? error.message : undefined);
    }
    const answer = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
    if (response.ok) return answer;
    const code = text(answer, 'error');
    throw fail(CODES[code ?? ''] ?? (response.status === 404 ? 'invite-invalid' : response.status === 429 ? 'throttled' : 'server'),
      `HTTP ${response.status}`, number(answer, 'seconds'));
  }
}

const CODES: Readonly<Record<string, ReasonCode>> = {
  'invite-invalid': 'invite-invalid', conflict: 'conflict', 'name-invalid': 'name-invalid', policy: 'policy', throttled: 'throttled',
  'password-weak': 'password-weak',
};

/** XEP-0379 with an inviter, XEP-0445 without. */
function inviteUri(domain: string, token: string, inviter: string | undefined): string {
  return inviter === undefined ? `xmpp:${domain}?register;preauth=${token}` : `xmpp:${inviter}?roster;preauth=${token};ibr=y`;
}

function parseAddress(value: string): Address {
  const jid = parseJid(value);
  if (jid.local === '' || jid.resource !== '') throw fail('server', 'malformed address');
  return `${jid.local}@${jid.domain}`;
}

function text(answer: Record<string, unknown>, key: string): string | undefined {
  const value = answer[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function number(answer: Record<string, unknown>, key: string): number | undefined {
  const value = answer[key];
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}
