import { Sticker as StickerIcon } from 'lucide';
import { createSignal, type JSX, onCleanup, onMount, Show } from 'solid-js';
import { Icon } from '../parts/Icon';
import { shownSticker } from './stickers';

/** A small sticker in a grid, fetched once it comes into sight. The words for it are elsewhere. */
export function StickerThumb(props: { readonly fetch: () => Promise<Blob>; readonly onMissing?: () => void }): JSX.Element {
  const [url, setUrl] = createSignal<string>();
  let place!: HTMLSpanElement;
  let gone = false;
  const load = async (): Promise<void> => {
    try {
      const made = await shownSticker(await props.fetch());
      if (gone) URL.revokeObjectURL(made);
      else setUrl(made);
    } catch {
      if (!gone) props.onMissing?.();
    }
  };
  onMount(() => {
    const seen = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      seen.disconnect();
      void load();
    });
    seen.observe(place);
    onCleanup(() => seen.disconnect());
  });
  onCleanup(() => {
    gone = true;
    const made = url();
    if (made !== undefined) URL.revokeObjectURL(made);
  });
  return (
    <span ref={place} class="sticker-thumb">
      <Show when={url()} fallback={<Icon of={StickerIcon} />}>{(source) => <img src={source()} alt="" decoding="async" draggable={false} />}</Show>
    </span>
  );
}
