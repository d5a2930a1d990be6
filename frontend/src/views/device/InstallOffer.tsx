import { Download, MonitorSmartphone, Share } from 'lucide';
import { createSignal, type JSX, Match, Switch } from 'solid-js';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Icon } from '../parts/Icon';
import './device.css';

/** The way to have Kith among the apps of the device; what to do where the browser leaves it to the person. */
export function InstallOffer(): JSX.Element {
  const { app, t } = useView();
  const state = read(app.install);
  const [busy, setBusy] = createSignal(false);
  const install = async (): Promise<void> => {
    setBusy(true);
    await app.attempt(() => app.install.prompt());
    setBusy(false);
  };
  return (
    <Switch fallback={<p class="quiet">{t().device.install.no}</p>}>
      <Match when={state() === 'installed'}>
        <p class="install-line"><Icon of={MonitorSmartphone} /><span>{t().device.install.done}</span></p>
      </Match>
      <Match when={state() === 'offered'}>
        <p class="quiet">{t().device.install.text}</p>
        <Button icon={Download} busy={busy()} onClick={() => void install()}>{t().device.install.action}</Button>
      </Match>
      <Match when={state() === 'by-hand'}>
        <p class="quiet">{t().device.install.text}</p>
        <ol class="card install-steps">
          <li><span>{t().device.install.iosShare}</span><Icon of={Share} /></li>
          <li><span>{t().device.install.iosAdd}</span></li>
          <li><span>{t().device.install.iosOpen}</span></li>
        </ol>
        <p class="quiet">{t().device.install.iosWhy}</p>
      </Match>
    </Switch>
  );
}
