import { For, type JSX, Show } from 'solid-js';
import { pieces } from '../../stores/richtext';

/** Text that somebody wrote: always inserted as text; links open elsewhere and tell nothing of us. */
export function RichText(props: { readonly text: string }): JSX.Element {
  return (
    <For each={pieces(props.text)}>
      {(piece) => (
        <Show when={piece.kind === 'link' && piece} fallback={piece.text}>
          {(link) => <a href={link().href} target="_blank" rel="noopener noreferrer nofollow" dir="ltr">{link().text}</a>}
        </Show>
      )}
    </For>
  );
}
