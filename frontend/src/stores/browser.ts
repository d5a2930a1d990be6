/** The browser around the app, as far as the app asks it for something. Each part may be missing. */
import type { InstallHost } from './install';
import type { NotificationHost } from './notifications';
import type { StorageHost } from './persistence';
import type { UpdateHost } from './updates';
import type { WakeupHost } from './wakeups';

export interface BrowserHost {
  readonly updates: UpdateHost;
  readonly install: InstallHost;
  readonly storage: StorageHost;
  readonly notifications: NotificationHost;
  readonly wakeups: WakeupHost;
  /** Shows a number at the icon of the installed app; none for 0. */
  badge(count: number): void;
  /** The person was led here from outside the page, such as by a notification. */
  onGo(listener: (path: string) => void): void;
  /** The server has woken this browser: there is something, and no connection by which it came. */
  onWoken(listener: () => void): void;
}

/** A browser that can do none of it. */
export const bareBrowser: BrowserHost = {
  updates: { onReady: () => undefined, check: () => undefined, apply: () => undefined },
  install: { state: () => 'no', onChange: () => undefined, prompt: () => Promise.resolve() },
  storage: { persisted: () => Promise.resolve(undefined), persist: () => Promise.resolve(false), usage: () => Promise.resolve(undefined) },
  notifications: { show: () => undefined, close: () => undefined, words: () => undefined, looked: () => undefined },
  wakeups: { subscribe: () => Promise.resolve(undefined), unsubscribe: () => Promise.resolve() },
  badge: () => undefined,
  onGo: () => undefined,
  onWoken: () => undefined,
};
