import type { IconNode } from 'lucide';
import type { JSX } from 'solid-js';

const SVG = 'http://www.w3.org/2000/svg';

/** A lucide icon. It is decoration: what it means stands in a text or in the label of its button. */
export function Icon(props: { readonly of: IconNode; readonly class?: string; readonly mirror?: boolean }): JSX.Element {
  return (
    <svg
      class={`icon ${props.class ?? ''} ${props.mirror ? 'icon-mirror' : ''}`}
      viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"
      stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"
    >
      {shapes(props.of)}
    </svg>
  );
}

/** Drawn by hand: every message has some of them, and a component for each line took as long as all of its text. */
function shapes(icon: IconNode): SVGElement[] {
  return icon.map(([tag, attributes]) => {
    const shape = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) if (value !== undefined) shape.setAttribute(name, String(value));
    return shape;
  });
}
