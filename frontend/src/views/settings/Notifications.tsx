import { createSignal, type JSX, Show } from 'solid-js';
import { read } from '../adapter';
import { useView } from '../context';
import { Switch } from '../parts/Switch';
import { InstallOffer } from '../device/InstallOffer';

/** Asked for only when it is switched on, never by itself. */
export function Notifications(): JSX.Element {
  const { app, t } = useView();
  const preferences = read(app.preferences);
  const install = read(app.install);
  const wakeups = read(app.wakeups);
  const supported = 'Notification' in window;
  const [permission, setPermission] = createSignal(supported ? Notification.permission : 'denied');
  const on = (): boolean => preferences().notifications && permission() === 'granted';
  const change = async (wanted: boolean): Promise<void> => {
    if (wanted) setPermission(await Notification.requestPermission());
    app.preferences.change({ notifications: wanted && permission() === 'granted' });
  };
  return (
    <>
      <div class="card">
        <Switch label={t().settings.notifications.enable} hint={wakeups() === 'on' ? t().device.wakeups.on : t().settings.notifications.enableHint} on={on()} disabled={!supported || permission() === 'denied'} onChange={(wanted) => void change(wanted)} />
        <Switch
          label={t().settings.notifications.text} hint={t().settings.notifications.textHint} on={preferences().notificationText} disabled={!on()}
          onChange={(notificationText) => app.preferences.change({ notificationText })}
        />
      </div>
      <Show when={!supported || permission() === 'denied'}>
        <p class="quiet">{supported ? t().settings.notifications.denied : t().settings.notifications.unsupported}</p>
      </Show>
      <Show when={!supported && install() === 'by-hand'}><InstallOffer /></Show>
    </>
  );
}
