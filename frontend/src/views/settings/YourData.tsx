import { Download, Trash, TriangleAlert } from 'lucide';
import { createSignal, type JSX, onCleanup, Show } from 'solid-js';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Icon } from '../parts/Icon';

/** Taking everything along, and going for good. */
export function YourData(): JSX.Element {
  const { app, t, formats } = useView();
  const session = read(app.session);
  const [busy, setBusy] = createSignal(false);
  const [made, setMade] = createSignal<{ readonly url: string; readonly name: string; readonly size: number }>();
  const drop = (): void => {
    const old = made();
    if (old) URL.revokeObjectURL(old.url);
    setMade(undefined);
  };
  onCleanup(drop);
  const make = async (): Promise<void> => {
    if (busy()) return;
    drop();
    setBusy(true);
    await app.attempt(async () => {
      const archive = await app.core.exportData(t().settings.data.words);
      const day = new Date(app.clock.now()).toISOString().slice(0, 10);
      setMade({ url: URL.createObjectURL(archive), name: `kith-${(session().address ?? '').replace('@', '-')}-${day}.zip`, size: archive.size });
    });
    setBusy(false);
  };
  return (
    <>
      <section class="section">
        <h2>{t().settings.data.exportTitle}</h2>
        <p>{t().settings.data.exportText}</p>
        <p class="data-warning"><Icon of={TriangleAlert} /><span>{t().settings.data.exportWarning}</span></p>
        <Show when={made()} fallback={<Button icon={Download} busy={busy()} onClick={() => void make()}>{busy() ? t().settings.data.exporting : t().settings.data.export}</Button>}>
          {(it) => (
            <a class="button button-primary" href={it().url} download={it().name}>
              <Icon of={Download} /><span>{t().settings.data.save(formats().size(it().size))}</span>
            </a>
          )}
        </Show>
        <p class="hidden" role="status">{made() ? t().settings.data.ready : ''}</p>
      </section>
      <section class="section">
        <h2>{t().settings.data.deleteTitle}</h2>
        <p>{t().settings.data.deleteText}</p>
        <Button look="danger" icon={Trash} onClick={() => app.overlays.open({ name: 'delete-account' })}>{t().settings.data.delete}</Button>
      </section>
    </>
  );
}
