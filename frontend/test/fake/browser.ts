import { bareBrowser, type BrowserHost } from '../../src/stores/browser';
import type { InstallState } from '../../src/stores/install';

/** A browser in a situation, by the name in `?device=`: an install state, or `update`. */
export function fakeBrowser(situation: string | null): BrowserHost {
  const states: Readonly<Record<string, InstallState>> = { 'offered': 'offered', 'by-hand': 'by-hand', 'installed': 'installed' };
  const install = states[situation ?? ''] ?? 'no';
  let persisted = install === 'installed';
  return {
    ...bareBrowser,
    updates: { ...bareBrowser.updates, onReady: (listener) => { if (situation === 'update') setTimeout(listener); } },
    install: { ...bareBrowser.install, state: () => install },
    storage: {
      persisted: () => Promise.resolve(persisted),
      persist: () => Promise.resolve(persisted = true),
      usage: () => Promise.resolve(23_456_789),
    },
  };
}
