import type { Route } from './route';

/** Where an `xmpp:` link leads (RFC 5122, XEP-0147, XEP-0379, XEP-0401); undefined: nowhere in this app. */
export function routeOfUri(text: string): Route | undefined {
  const parts = /^xmpp:(?:\/\/[^/]*\/)?([^?#]*)(?:\?([^#]*))?/i.exec(text.trim());
  if (!parts) return undefined;
  const address = decoded(parts[1] ?? '').replace(/\/.*$/s, '').toLowerCase();
  const [action = '', ...pairs] = (parts[2] ?? '').split(';');
  const value = (name: string): string | undefined => pairs.map((pair) => pair.split('=')).find(([key]) => key === name)?.[1];
  const token = value('preauth');
  if ((action === 'register' || action === 'roster') && token !== undefined && token !== '') return { name: 'invite', token: decoded(token) };
  if (!/^[^\s@]+@[^\s@]+$/.test(address)) return undefined;
  const password = value('password') ?? '';
  return action === 'join' ? { name: 'group', address, ...(password !== '' && { key: decoded(password) }) } : { name: 'chat', address, details: false };
}

/** The link with which other apps enter a private group (XEP-0045 section 17.3). */
export function formatUri(group: string, key: string): string {
  return `xmpp:${encodeURIComponent(group).replaceAll('%40', '@')}?join;password=${encodeURIComponent(key)}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
