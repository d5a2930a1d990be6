import { For, type JSX } from 'solid-js';
import { markedParts } from '../../stores/search';

/** A text in which what was looked for is marked. */
export function Marked(props: { readonly text: string; readonly marks: readonly (readonly [number, number])[] }): JSX.Element {
  return <For each={markedParts(props.text, props.marks)}>{(part) => (part.hit ? <mark>{part.text}</mark> : part.text)}</For>;
}
