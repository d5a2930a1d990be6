import type { IconNode } from 'lucide';
import { For, type JSX } from 'solid-js';
import { Dynamic } from 'solid-js/web';

/** A lucide icon. It is decoration: what it means stands in a text or in the label of its button. */
export function Icon(props: { readonly of: IconNode; readonly class?: string; readonly mirror?: boolean }): JSX.Element {
  return (
    <svg
      class={`icon ${props.class ?? ''}`} classList={{ 'icon-mirror': props.mirror === true }}
      viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"
      stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"
    >
      <For each={props.of}>{([tag, attributes]) => <Dynamic component={tag as 'path'} {...(attributes as JSX.PathSVGAttributes<SVGPathElement>)} />}</For>
    </svg>
  );
}
