import { connectCore } from './core/connect';
import { browser } from './pwa/browser';
import { createApp } from './stores/app';
import { launch } from './stores/launch';
import { PreferencesStore } from './stores/preferences';
import { browserHost } from './stores/router';
import { missing } from './stores/support';
import { mountApp, mountUnsupported } from './views/mount';

/** A storage of the browser, or a memory that forgets where storage is forbidden. */
function storage(kind: 'localStorage' | 'sessionStorage'): Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> {
  try {
    return window[kind];
  } catch {
    return { getItem: () => null, setItem: () => undefined, removeItem: () => undefined };
  }
}

function start(element: HTMLElement): void {
  const lack = missing(window);
  if (lack) {
    mountUnsupported(lack, new PreferencesStore(storage('localStorage')), element);
    return;
  }
  const app = createApp(connectCore(), { router: browserHost(window), storage: storage('localStorage'), window: storage('sessionStorage'), browser: browser(window) });
  mountApp(app, element);
  const { pathname, search, hash } = window.location;
  void app.start(pathname + search).then(() => {
    if (search === '') return;
    // A shortcut of the installed app. It is done once, and not again with every reload.
    window.history.replaceState(window.history.state, '', window.location.pathname + window.location.hash);
    return launch(app, pathname + search + hash);
  });
}

const element = document.getElementById('app');
if (element) start(element);
