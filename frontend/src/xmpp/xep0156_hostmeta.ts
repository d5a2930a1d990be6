/** XEP-0156: finding the WebSocket of a domain through its host-meta document (RFC 6415). */

const REL = 'urn:xmpp:alt-connections:websocket';
const MAX_BYTES = 64 << 10;

/** The `wss:` URLs that the domain announces, in its order; empty when it announces none. Rejects on network errors. */
export async function discoverWebSockets(domain: string, fetcher: typeof fetch, signal?: AbortSignal): Promise<string[]> {
  const response = await fetcher(`https://${domain}/.well-known/host-meta.json`, {
    credentials: 'omit', referrerPolicy: 'no-referrer', redirect: 'error', ...(signal && { signal }),
  });
  if (!response.ok) return [];
  const text = await response.text();
  if (text.length > MAX_BYTES) return [];
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return [];
  }
  const links: unknown = (document as { links?: unknown } | null)?.links;
  if (!Array.isArray(links)) return [];
  return (links as { rel?: unknown; href?: unknown }[])
    .filter((link) => link?.rel === REL && typeof link.href === 'string' && isSecure(link.href))
    .map((link) => link.href as string);
}

function isSecure(href: string): boolean {
  try {
    return new URL(href).protocol === 'wss:';
  } catch {
    return false;
  }
}
