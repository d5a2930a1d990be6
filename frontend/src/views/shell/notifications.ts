import { type Accessor, createEffect, onCleanup } from 'solid-js';
import type { Catalogue } from '../../i18n/en';
import type { App } from '../../stores/app';
import { accountName } from '../../stores/accounts';
import { tagOf } from '../../stores/notifications';
import { formatRoute } from '../../stores/route';

/** Shows what the core wants to be shown, as far as the person and the browser allow it. */
export function notifications(app: App, t: Accessor<Catalogue>, looking: Accessor<boolean>): void {
  app.onNotify = ({ account, chat, title, text, location }) => {
    const { notifications: wanted, notificationText } = app.preferences.get();
    if (!wanted) return;
    const accounts = app.accounts.get();
    const shown = notificationText ? title : t().app;
    app.notifications.show({
      tag: tagOf(account, chat),
      path: `${formatRoute({ name: 'chat', address: chat, details: false })}?${new URLSearchParams({ account })}`,
      title: accounts.length > 1 ? `${shown} · ${accountName(accounts, account)}` : shown, body: notificationText ? location ? `${text} ${t().location.kind}` : text : t().notification.hidden,
    });
  };
  createEffect(() => app.notifications.words(t().app, t().notification.hidden));
  createEffect(() => { if (looking()) app.notifications.looked(); });
  onCleanup(() => { app.onNotify = () => undefined; });
}
