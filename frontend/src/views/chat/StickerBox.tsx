import { RotateCw, Sticker as StickerIcon } from 'lucide';
import { createEffect, type JSX, on, Show } from 'solid-js';
import type { Message, SharedFile } from '../../core/api';
import { useView } from '../context';
import { IconButton } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { fileSource } from './filesource';
import { shownSticker } from './stickers';

/** Larger than this nothing is fetched unasked. */
const unasked = 2 << 20;

/** A sticker in a chat: a picture without a bubble. That of a stranger is fetched when one asks for it. */
export function StickerBox(props: { readonly message: Message; readonly file: SharedFile; readonly trusted: boolean }): JSX.Element {
  const { app, t } = useView();
  const { url, failed, busy, load } = fileSource(() => props.message, shownSticker);
  const name = (): string => props.file.sticker?.description || t().sticker.kind;
  createEffect(on(() => props.message.id, () => {
    if ((props.trusted || props.message.outgoing) && (props.file.size ?? 0) <= unasked) void load();
  }));
  // The place is kept before the picture is there, so that nothing moves.
  const sized = (element: HTMLElement): void => {
    const { width, height } = props.file;
    if (!width || !height) return;
    element.style.setProperty('aspect-ratio', `${width} / ${height}`);
    element.classList.add(width >= height ? 'sticker-wide' : 'sticker-tall');
  };
  /** What says that it could not be had is as high as it would be. */
  const high = (element: HTMLElement): void => {
    const { width = 1, height = 1 } = props.file;
    element.style.setProperty('min-block-size', `${Math.min(10, 10 * height / Math.max(1, width))}rem`);
  };
  const Shown = (shown: { readonly source: string }): JSX.Element => <img src={shown.source} alt={name()} decoding="async" draggable={false} />;
  const here = (): boolean => url() !== undefined;
  const press = (): void => {
    if (!here() && !busy()) void load();
    else if (props.file.sticker?.pack) app.overlays.open({ name: 'sticker-pack', message: props.message });
  };
  return (
    <Show
      when={failed()}
      fallback={(
        <Show when={here() && !props.file.sticker?.pack} fallback={(
          // One button before and after: a click in which the picture comes is not lost.
          <button
            type="button" class="sticker" classList={{ 'sticker-place': !here() }} tabindex="-1" ref={sized} aria-busy={busy()}
            aria-label={here() ? `${name()}, ${t().sticker.pack}` : t().sticker.show(name())} onClick={press}
          >
            <Show when={url()} fallback={<Icon of={StickerIcon} />}>{(source) => <Shown source={source()} />}</Show>
          </button>
        )}>
          <div class="sticker" ref={sized}><Shown source={url()!} /></div>
        </Show>
      )}
    >
      {(reason) => (
        <div class="file-line" ref={high}>
          <Icon of={StickerIcon} />
          <span class="file-text"><bdi>{name()}</bdi><small>{reason()}</small></span>
          <IconButton icon={RotateCw} tabindex="-1" label={t().sticker.show(name())} onClick={() => void load()} />
        </div>
      )}
    </Show>
  );
}
