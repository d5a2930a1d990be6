import { type Accessor, createSignal, onCleanup } from 'solid-js';

/** Whether the person can be looking at this window: it is visible and has the focus. */
export function attention(): Accessor<boolean> {
  const looking = (): boolean => document.visibilityState === 'visible' && document.hasFocus();
  const [value, setValue] = createSignal(looking());
  const follow = (): void => void setValue(looking());
  for (const event of ['focus', 'blur'] as const) window.addEventListener(event, follow);
  document.addEventListener('visibilitychange', follow);
  onCleanup(() => {
    for (const event of ['focus', 'blur'] as const) window.removeEventListener(event, follow);
    document.removeEventListener('visibilitychange', follow);
  });
  return value;
}
