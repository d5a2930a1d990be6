import { type Accessor, onCleanup } from 'solid-js';
import type { Catalogue } from '../../i18n/en';
import type { App } from '../../stores/app';

/** Shows what the core wants to be shown, as far as the person and the browser allow it. */
export function notifications(app: App, t: Accessor<Catalogue>): void {
  app.onNotify = ({ chat, title, text }) => {
    const { notifications: wanted, notificationText } = app.preferences.get();
    if (!wanted || !('Notification' in window) || Notification.permission !== 'granted') return;
    try {
      const shown = new Notification(notificationText ? title : t().app, {
        body: notificationText ? text : t().notification.hidden, tag: chat, icon: '/icon-192.png',
      });
      shown.onclick = () => {
        window.focus();
        shown.close();
        app.router.go({ name: 'chat', address: chat, details: false });
      };
    } catch {
      // Some mobile browsers only allow notifications from a service worker.
    }
  };
  onCleanup(() => { app.onNotify = () => undefined; });
}
