import { createSignal, For, type JSX, Show } from 'solid-js';
import type { Message, StickerPack } from '../../core/api';
import { Resource } from '../../stores/resource';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Dialog } from '../parts/Dialog';
import { Failed, Patiently } from '../parts/states';
import { keptSticker } from './stickers';
import { StickerThumb } from './StickerThumb';
import './panel.css';
import './stickers.css';

/** The stickers that somebody publishes together. */
export default function StickerPackDialog(props: { readonly message: Message }): JSX.Element {
  const { app, t } = useView();
  const pack = new Resource(() => app.core.stickerPack(props.message.chat, props.message.id));
  const state = read(pack);
  const found = (): StickerPack | undefined => {
    const now = state();
    return now.status === 'ready' ? now.value : undefined;
  };
  const failed = () => {
    const now = state();
    return now.status === 'failed' ? now.reason : undefined;
  };
  /** Those that cannot be had, by their number. */
  const [missing, setMissing] = createSignal<ReadonlySet<number>>(new Set());
  const [busy, setBusy] = createSignal(false);
  const close = (): void => app.overlays.close();
  const add = async ({ id, stickers }: StickerPack): Promise<void> => {
    if (busy()) return;
    setBusy(true);
    const done = await app.attempt(async () => {
      let added = 0;
      // From the last on: the first one stands first afterwards.
      for (const [i, sticker] of [...stickers.entries()].reverse()) {
        const picture = await app.core.packPicture(id, i).then(keptSticker).catch(() => undefined);
        if (!picture) continue;
        const { data, width, height } = picture;
        await app.core.addSticker(data, { description: sticker.description, width, height });
        added++;
      }
      if (added === 0) await app.core.packPicture(id, 0); // says why
    }, 'sticker-added');
    setBusy(false);
    if (done) close();
  };
  return (
    <Dialog
      title={found()?.name || t().sticker.packTitle} onClose={close}
      actions={(
        <Show when={found() && !found()?.restricted} fallback={<Button look="primary" onClick={close}>{t().common.close}</Button>}>
          <Button look="quiet" onClick={close}>{t().common.cancel}</Button>
          <Button look="primary" busy={busy()} disabled={missing().size >= (found()?.stickers.length ?? 0)} onClick={() => { const it = found(); if (it) void add(it); }}>{busy() ? t().sticker.packAdding : t().sticker.packAdd}</Button>
        </Show>
      )}
    >
      <Show
        when={found()}
        fallback={<Show when={failed()} fallback={<Patiently><p class="quiet" role="status">{t().common.loading}</p></Patiently>}>{(reason) => <Failed reason={reason()} onRetry={() => void pack.load()} />}</Show>}
      >
        {(it) => (
          <>
            <Show when={it().summary !== ''}><p class="sticker-summary" dir="auto">{it().summary}</p></Show>
            <Show when={it().restricted}><p class="quiet">{t().sticker.packRestricted}</p></Show>
            <ul class="sticker-grid" role="list">
              <For each={it().stickers}>
                {(sticker, i) => (
                  <li class="panel-cell sticker-cell" classList={{ 'sticker-missing': missing().has(i()) }}>
                    <StickerThumb fetch={() => app.core.packPicture(it().id, i())} onMissing={() => setMissing(new Set([...missing(), i()]))} />
                    <span class={missing().has(i()) ? 'sticker-words' : 'hidden'} dir="auto">{sticker.description || t().sticker.kind}</span>
                  </li>
                )}
              </For>
            </ul>
            <Show when={missing().size > 0}><p class="quiet" role="status">{t().sticker.packMissing}</p></Show>
          </>
        )}
      </Show>
    </Dialog>
  );
}
