import { type Accessor, createSignal, onCleanup } from 'solid-js';
import type { Readable } from '../stores/cell';

/** A store as a signal, for as long as the owner lives. The one place where stores and the UI framework meet. */
export function read<T>(store: Readable<T>): Accessor<T> {
  const [value, setValue] = createSignal(store.get());
  onCleanup(store.subscribe(() => setValue(() => store.get())));
  return value;
}
