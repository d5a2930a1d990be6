/** The page's end of the service worker. */
import { isFromServiceWorker, SCRIPT, type ToServiceWorker } from './messages';
import { removeShells } from './shell';

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): URL };
}

/** How long the app has for itself before everything is fetched that it may need without a network. */
const PATIENCE = 3_000;
/** How long it may take until all of it is there. */
const READY = 120_000;

export class Registration {
  private registration: ServiceWorkerRegistration | undefined;
  private readyListener: () => void = () => undefined;
  private goListener: (path: string) => void = () => undefined;
  private wokenListener: () => void = () => undefined;
  /** The new version of which the page was told. */
  private told: ServiceWorker | undefined;
  /** Another window has begun with it. */
  private replaced = false;
  private reloading = false;
  private readonly url = trusted(SCRIPT);

  private constructor(private readonly container: ServiceWorkerContainer) {}

  /** `undefined` where there are no service workers, as in some private windows. */
  static begin(window: Window & typeof globalThis): Registration | undefined {
    if (!('serviceWorker' in window.navigator)) return undefined;
    const registration = new Registration(window.navigator.serviceWorker);
    registration.listen();
    const later = (): void => void setTimeout(() => void registration.look(), PATIENCE);
    if (window.document.readyState === 'complete') later();
    else window.addEventListener('load', later, { once: true });
    return registration;
  }

  /** The service worker that can show notifications. */
  async current(): Promise<ServiceWorkerRegistration | undefined> {
    return this.registration ?? this.container.getRegistration();
  }

  /** The service worker, once it is there; `undefined` if it does not come. */
  async ready(): Promise<ServiceWorkerRegistration | undefined> {
    const late = new Promise<undefined>((resolve) => { setTimeout(resolve, READY); });
    return Promise.race([this.container.ready, late]);
  }

  onReady(listener: () => void): void {
    this.readyListener = listener;
  }

  onWoken(listener: () => void): void {
    this.wokenListener = listener;
  }

  onGo(listener: (path: string) => void): void {
    this.goListener = listener;
  }

  check(): void {
    void this.look();
  }

  apply(): void {
    const waiting = this.registration?.waiting;
    if (this.replaced || !waiting) return this.reload();
    waiting.addEventListener('statechange', () => {
      if (waiting.state === 'activated' || waiting.state === 'redundant') this.reload();
    });
    const message: ToServiceWorker = { kind: 'take-over' };
    waiting.postMessage(message);
  }

  private listen(): void {
    const { container } = this;
    const controlled = container.controller !== null;
    container.addEventListener('controllerchange', () => {
      // What this window needs is kept, so it may go on; but it should not for long.
      if (!controlled) return;
      this.replaced = true;
      if (!this.reloading) this.readyListener();
    });
    container.addEventListener('message', ({ data }) => {
      if (!isFromServiceWorker(data)) return;
      if (data.kind === 'go') this.goListener(data.path);
      else this.wokenListener();
    });
    container.startMessages();
  }

  private async register(): Promise<void> {
    const registration = this.registration = await this.container.register(this.url, { scope: '/', updateViaCache: 'none' });
    registration.addEventListener('updatefound', () => this.follow(registration.installing));
    this.follow(registration.installing);
    this.offer(registration.waiting);
  }

  private follow(worker: ServiceWorker | null): void {
    worker?.addEventListener('statechange', () => {
      if (worker.state === 'installed') this.offer(this.registration?.waiting ?? null);
    });
  }

  /** Tells of a version that waits for the one in use. */
  private offer(worker: ServiceWorker | null): void {
    if (!worker || !this.registration?.active || this.told === worker) return;
    this.told = worker;
    this.readyListener();
  }

  /** Asks the server first: browsers complain aloud of a service worker that they cannot reach, which is nobody's fault. */
  private async look(): Promise<void> {
    if (!navigator.onLine) return;
    const status = await fetch(SCRIPT, { method: 'HEAD', cache: 'no-store' }).then((response) => response.status, () => undefined);
    try {
      if (status === 404 || status === 410) return await this.withdraw();
      if (status !== 200) return;
      if (!this.registration) await this.register();
      await this.registration?.update();
    } catch {
      // Forbidden here, or lost on the way: the app works, it only does not open without a network, or opens as it was.
    }
  }

  /** A server that has no service worker any more does not want this one to go on answering in its place. */
  private async withdraw(): Promise<void> {
    const registration = await this.current();
    this.registration = undefined;
    await registration?.unregister();
    // Also when it was gone already: another window may have been closed in between.
    await removeShells(caches);
  }

  private reload(): void {
    if (this.reloading) return;
    this.reloading = true;
    location.reload();
  }
}

/** The one service worker that this page ever registers (Trusted Types). */
function trusted(url: string): string | URL {
  const factory = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  if (!factory) return url;
  return factory.createPolicy('kith-service-worker', {
    createScriptURL(candidate) {
      if (candidate !== SCRIPT) throw new TypeError('not the service worker of this app');
      return candidate;
    },
  }).createScriptURL(url);
}
