import { describe, expect, it } from 'vitest';
import { BrowserInstall } from './install';

/** A window as far as it is looked at. */
function windowOf({ standalone, displayed = false }: { standalone?: boolean; displayed?: boolean } = {}): { window: Window; list: EventTarget & { matches: boolean } } {
  const list = Object.assign(new EventTarget(), { matches: displayed });
  const window = Object.assign(new EventTarget(), { navigator: standalone === undefined ? {} : { standalone }, matchMedia: () => list });
  return { window: window as unknown as Window, list };
}

describe('installing the app', () => {
  it('is offered when the browser would ask, and asked once', async () => {
    const { window } = windowOf();
    const install = new BrowserInstall(window);
    let changes = 0, asked = 0;
    install.onChange(() => { changes++; });
    expect(install.state()).toBe('no');
    const event = Object.assign(new Event('beforeinstallprompt', { cancelable: true }), { prompt: async () => { asked++; } });
    window.dispatchEvent(event);
    expect(event.defaultPrevented).toBe(true);
    expect([install.state(), changes]).toEqual(['offered', 1]);
    await install.prompt();
    await install.prompt();
    expect([asked, install.state()]).toEqual([1, 'no']);
    window.dispatchEvent(new Event('appinstalled'));
    expect(install.state()).toBe('installed');
  });

  it('is told by hand on iOS, and not in the app that was installed so', () => {
    expect(new BrowserInstall(windowOf({ standalone: false }).window).state()).toBe('by-hand');
    expect(new BrowserInstall(windowOf({ standalone: true }).window).state()).toBe('installed');
  });

  it('is done where the page runs in a window of its own', () => {
    const { window, list } = windowOf({ displayed: true });
    const install = new BrowserInstall(window);
    expect(install.state()).toBe('installed');
    let changes = 0;
    install.onChange(() => { changes++; });
    list.matches = false;
    list.dispatchEvent(new Event('change'));
    expect([install.state(), changes]).toEqual(['no', 1]);
  });
});
