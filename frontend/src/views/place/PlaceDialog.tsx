import { createSignal, ErrorBoundary, type JSX, lazy, onMount, Show, Suspense } from 'solid-js';
import type { MapFacts, SharedLocation } from '../../core/api';
import { reasonOf } from '../../stores/reason';
import { useView } from '../context';
import { Dialog } from '../parts/Dialog';
import './place.css';

const MapView = lazy(() => import('./MapView'));

/** A place that somebody sent, on a map that one can move. */
export default function PlaceDialog(props: { readonly location: SharedLocation }): JSX.Element {
  const { app, t } = useView();
  const [facts, setFacts] = createSignal<MapFacts>();
  const [failed, setFailed] = createSignal<string>();
  onMount(() => void app.core.mapFacts().then(setFacts, (error: unknown) => setFailed(t().reason(reasonOf(error)))));
  const Waiting = (): JSX.Element => <div class="location-map place-ask"><small role="status">{failed() ?? t().common.loading}</small></div>;
  return (
    <Dialog title={props.location.name ?? t().location.kind} size="large" onClose={() => app.overlays.close()}>
      <div class="place-whole">
        <Show when={facts()} fallback={<Waiting />}>
          {(known) => (
            <ErrorBoundary fallback={<p class="location-map place-ask" role="alert">{t().reason({ code: 'network' })}</p>}>
              <Suspense fallback={<Waiting />}><MapView facts={known()} here={props.location} /></Suspense>
            </ErrorBoundary>
          )}
        </Show>
      </div>
    </Dialog>
  );
}
