/** The real browser, as the stores ask for it. */
import type { BrowserHost } from '../stores/browser';
import type { StorageHost } from '../stores/persistence';
import { bareBrowser } from '../stores/browser';
import { BrowserInstall } from './install';
import { Notifications } from './notifications';
import { Push } from './push';
import { Registration } from './registration';

/** Installed apps that are opened once more, with where they should go (Launch Handler API). */
interface LaunchQueue {
  setConsumer(consumer: (params: { readonly targetURL?: string }) => void): void;
}

export function browser(window: Window & typeof globalThis): BrowserHost {
  // A server that builds on every request has nothing that could be kept.
  const registration = import.meta.env.PROD ? Registration.begin(window) : undefined;
  let go: (path: string) => void = () => undefined;
  registration?.onGo((path) => go(path));
  (window as { launchQueue?: LaunchQueue }).launchQueue?.setConsumer(({ targetURL }) => {
    if (targetURL !== undefined && targetURL !== window.location.href) go(targetURL.slice(window.location.origin.length));
  });
  return {
    updates: registration ?? bareBrowser.updates,
    install: new BrowserInstall(window),
    storage: storage(window.navigator),
    notifications: new Notifications(registration, (path) => go(path)),
    wakeups: new Push(registration),
    badge: (count) => badge(window.navigator, count),
    onGo: (listener) => { go = listener; },
    onWoken: (listener) => registration?.onWoken(listener),
  };
}

function storage({ storage: manager }: { storage: Partial<StorageManager> | undefined }): StorageHost {
  return {
    persisted: async () => manager?.persisted?.().catch(() => undefined),
    persist: async () => await manager?.persist?.().catch(() => false) ?? false,
    usage: async () => (await manager?.estimate?.().catch(() => undefined))?.usage,
  };
}

function badge(navigator: { setAppBadge?(count: number): Promise<void>; clearAppBadge?(): Promise<void> }, count: number): void {
  // Only apps that are installed have one.
  void (count > 0 ? navigator.setAppBadge?.(count) : navigator.clearAppBadge?.())?.catch(() => undefined);
}
