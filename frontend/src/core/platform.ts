/** What the core needs of the world around it. The worker gives it the browser's; tests give it their own. */
import type { OmemoEngine } from '../crypto/engine';
import type { Clock } from '../xmpp/clock';
import type { SocketFactory } from '../xmpp/transport';

export interface Platform {
  readonly clock: Clock;
  /** From 0 to below 1, for jitter only. */
  random(): number;
  /** Name under which the databases of this profile lie. */
  readonly storage: string;
  /** Where the page came from: `https://chat.example.org`. */
  readonly origin: string;
  readonly fetch: typeof fetch;
  readonly socket: SocketFactory;
  /** "Firefox on Linux": shown to the own person in the list of devices. */
  readonly deviceName: string;
  /** False when the browser is sure that there is no network. */
  isOnline(): boolean;
  /** Calls back whenever the network comes back. */
  onOnline(listener: () => void): void;
  /** Puts a file on a server by HTTP; gives the status of the answer, rejects with ConnectionError when there is none. */
  put(url: string, headers: Readonly<Record<string, string>>, data: Blob, signal: AbortSignal, onProgress: (done: number) => void): Promise<number>;
  /** Loads what runs an account, which nobody needs who has none; called once there is one, and again after a failure. Rejects with CoreError. */
  loadSession(): Promise<typeof import('./session')>;
  /** Loads the cryptographic core; called once it is needed, and again after a failure. */
  loadCrypto(): Promise<OmemoEngine>;
}
