import { connectCore } from './core/connect';
import { createApp } from './stores/app';
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
  const app = createApp(connectCore(), { router: browserHost(window), storage: storage() });
  mountApp(app, element);
  void app.start();
}

const element = document.getElementById('app');
if (element) start(element);
