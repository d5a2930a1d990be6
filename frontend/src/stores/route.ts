import type { Address } from '../core/api';
import { routeOfUri } from './uri';

export const settingsSections = [
  'profile', 'devices', 'appearance', 'language', 'notifications', 'privacy', 'blocked', 'family', 'app', 'password', 'data', 'about',
] as const;
export type SettingsSection = (typeof settingsSections)[number];

export type Route =
  | { readonly name: 'home' }
  | { readonly name: 'invite'; readonly token: string }
  /** The code that another own device shows. */
  | { readonly name: 'link'; readonly token: string }
  /** Signing in to another account beside those that are here. */
  | { readonly name: 'add-account' }
  | { readonly name: 'chat'; readonly address: Address; readonly details: boolean }
  | { readonly name: 'requests' }
  | { readonly name: 'archived' }
  /** The public groups of the server; a group that a link leads to. */
  | { readonly name: 'groups' }
  /** `key`: what opens a private one. It stands behind the #, so that no server is told it. */
  | { readonly name: 'group'; readonly address: Address; readonly key?: string }
  | { readonly name: 'settings'; readonly section: SettingsSection | undefined };

const decode = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};
// "@" is allowed in a path (RFC 3986, 3.3) and reads better than %40.
const encode = (part: string): string => encodeURIComponent(part).replaceAll('%40', '@');

/** The route of a path, and what is behind a # in it; what is not known is the chat list. */
export function parseRoute(place: string): Route {
  const [path = '', fragment = ''] = place.split('#', 2);
  const [first, second, third] = path.split('/').filter((part) => part !== '').map(decode);
  switch (first) {
    case 'i':
      if (second) return { name: 'invite', token: second };
      break;
    case 'l':
      if (second) return { name: 'link', token: second };
      break;
    case 'add-account':
      return { name: 'add-account' };
    case 'chat':
      if (second) return { name: 'chat', address: second, details: third === 'details' };
      break;
    case 'requests':
      return { name: 'requests' };
    case 'archived':
      return { name: 'archived' };
    case 'groups':
      return { name: 'groups' };
    case 'g':
      if (second) return { name: 'group', address: second, ...(fragment !== '' && { key: decode(fragment) }) };
      break;
    case 'open':
      // What the system hands over: the app is its program for xmpp: links.
      return routeOfUri(second ?? '') ?? { name: 'home' };
    case 'settings':
      return { name: 'settings', section: settingsSections.find((section) => section === second) };
    default:
  }
  return { name: 'home' };
}

export function formatRoute(route: Route): string {
  switch (route.name) {
    case 'home': return '/';
    case 'invite': return `/i/${encode(route.token)}`;
    case 'link': return `/l/${encode(route.token)}`;
    case 'add-account': return '/add-account';
    case 'chat': return `/chat/${encode(route.address)}${route.details ? '/details' : ''}`;
    case 'requests': return '/requests';
    case 'archived': return '/archived';
    case 'groups': return '/groups';
    case 'group': return `/g/${encode(route.address)}${route.key === undefined ? '' : `#${encodeURIComponent(route.key)}`}`;
    case 'settings': return route.section ? `/settings/${route.section}` : '/settings';
  }
}

/** Where "back" leads when there is nothing to go back to. */
export function parentRoute(route: Route): Route {
  if (route.name === 'chat' && route.details) return { ...route, details: false };
  if (route.name === 'settings' && route.section) return { name: 'settings', section: undefined };
  return { name: 'home' };
}
