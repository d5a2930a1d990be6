import { ExternalLink, Map as MapIcon, MapPin, RotateCw } from 'lucide';
import { createEffect, createMemo, createSignal, For, type JSX, on, onCleanup, Show } from 'solid-js';
import type { MapFacts, Message, SharedLocation } from '../../core/api';
import { type SmallMap, smallMap } from '../../stores/mapgrid';
import { reasonOf } from '../../stores/reason';
import { read } from '../adapter';
import { useView } from '../context';
import { media, touch } from '../media';
import { CopyButton } from '../parts/CopyText';
import { Icon } from '../parts/Icon';
import { osm } from './osm';
import './place.css';

type Props = {
  readonly message: Message;
  readonly location: SharedLocation;
  /** Tab leads to this message: also to what can be done with the place. */
  readonly stop: boolean;
  /** From somebody one knows: a map may be fetched unasked, where the person wants that. */
  readonly trusted: boolean;
};

interface Shown extends SmallMap {
  readonly urls: readonly string[];
  readonly facts: MapFacts;
}

/** A place that somebody sent: on a map once that is asked for, since whoever runs the server could learn where. */
export function PlaceBox(props: Props): JSX.Element {
  const { app, t, formats } = useView();
  const session = read(app.session);
  const preferences = read(app.preferences);
  const onGlass = media(touch);
  const [shown, setShown] = createSignal<Shown>();
  const [busy, setBusy] = createSignal(false);
  const [failed, setFailed] = createSignal<string>();
  const tab = (): number => (props.stop ? 0 : -1);
  const where = (): string => t().location.coordinates(
    formats().degrees(Math.abs(props.location.latitude)), formats().degrees(Math.abs(props.location.longitude)), props.location.latitude >= 0, props.location.longitude >= 0,
  );
  const give = (urls: readonly string[]): void => { for (const url of urls) URL.revokeObjectURL(url); };
  /** Counts what was asked for: a row is used again for other messages, and goes. */
  let turn = 0;
  const mapped = (): Set<string> => app.conversations.of(props.message.chat).mapped;
  const load = async (): Promise<void> => {
    if (busy() || shown()) return;
    const mine = ++turn;
    setBusy(true);
    setFailed(undefined);
    try {
      const facts = await app.core.mapFacts();
      const map = smallMap(props.location, facts.zoom);
      const tiles = await Promise.all(map.tiles.map(({ z, x, y }) => app.core.mapTile({ z, x, y })));
      if (mine === turn) setShown({ ...map, facts, urls: tiles.map((tile) => URL.createObjectURL(tile)) });
    } catch (error) {
      if (mine === turn) setFailed(t().reason(reasonOf(error)));
    } finally {
      if (mine === turn) setBusy(false);
    }
  };
  const drop = (): void => {
    turn++;
    give(shown()?.urls ?? []);
    setShown(undefined);
    setBusy(false);
    setFailed(undefined);
  };
  onCleanup(drop);
  // Another place, not the same one in another state.
  const key = createMemo(() => `${props.message.id} ${props.message.text}`);
  createEffect(on(key, drop, { defer: true }));
  createEffect(on([key, () => session().maps === true && (mapped().has(props.message.id) || (preferences().showMaps && (props.trusted || props.message.outgoing)))], ([, wanted]) => { if (wanted) void load(); }));
  return (
    <div class="place">
      <Show
        when={shown()}
        fallback={(
          <Show when={session().maps === true}>
            <button type="button" class="place-map place-ask" tabindex={tab()} aria-busy={busy()} onClick={() => { mapped().add(props.message.id); void load(); }}>
              <Icon of={failed() === undefined ? MapIcon : RotateCw} />
              <b>{failed() === undefined ? t().location.showMap : t().common.retry}</b>
              <small>{failed() ?? (busy() ? t().common.loading : t().location.showHint)}</small>
            </button>
          </Show>
        )}
      >
        {(map) => (
          <button
            type="button" class="place-map map-paper" dir="ltr" tabindex={tab()} aria-label={t().location.map(props.location.name ?? where())} aria-haspopup="dialog"
            onClick={() => app.overlays.open({ name: 'place', location: props.location })}
          >
            <span class="place-tiles" style={{ '--x': `${map().x}px`, '--y': `${map().y}px`, '--side': `${map().side}px` }}>
              <For each={map().tiles}>{(tile, i) => <img src={map().urls[i()]} alt="" draggable={false} decoding="async" style={{ left: `${tile.left}px`, top: `${tile.top}px` }} />}</For>
              <Show when={map().radius > 8}><span class="place-off" style={{ '--off': `${map().radius}px` }} /></Show>
              <span class="place-pin"><Icon of={MapPin} /></span>
            </span>
            <small class="map-credit">{map().facts.attribution}</small>
          </button>
        )}
      </Show>
      <div class="place-words">
        <Icon of={MapPin} />
        <div>
          <b dir="auto">{props.location.name ?? t().location.kind}</b>
          <small><bdi dir="auto">{where()}</bdi></small>
          <Show when={props.location.accuracy}>{(metres) => <small>{t().location.accuracy(formats().distance(metres()))}</small>}</Show>
        </div>
      </div>
      <div class="place-deeds">
        <a class="button button-quiet" href={osm(props.location)} target="_blank" rel="noreferrer noopener" tabindex={tab()}><Icon of={ExternalLink} /><span>{t().location.open}</span></a>
        <Show when={onGlass()}><a class="button button-quiet" href={props.message.text.trim()} tabindex={tab()}><Icon of={MapPin} /><span>{t().location.app}</span></a></Show>
        <CopyButton look="quiet" label={t().location.copy} text={`${props.location.latitude}, ${props.location.longitude}`} tabindex={tab()} />
      </div>
    </div>
  );
}
