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
  const Shown = (shown: { readonly source: string }): JSX.Element => <img src={shown.source} alt={name()} decoding="async" draggable={false} />;
  return (
    <Show
      when={url()}
      fallback={(
        <Show
          when={failed()}
          fallback={<button type="button" class="sticker sticker-place" tabindex="-1" ref={sized} aria-label={t().sticker.show(name())} aria-busy={busy()} onClick={() => void load()}><Icon of={StickerIcon} /></button>}
        >
          {(reason) => (
            <div class="file-line">
              <Icon of={StickerIcon} />
              <span class="file-text"><bdi>{name()}</bdi><small>{reason()}</small></span>
              <IconButton icon={RotateCw} tabindex="-1" label={t().sticker.show(name())} onClick={() => void load()} />
            </div>
          )}
        </Show>
      )}
    >
      {(source) => (
        <Show when={props.file.sticker?.pack} fallback={<div class="sticker" ref={sized}><Shown source={source()} /></div>}>
          <button
            type="button" class="sticker" tabindex="-1" ref={sized} aria-label={`${name()}, ${t().sticker.pack}`}
            onClick={() => app.overlays.open({ name: 'sticker-pack', message: props.message })}
          >
            <Shown source={source()} />
          </button>
        </Show>
      )}
    </Show>
  );
}
