/** The browser, as the core needs it. */
import type { Platform } from '../core/platform';
import { systemClock } from '../xmpp/clock';
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
    loadCrypto: async () => (await import('../crypto/wasm')).loadOmemo(),
  };
}

/** Browser and system in two words; more would tell nobody anything and servers too much. */
export function deviceName(userAgent: string): string {
  const find = (table: readonly (readonly [RegExp, string])[], otherwise: string): string =>
    table.find(([pattern]) => pattern.test(userAgent))?.[1] ?? otherwise;
  const browser = find([[/Edg\//, 'Edge'], [/OPR\//, 'Opera'], [/Firefox\//, 'Firefox'], [/(?:Chrome|CriOS)\//, 'Chrome'], [/Safari\//, 'Safari']], 'Browser');
  const system = find([[/Android/, 'Android'], [/iPhone/, 'iPhone'], [/iPad/, 'iPad'], [/Windows/, 'Windows'], [/Mac OS X/, 'Mac'], [/CrOS/, 'ChromeOS'], [/Linux/, 'Linux']], '');
  return system === '' ? browser : `${browser} on ${system}`;
}
