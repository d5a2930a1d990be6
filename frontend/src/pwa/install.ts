/** Putting the app among the apps of the device. */
import type { InstallHost, InstallState } from '../stores/install';

/** The browser would ask; of Chromium and those made of it. */
interface InstallEvent extends Event {
  prompt(): Promise<unknown>;
}

export class BrowserInstall implements InstallHost {
  private offer: InstallEvent | undefined;
  private done = false;
  private listener: () => void = () => undefined;
  private readonly standalone: MediaQueryList;

  constructor(private readonly window: Window) {
    this.standalone = window.matchMedia('(display-mode: standalone)');
    this.standalone.addEventListener('change', () => this.listener());
    window.addEventListener('beforeinstallprompt', (event) => {
      // Asked when the person wants it, and not when the browser thinks so.
      event.preventDefault();
      this.offer = event as InstallEvent;
      this.listener();
    });
    window.addEventListener('appinstalled', () => {
      this.offer = undefined;
      this.done = true;
      this.listener();
    });
  }

  state(): InstallState {
    // Only Safari on iOS has this word, and it is false in the browser.
    const { standalone } = this.window.navigator as { standalone?: boolean };
    if (this.done || this.standalone.matches || standalone === true) return 'installed';
    if (this.offer) return 'offered';
    return standalone === false ? 'by-hand' : 'no';
  }

  onChange(listener: () => void): void {
    this.listener = listener;
  }

  async prompt(): Promise<void> {
    const { offer } = this;
    // It is good for once; a browser that may ask again says so again.
    this.offer = undefined;
    await offer?.prompt();
    this.listener();
  }
}
