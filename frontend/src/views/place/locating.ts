import { type Accessor, createSignal, onCleanup } from 'solid-js';
import type { SharedLocation } from '../../core/api';

/** `denied`, `unavailable`, `timeout`: why the device does not say where it is. */
export type Locating = 'looking' | 'here' | 'denied' | 'unavailable' | 'timeout';

const patience = 20_000;
/** So old may be what the device knows already. */
const remembered = 30_000;

/** Where the device is, ever more exactly, as long as somebody looks. */
export function locating(): { readonly state: Accessor<Locating>; readonly here: Accessor<SharedLocation | undefined>; readonly again: () => void } {
  const [state, setState] = createSignal<Locating>('looking');
  const [here, setHere] = createSignal<SharedLocation>();
  let watch: number | undefined;
  const stop = (): void => {
    if (watch !== undefined) navigator.geolocation.clearWatch(watch);
    watch = undefined;
  };
  const again = (): void => {
    stop();
    setState(here() ? 'here' : 'looking');
    // Browsers give it to secure pages only; some machines have none to give.
    if (!('geolocation' in navigator)) {
      setState('unavailable');
      return;
    }
    watch = navigator.geolocation.watchPosition(({ coords: { latitude, longitude, accuracy } }) => {
      setHere({ latitude, longitude, ...(Number.isFinite(accuracy) && accuracy > 0 && { accuracy }) });
      setState('here');
    }, ({ code }) => {
      // What is known stays known.
      if (here()) return;
      setState(code === 1 ? 'denied' : code === 3 ? 'timeout' : 'unavailable');
    }, { enableHighAccuracy: true, timeout: patience, maximumAge: remembered });
  };
  onCleanup(stop);
  again();
  return { state, here, again };
}
