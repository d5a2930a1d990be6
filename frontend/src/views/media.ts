import { type Accessor, createSignal, onCleanup } from 'solid-js';

/** Whether a media query matches, followed. */
export function media(query: string): Accessor<boolean> {
  const list = window.matchMedia(query);
  const [matches, setMatches] = createSignal(list.matches);
  const follow = (): void => void setMatches(list.matches);
  list.addEventListener('change', follow);
  onCleanup(() => list.removeEventListener('change', follow));
  return matches;
}

/** One pane at a time. The same numbers stand in the style sheets. */
export const onePane = '(max-width: 639.98px)';
/** Room for details beside the chat. */
export const threePanes = '(min-width: 1024px)';
/** The main way to point is a finger: Enter makes a new line, and the keyboard does not open by itself. */
export const touch = '(pointer: coarse)';
