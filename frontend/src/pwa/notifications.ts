/** Notifications through the service worker, the only way on phones; without one, through the page. */
import type { AppNotification, NotificationHost } from '../stores/notifications';
import { BADGE, ICON, type NotificationData, type ToServiceWorker, WOKEN } from './messages';
import type { Registration } from './registration';

const LOCK = 'kith-notification';
/** Several windows are told of the same message at nearly the same time. */
const SAME = 3_000;

/** What the types of the browser leave out (Notifications API section 2). */
interface Options extends NotificationOptions {
  readonly renotify: boolean;
}

export class Notifications implements NotificationHost {
  private readonly shown = new Map<string, Notification>();

  constructor(private readonly registration: Registration | undefined, private readonly go: (path: string) => void) {}

  words(title: string, body: string): void {
    const message: ToServiceWorker = { kind: 'words', title, body };
    void this.registration?.ready().then((registration) => registration?.active?.postMessage(message));
  }

  looked(): void {
    this.close(WOKEN);
  }

  show(notification: AppNotification): void {
    if (!('Notification' in globalThis) || Notification.permission !== 'granted') return;
    // One window after another, so that the second sees what the first has shown.
    void navigator.locks.request(LOCK, () => this.put(notification)).catch(() => undefined);
  }

  close(tag: string): void {
    this.shown.get(tag)?.close();
    this.shown.delete(tag);
    void this.registration?.current()
      .then((registration) => registration?.getNotifications({ tag }))
      .then((list) => list?.forEach((one) => one.close()), () => undefined);
  }

  private async put({ tag, title, body, path }: AppNotification): Promise<void> {
    const data: NotificationData = { path, at: Date.now() };
    const options: Options = { tag, body, icon: ICON, badge: BADGE, data, renotify: true };
    const registration = await this.registration?.current();
    if (!registration?.active) return this.fromPage(title, options, path);
    const present = await registration.getNotifications({ tag });
    if (present.some((one) => one.body === body && one.title === title && data.at - (one.data as NotificationData).at < SAME)) return;
    await registration.showNotification(title, options);
    // Now it is said what there is.
    this.close(WOKEN);
  }

  private fromPage(title: string, options: Options, path: string): void {
    const notification = new Notification(title, options);
    this.shown.set(options.tag ?? '', notification);
    notification.onclick = () => {
      window.focus();
      notification.close();
      this.go(path);
    };
  }
}
