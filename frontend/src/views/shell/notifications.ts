import { type Accessor, createEffect, onCleanup } from 'solid-js';
import type { Catalogue } from '../../i18n/en';
import type { App } from '../../stores/app';
import { formatRoute } from '../../stores/route';

/** Shows what the core wants to be shown, as far as the person and the browser allow it. */
export function notifications(app: App, t: Accessor<Catalogue>, looking: Accessor<boolean>): void {
  app.onNotify = ({ chat, title, text }) => {
    const { notifications: wanted, notificationText } = app.preferences.get();
    if (!wanted) return;
    app.notifications.show({
      tag: chat, path: formatRoute({ name: 'chat', address: chat, details: false }),
      title: notificationText ? title : t().app, body: notificationText ? text : t().notification.hidden,
    });
  };
  createEffect(() => app.notifications.words(t().app, t().notification.hidden));
  createEffect(() => { if (looking()) app.notifications.looked(); });
  onCleanup(() => { app.onNotify = () => undefined; });
}
