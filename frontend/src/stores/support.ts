/** What Kith cannot do without. `insecure`: the page did not come over https. */
export type Missing = 'insecure' | 'features';

export function missing(window: Window & typeof globalThis): Missing | undefined {
  if (!window.isSecureContext) return 'insecure';
  const there = typeof window.WebAssembly === 'object' && typeof window.Worker === 'function'
    && 'indexedDB' in window && 'subtle' in window.crypto && 'locks' in window.navigator
    && typeof window.HTMLDialogElement === 'function' && typeof window.Intl.Segmenter === 'function'
    && typeof window.ResizeObserver === 'function' && 'randomUUID' in window.crypto;
  return there ? undefined : 'features';
}
