import { parseRoute, type Route } from './route';
import { routeOfUri } from './uri';

/** Where a link leads that somebody typed or pasted: an `xmpp:` link, or one into this app. */
export function routeOfLink(text: string, origin: string): Route | undefined {
  if (/^xmpp:/i.test(text.trim())) return routeOfUri(text);
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    return undefined;
  }
  const route = parseRoute(url.pathname + url.hash);
  // A link into a private group is good for people of other servers, too.
  if (url.origin !== origin) return url.protocol === 'https:' && route.name === 'group' && route.key !== undefined && route.address.includes('@') ? route : undefined;
  return route.name === 'group' || route.name === 'invite' || route.name === 'chat' ? route : undefined;
}
