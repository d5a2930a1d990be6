import { createApp } from '../../src/stores/app';
import type { RouterHost } from '../../src/stores/router';
import { mountApp, mountUnsupported } from '../../src/views/mount';
import { fakeBrowser } from './browser';
import { FakeCore } from './core';
import { othersOf, scenes, worldOf } from './scenes';

// /gallery.html?scene=family&route=/chat/lena@linden.example: the views on a core in memory, for looking and for tests.

const here = (): URLSearchParams => new URLSearchParams(location.search);
const to = (path: string): string => {
  const next = here();
  next.set('route', path);
  return `?${next}`;
};
const router: RouterHost = {
  path: () => here().get('route') ?? '/',
  depth: () => (history.state as { depth?: number } | null)?.depth ?? 0,
  owner: () => (history.state as { owner?: string } | null)?.owner,
  push: (path, depth, owner) => history.pushState({ depth, owner }, '', to(path)),
  replace: (path, depth, owner) => history.replaceState({ depth, owner }, '', to(path)),
  back: () => history.back(),
  onPop: (listener) => window.addEventListener('popstate', listener),
};

const name = here().get('scene') ?? 'family';
const world = worldOf(name);
world.latency = Number(here().get('latency') ?? 0);
const core = new FakeCore(world, ...othersOf(name));
const app = createApp(core, { router, storage: localStorage, browser: fakeBrowser(here().get('device')) });
const root = document.getElementById('app');
if (!root) throw new Error('gallery: no place to show the app');
const missing = here().get('missing');
if (missing === 'insecure' || missing === 'features') mountUnsupported(missing, app.preferences, root);
else {
  mountApp(app, root);
  await app.start();
}
scenes[name]?.after?.(core);
Object.assign(window, { kith: { core, app } });
