import { onCleanup, onMount } from 'solid-js';
import type { App } from '../../stores/app';

/** Where a browser cannot say that it has nothing to do, it is believed after so long. */
const REST = 300;
const LATEST = 2_000;

/** Whoever comes in should not wait for what is needed then: it is fetched once the way in is painted and nothing else is to be done. */
export function warm(app: App): void {
  onMount(() => {
    const fetchIt = (): void => void app.core.warmUp().catch(() => undefined); // coming in tells
    let timer: ReturnType<typeof setTimeout> | undefined;
    const frame = requestAnimationFrame(() => {
      if ('requestIdleCallback' in window) requestIdleCallback(fetchIt, { timeout: LATEST });
      else timer = setTimeout(fetchIt, REST);
    });
    onCleanup(() => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    });
  });
}
