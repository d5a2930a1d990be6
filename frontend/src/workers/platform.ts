/** The browser, as the core needs it. */
import type { Platform } from '../core/platform';
import { fail } from '../core/reasons';
import { systemClock } from '../xmpp/clock';
import { ConnectionError } from '../xmpp/errors';
import type { Socket } from '../xmpp/transport';

export function browserPlatform(): Platform {
  return {
    clock: systemClock,
    random: () => Math.random(),
    storage: 'kith',
    origin: self.location.origin,
    fetch: (input, init) => fetch(input, init),
    socket: (url, protocol) => new WebSocket(url, protocol) as Socket,
    deviceName: deviceName(navigator.userAgent),
    isOnline: () => navigator.onLine,
    onOnline: (listener) => self.addEventListener('online', listener),
    put,
    loadSession: () => part(() => import('../core/session')),
    loadCrypto: async () => (await part(() => import('../crypto/wasm'))).loadOmemo(),
  };
}

/**
 * A part of the program, fetched when it is needed. Rejects with CoreError: `network`, or `internal` where the server
 * answers and has no such part: it has another version of the app, which comes with the page.
 */
async function part<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch {
    if (!await reachable()) throw fail('network', 'a part of the app could not be fetched');
  }
  // It may have been a moment ago.
  return load().catch((error: unknown) => { throw fail('internal', `a part of the app is missing: ${String(error)}`); });
}

async function reachable(): Promise<boolean> {
  return fetch('/healthz', { credentials: 'omit', cache: 'no-store', signal: AbortSignal.timeout(5_000) }).then(({ ok }) => ok, () => false);
}

/** XMLHttpRequest tells how far it is; fetch does not. */
function put(url: string, headers: Readonly<Record<string, string>>, data: Blob, signal: AbortSignal, onProgress: (done: number) => void): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('PUT', url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.upload.onprogress = (event) => onProgress(event.loaded);
    request.onload = () => resolve(request.status);
    request.onerror = () => reject(new ConnectionError('upload failed'));
    request.onabort = () => reject(new ConnectionError('upload cancelled'));
    signal.addEventListener('abort', () => request.abort());
    if (signal.aborted) reject(new ConnectionError('upload cancelled'));
    else request.send(data);
  });
}

/** Browser and system in two words; more would tell nobody anything and servers too much. */
export function deviceName(userAgent: string): string {
  const find = (table: readonly (readonly [RegExp, string])[], otherwise: string): string =>
    table.find(([pattern]) => pattern.test(userAgent))?.[1] ?? otherwise;
  const browser = find([[/Edg\//, 'Edge'], [/OPR\//, 'Opera'], [/Firefox\//, 'Firefox'], [/(?:Chrome|CriOS)\//, 'Chrome'], [/Safari\//, 'Safari']], 'Browser');
  const system = find([[/Android/, 'Android'], [/iPhone/, 'iPhone'], [/iPad/, 'iPad'], [/Windows/, 'Windows'], [/Mac OS X/, 'Mac'], [/CrOS/, 'ChromeOS'], [/Linux/, 'Linux']], '');
  return system === '' ? browser : `${browser} on ${system}`;
}
