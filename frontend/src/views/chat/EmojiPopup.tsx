import { For, type JSX, lazy, onCleanup, onMount, Suspense } from 'solid-js';
import type { Reaction } from '../../core/api';
import { quickReactions } from '../../stores/emoji';
import { useView } from '../context';

const EmojiPicker = lazy(() => import('./EmojiPicker'));

type Props = { readonly anchor: DOMRect; readonly onChoose: (emoji: string) => void; readonly onClose: () => void };

const edge = 8;

/** All emoji, at a place on the screen. Takes the focus and gives it back. */
export function EmojiPopup(props: Props): JSX.Element {
  const { t } = useView();
  const before = document.activeElement;
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
      ref={popup} class="emoji-popup" role="dialog" aria-label={t().chat.emoji}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.preventDefault();
        event.stopPropagation();
        props.onClose();
      }}
    >
      <Suspense><EmojiPicker onChoose={props.onChoose} /></Suspense>
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
