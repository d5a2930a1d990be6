import type { Route } from './route';

/** Where an `xmpp:` link leads (RFC 5122, XEP-0147, XEP-0379, XEP-0401); undefined: nowhere in this app. */
export function routeOfUri(text: string): Route | undefined {
  const parts = /^xmpp:(?:\/\/[^/]*\/)?([^?#]*)(?:\?([^#]*))?/i.exec(text.trim());
  if (!parts) return undefined;
  const address = decoded(parts[1] ?? '').replace(/\/.*$/s, '').toLowerCase();
  const [action = '', ...pairs] = (parts[2] ?? '').split(';');
  const token = pairs.map((pair) => pair.split('=')).find(([name]) => name === 'preauth')?.[1];
  if ((action === 'register' || action === 'roster') && token !== undefined && token !== '') return { name: 'invite', token: decoded(token) };
  if (!/^[^\s@]+@[^\s@]+$/.test(address)) return undefined;
  return action === 'join' ? { name: 'group', address } : { name: 'chat', address, details: false };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
