import { For, type JSX, lazy, onCleanup, onMount, Show, Suspense } from 'solid-js';
import type { Reaction, Sticker } from '../../core/api';
import { quickReactions } from '../../stores/emoji';
import { read } from '../adapter';
import { useView } from '../context';
import { Tabs } from '../parts/Tabs';

const EmojiPicker = lazy(() => import('./EmojiPicker'));
const StickerPanel = lazy(() => import('./StickerPanel'));

type Props = {
  readonly anchor: DOMRect;
  readonly onChoose: (emoji: string) => void;
  /** Where there are stickers, too. */
  readonly onSticker?: ((sticker: Sticker) => void) | undefined;
  readonly onClose: () => void;
};

const edge = 8;

/** All emoji, and one's stickers, at a place on the screen. Takes the focus and gives it back. */
export function EmojiPopup(props: Props): JSX.Element {
  const { app, t } = useView();
  const before = document.activeElement;
  const preferences = read(app.preferences);
  let popup!: HTMLDivElement;
  const outside = (event: Event): void => {
    if (event.target instanceof Node && popup.contains(event.target)) return;
    props.onClose();
  };
  const place = (): void => {
    const { width, height } = popup.getBoundingClientRect();
    const top = props.anchor.top - height - edge < edge ? Math.min(props.anchor.bottom + edge, window.innerHeight - height - edge) : props.anchor.top - height - edge;
    const rtl = document.documentElement.dir === 'rtl';
    const wished = rtl ? props.anchor.right - width : props.anchor.left;
    popup.style.setProperty('left', `${Math.max(edge, Math.min(wished, window.innerWidth - width - edge))}px`);
    popup.style.setProperty('top', `${Math.max(edge, top)}px`);
  };
  onMount(() => {
    place();
    // Emoji are searched at once; stickers are not, so the focus waits at their tab.
    if (props.onSticker && preferences().panel === 'stickers') popup.querySelector<HTMLElement>('[role=tab][aria-selected=true]')?.focus({ preventScroll: true });
    document.addEventListener('pointerdown', outside, true);
    window.addEventListener('resize', outside);
  });
  onCleanup(() => {
    document.removeEventListener('pointerdown', outside, true);
    window.removeEventListener('resize', outside);
    if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
  });
  return (
    <div
      ref={popup} class="emoji-popup" role="dialog" aria-label={props.onSticker ? t().sticker.panel : t().chat.emoji}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.preventDefault();
        event.stopPropagation();
        props.onClose();
      }}
    >
      <Show when={props.onSticker} fallback={<Suspense><EmojiPicker onChoose={props.onChoose} /></Suspense>}>
        {(send) => (
          <Tabs
            label={t().sticker.panel} value={preferences().panel} onChange={(panel) => app.preferences.change({ panel })}
            tabs={[{ value: 'emoji', label: t().chat.emoji }, { value: 'stickers', label: t().sticker.tab }]}
          >
            <Suspense>
              <Show when={preferences().panel === 'stickers'} fallback={<EmojiPicker onChoose={props.onChoose} />}>
                <StickerPanel onChoose={send()} onLeave={props.onClose} />
              </Show>
            </Suspense>
          </Tabs>
        )}
      </Show>
    </div>
  );
}

/** The few emoji that one mostly reacts with, above the menu of a message. */
export function QuickReactions(props: { readonly own: readonly Reaction[]; readonly onChoose: (emoji: string) => void }): JSX.Element {
  const { t } = useView();
  const given = (emoji: string): boolean => props.own.some((reaction) => reaction.emoji === emoji && reaction.own);
  return (
    <div class="quick-reactions" role="group" aria-label={t().chat.react}>
      <For each={quickReactions}>
        {(emoji) => (
          <button type="button" role="menuitemcheckbox" aria-checked={given(emoji)} tabindex="-1" class="quick-reaction" aria-label={emoji} onClick={() => props.onChoose(emoji)}>{emoji}</button>
        )}
      </For>
    </div>
  );
}
