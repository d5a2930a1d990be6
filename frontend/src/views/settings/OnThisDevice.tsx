import { type JSX, onMount, Show } from 'solid-js';
import { read } from '../adapter';
import { useView } from '../context';
import { InstallOffer } from '../device/InstallOffer';
import { Button } from '../parts/Button';

/** The app on this device: installed or not, what it stores and how safe that is. */
export function OnThisDevice(): JSX.Element {
  const { app, t, formats } = useView();
  const stored = read(app.persistence);
  onMount(() => void app.persistence.refresh());
  return (
    <>
      <section class="section">
        <h2>{t().device.install.title}</h2>
        <InstallOffer />
      </section>
      <section class="section">
        <h2>{t().device.storage.title}</h2>
        <p class="quiet">{t().device.storage.text}</p>
        <Show when={stored().usage !== undefined && stored()}>
          {(it) => <p>{t().device.storage.used(formats().bytes(it().usage ?? 0))}</p>}
        </Show>
        <Show when={stored().persisted === true}><p>{t().device.storage.safe}</p></Show>
        <Show when={stored().persisted === false}>
          <p>{t().device.storage.unsafe}</p>
          <Button onClick={() => void app.persistence.protect()}>{t().device.storage.protect}</Button>
        </Show>
      </section>
    </>
  );
}
