import { Check, ImagePlus, Pencil } from 'lucide';
import { createMemo, createSignal, For, type JSX, onMount, Show } from 'solid-js';
import type { Sticker } from '../../core/api';
import { mostStickers } from '../../stores/stickers';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { moveInGrid } from '../parts/gridkeys';
import { Failed, Patiently } from '../parts/states';
import { StickerThumb } from './StickerThumb';
import './panel.css';
import './stickers.css';

type Props = {
  readonly onChoose: (sticker: Sticker) => void;
  /** Something else has to be done first: the panel goes. */
  readonly onLeave: () => void;
};

/** One's own stickers: a tap sends one. */
export default function StickerPanel(props: Props): JSX.Element {
  const { app, t } = useView();
  const shelf = read(app.stickers);
  onMount(() => void app.stickers.load());
  const list = createMemo((): readonly Sticker[] => {
    const now = shelf();
    return now.status === 'ready' ? now.value : [];
  });
  const failed = () => {
    const now = shelf();
    return now.status === 'failed' ? now.reason : undefined;
  };
  const [removing, setRemoving] = createSignal(false);
  const full = (): boolean => list().length >= mostStickers;
  const name = (sticker: Sticker): string => sticker.description || t().sticker.kind;
  let grid!: HTMLDivElement;
  let chooser!: HTMLInputElement;
  const choose = (sticker: Sticker): void => {
    if (!removing()) return props.onChoose(sticker);
    props.onLeave();
    app.overlays.open({ name: 'sticker-remove', sticker });
  };
  const make = (): void => {
    const picture = chooser.files?.[0];
    chooser.value = '';
    if (!picture) return;
    props.onLeave();
    app.overlays.open({ name: 'sticker-make', picture });
  };
  return (
    <div class="panel sticker-panel">
      <div ref={grid} class="panel-list" tabindex="-1" onKeyDown={(event) => moveInGrid(event, grid, [...grid.querySelectorAll<HTMLElement>('.sticker-cell')])}>
        <Show
          when={shelf().status === 'ready'}
          fallback={<Show when={failed()} fallback={<Patiently><p class="quiet" role="status">{t().common.loading}</p></Patiently>}>{(reason) => <Failed reason={reason()} onRetry={() => void app.stickers.load()} />}</Show>}
        >
          <Show when={list().length > 0} fallback={<p class="quiet panel-none sticker-none">{t().sticker.none}</p>}>
            <ul class="sticker-grid" role="list">
              <For each={list()}>
                {(sticker) => (
                  <li>
                    <button
                      type="button" class="panel-cell sticker-cell" classList={{ 'sticker-removing': removing() }} title={sticker.description || undefined}
                      aria-label={removing() ? t().sticker.removeOne(name(sticker)) : t().sticker.send(name(sticker))} onClick={() => choose(sticker)}
                    >
                      <StickerThumb fetch={() => app.core.stickerPicture(sticker.id)} />
                    </button>
                  </li>
                )}
              </For>
            </ul>
          </Show>
        </Show>
      </div>
      <div class="sticker-actions">
        <input ref={chooser} type="file" accept="image/*" hidden tabindex="-1" aria-hidden="true" onChange={make} />
        <Show when={!full()} fallback={<p class="quiet">{t().sticker.full}</p>}>
          <Button look="quiet" icon={ImagePlus} onClick={() => chooser.click()}>{t().sticker.make}</Button>
        </Show>
        <Show when={list().length > 0}>
          <Button look="quiet" icon={removing() ? Check : Pencil} aria-pressed={removing()} onClick={() => setRemoving(!removing())}>{removing() ? t().sticker.edited : t().sticker.edit}</Button>
        </Show>
      </div>
    </div>
  );
}
