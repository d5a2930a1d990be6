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
  const route = url.origin === origin ? parseRoute(url.pathname) : undefined;
  return route?.name === 'group' || route?.name === 'invite' || route?.name === 'chat' ? route : undefined;
}
