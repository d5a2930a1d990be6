import { connectCore } from './core/connect';
import { browser } from './pwa/browser';
import { createApp } from './stores/app';
import { launch } from './stores/launch';
import { PreferencesStore } from './stores/preferences';
import { browserHost } from './stores/router';
import { missing } from './stores/support';
import { mountApp, mountUnsupported } from './views/mount';

/** The browser's storage, or a memory that forgets where storage is forbidden. */
function storage(): Pick<Storage, 'getItem' | 'setItem'> {
  try {
    return window.localStorage;
  } catch {
    return { getItem: () => null, setItem: () => undefined };
  }
}

function start(element: HTMLElement): void {
  const lack = missing(window);
  if (lack) {
    mountUnsupported(lack, new PreferencesStore(storage()), element);
    return;
  }
  const app = createApp(connectCore(), { router: browserHost(window), storage: storage(), browser: browser(window) });
  mountApp(app, element);
  const { pathname, search } = window.location;
  void app.start().then(() => {
    if (search === '') return;
    // A shortcut of the installed app. It is done once, and not again with every reload.
    window.history.replaceState(window.history.state, '', window.location.pathname);
    launch(app, pathname + search);
  });
}

const element = document.getElementById('app');
if (element) start(element);
