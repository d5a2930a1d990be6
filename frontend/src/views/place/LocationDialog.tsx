import { Crosshair, Map as MapIcon, RotateCw } from 'lucide';
import { createEffect, createSignal, ErrorBoundary, type JSX, lazy, on, Show, Suspense } from 'solid-js';
import type { Address, MapFacts, SharedLocation } from '../../core/api';
import { reasonOf } from '../../stores/reason';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Dialog } from '../parts/Dialog';
import { Field } from '../parts/Field';
import { Icon } from '../parts/Icon';
import { locating } from './locating';
import './place.css';

const MapView = lazy(() => import('./MapView'));

/** Sends where one is, or a place that one chooses on a map. */
export default function LocationDialog(props: { readonly address: Address }): JSX.Element {
  const { app, t, formats } = useView();
  const session = read(app.session);
  const preferences = read(app.preferences);
  const { state, here, again } = locating();
  /** On the map; otherwise it is where one is. */
  const [picked, setPicked] = createSignal<SharedLocation>();
  const [name, setName] = createSignal('');
  const [facts, setFacts] = createSignal<MapFacts>();
  const [failed, setFailed] = createSignal<string>();
  const [busy, setBusy] = createSignal(false);
  const place = (): SharedLocation | undefined => picked() ?? here();

  const showMap = async (): Promise<void> => {
    if (busy() || facts()) return;
    setBusy(true);
    setFailed(undefined);
    try {
      setFacts(await app.core.mapFacts());
    } catch (error) {
      setFailed(t().reason(reasonOf(error)));
    } finally {
      setBusy(false);
    }
  };
  createEffect(on(() => preferences().showMaps && session().maps === true, (wanted) => { if (wanted) void showMap(); }));

  const where = ({ latitude, longitude }: SharedLocation): string => t().location.coordinates(formats().degrees(Math.abs(latitude)), formats().degrees(Math.abs(longitude)), latitude >= 0, longitude >= 0);
  const says = (): string => {
    if (picked()) return t().location.picked;
    const accuracy = here()?.accuracy;
    if (state() === 'here') return accuracy === undefined ? t().location.here : `${t().location.here}, ${t().location.accuracy(formats().distance(accuracy))}`;
    return t().location[state() as Exclude<ReturnType<typeof state>, 'here'>];
  };
  const stuck = (): boolean => state() !== 'here' && state() !== 'looking' && !picked();

  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    const { latitude, longitude, accuracy } = place() ?? {};
    if (latitude === undefined || longitude === undefined) return;
    const called = name().trim();
    const conversation = app.conversations.of(props.address);
    app.overlays.close();
    const result = await conversation.sendLocation({ latitude, longitude, ...(accuracy !== undefined && { accuracy }), ...(called !== '' && { name: called }) });
    if (result.sent === 'no') app.notices.error(result.reason);
  };
  return (
    <Dialog
      title={t().location.share} onClose={() => app.overlays.close()}
      actions={(
        <>
          <Button look="quiet" onClick={() => app.overlays.close()}>{t().common.cancel}</Button>
          <Button look="primary" type="submit" form="location-form" disabled={!place()}>{picked() ? t().location.sendPicked : t().location.send}</Button>
        </>
      )}
    >
      <form id="location-form" class="location-form" onSubmit={(event) => void send(event)}>
        <div class="location-status">
          <div role="status">
            <p>{says()}</p>
            <Show when={place()}>{(it) => <small class="quiet"><bdi dir="auto">{where(it())}</bdi></small>}</Show>
          </div>
          <Show when={stuck()}><Button look="quiet" icon={RotateCw} onClick={again}>{t().common.retry}</Button></Show>
          <Show when={picked() && here()}><Button look="quiet" icon={Crosshair} onClick={() => setPicked(undefined)}>{t().location.mine}</Button></Show>
        </div>
        <Show when={session().maps === true}>
          <Show
            when={facts()}
            fallback={(
              <button type="button" class="location-map place-ask" aria-busy={busy()} onClick={() => void showMap()}>
                <Icon of={failed() === undefined ? MapIcon : RotateCw} />
                <b>{failed() === undefined ? t().location.showMap : t().common.retry}</b>
                <small>{failed() ?? (busy() ? t().common.loading : t().location.pickHint)}</small>
              </button>
            )}
          >
            {(known) => (
              <ErrorBoundary fallback={<p class="location-map place-ask" role="alert">{t().reason({ code: 'network' })}</p>}>
                <Suspense fallback={<div class="location-map place-ask"><small role="status">{t().common.loading}</small></div>}>
                  <MapView facts={known()} here={picked() ? undefined : here()} onPick={setPicked} />
                </Suspense>
              </ErrorBoundary>
            )}
          </Show>
        </Show>
        <Field label={t().location.name} value={name()} onInput={setName} maxlength="60" autocomplete="off" />
      </form>
    </Dialog>
  );
}
