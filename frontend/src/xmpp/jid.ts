/** Addresses (RFC 7622), in the form in which they are compared. */

export interface Jid {
  readonly local: string;
  readonly domain: string;
  readonly resource: string;
}

export class JidError extends Error {
  constructor(detail: string) {
    super(`address: ${detail}`);
    this.name = 'JidError';
  }
}

const MAX_PART = 1023;
// RFC 7622 section 3.3.1, and what the PRECIS IdentifierClass never allows: spaces, controls, symbols without letters.
const LOCAL_FORBIDDEN = /["&'/:<>@]|[\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}]/u;
const DOMAIN = /^(?:[\p{L}\p{M}\p{N}](?:[\p{L}\p{M}\p{N}_-]*[\p{L}\p{M}\p{N}])?\.)*[\p{L}\p{M}\p{N}](?:[\p{L}\p{M}\p{N}_-]*[\p{L}\p{M}\p{N}])?$/u;
const IPV6 = /^\[[0-9a-f:.]+\]$/;
const encoder = new TextEncoder();

function bounded(part: string, name: string): string {
  if (part === '') throw new JidError(`empty ${name}`);
  if (encoder.encode(part).length > MAX_PART) throw new JidError(`${name} too long`);
  return part;
}

/** Parses and normalises; throws JidError. */
export function parseJid(text: string): Jid {
  const slash = text.indexOf('/');
  const bare = slash < 0 ? text : text.slice(0, slash);
  const at = bare.indexOf('@');
  const domain = bounded((at < 0 ? bare : bare.slice(at + 1)).normalize('NFC').toLowerCase().replace(/\.$/, ''), 'domain');
  if (!DOMAIN.test(domain) && !IPV6.test(domain)) throw new JidError('malformed domain');
  return {
    local: at < 0 ? '' : prepareLocal(bare.slice(0, at)),
    domain,
    resource: slash < 0 ? '' : bounded(text.slice(slash + 1).normalize('NFC'), 'resource'),
  };
}

/** The part before the @ in its compared form (an approximation of UsernameCaseMapped, RFC 8265 section 3.3). */
export function prepareLocal(text: string): string {
  const local = bounded(text.normalize('NFKC').toLowerCase().normalize('NFC'), 'name');
  if (LOCAL_FORBIDDEN.test(local)) throw new JidError('character not allowed in the name');
  return local;
}

export function formatJid(jid: Jid): string {
  return (jid.local === '' ? '' : jid.local + '@') + jid.domain + (jid.resource === '' ? '' : '/' + jid.resource);
}

/** Bare addresses that are in their compared form as they stand: most are, and every message has several. */
const PREPARED = /^[a-z0-9._-]{1,200}@[a-z0-9]+(?:[.-][a-z0-9]+)*$/;

/** The bare form of an address that came from a server, or undefined when it is not one. */
export function bareOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const slash = text.indexOf('/');
  const bare = slash < 0 ? text : text.slice(0, slash);
  // Of a short resource nothing can be wrong but that it is not there.
  if (bare.length < 400 && slash !== text.length - 1 && text.length - bare.length < 100 && PREPARED.test(bare)) return bare;
  try {
    return formatJid({ ...parseJid(text), resource: '' });
  } catch {
    return undefined;
  }
}

/** The full form, normalised, or undefined. */
export function fullOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    return formatJid(parseJid(text));
  } catch {
    return undefined;
  }
}

export function domainOf(address: string): string {
  return parseJid(address).domain;
}

export function localOf(address: string): string {
  return parseJid(address).local;
}
