import { circle, type Circle, circleMarker, type CircleMarker, type Coords, type DoneCallback, GridLayer, Map as LeafletMap } from 'leaflet';
import 'leaflet/dist/leaflet.css';
import { MapPin, Minus, Plus } from 'lucide';
import { createEffect, type JSX, on, onCleanup, onMount, Show } from 'solid-js';
import type { MapFacts, SharedLocation, Tile } from '../../core/api';
import { tileSide, zoomFor } from '../../stores/mapgrid';
import { useView } from '../context';
import { IconButton } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { osmRights } from './osm';

type Props = {
  readonly facts: MapFacts;
  /** Where the person is, or what is looked at: the map goes there whenever that changes. */
  readonly here: SharedLocation | undefined;
  /** The person has moved the map: what is in its middle is meant. Without it one only looks. */
  readonly onPick?: (place: SharedLocation) => void;
};

/** As near as one looks at a place. */
const near = 16;
/** How far an arrow key moves the map, and with Shift, in pixels. */
const step = 64;
const smallStep = 8;
/** Less is no move but a rounding, in pixels. */
const still = 2;

/** Squares as the core gets them. */
class Tiles extends GridLayer {
  constructor(private readonly fetchTile: (tile: Tile) => Promise<Blob>, maxZoom: number) {
    super({ tileSize: tileSide, maxZoom, minZoom: 1, keepBuffer: 1 });
  }

  protected override createTile({ z, x, y }: Coords, done: DoneCallback): HTMLElement {
    const image = document.createElement('img');
    image.alt = '';
    image.draggable = false;
    void this.fill(image, { z, x, y }, done);
    return image;
  }

  private async fill(image: HTMLImageElement, tile: Tile, done: DoneCallback): Promise<void> {
    let url: string | undefined;
    try {
      url = URL.createObjectURL(await this.fetchTile(tile));
      image.src = url;
      await image.decode();
      done(undefined, image);
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)), image);
    } finally {
      if (url !== undefined) URL.revokeObjectURL(url);
    }
  }
}

/**
 * A map under a pin that stays in its middle: moving it, by hand or by key, chooses a place. Or one to look at a place. Leaflet draws it; its own controls and
 * markers are made of HTML texts, which the policy of the page refuses, and are not used.
 */
export default function MapView(props: Props): JSX.Element {
  const { app, t } = useView();
  let box!: HTMLDivElement;
  let map: LeafletMap | undefined;
  let off: Circle | undefined;
  let spot: CircleMarker | undefined;
  /** We move it ourselves. */
  let own = false;
  let at: SharedLocation | undefined;

  const go = (place: SharedLocation): void => {
    if (!map) return;
    own = true;
    at = place;
    map.setView([place.latitude, place.longitude], zoomFor(place, Math.min(near, props.facts.zoom)), { animate: false });
    own = false;
    if (!props.onPick) {
      spot?.remove();
      spot = circleMarker([place.latitude, place.longitude], { radius: 10, interactive: false, className: 'map-spot' }).addTo(map);
    }
    off?.remove();
    off = place.accuracy === undefined ? undefined : circle([place.latitude, place.longitude], { radius: place.accuracy, interactive: false, className: 'map-off' }).addTo(map);
  };
  const moved = (): void => {
    if (own || !map) return;
    const centre = map.getCenter();
    if (at && map.project(centre).distanceTo(map.project([at.latitude, at.longitude])) < still) return;
    if (!props.onPick) return;
    const { lat, lng } = centre.wrap();
    off?.remove();
    at = { latitude: Math.min(Math.max(lat, -90), 90), longitude: lng };
    props.onPick(at);
  };
  onMount(() => {
    const calm = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    map = new LeafletMap(box, {
      attributionControl: false, zoomControl: false, boxZoom: false, keyboard: false, scrollWheelZoom: 'center', doubleClickZoom: 'center', touchZoom: 'center',
      zoomAnimation: !calm, fadeAnimation: !calm, markerZoomAnimation: false, inertia: !calm, maxBounds: [[-85.06, -Infinity], [85.06, Infinity]], maxBoundsViscosity: 1,
    });
    own = true;
    map.setView([25, 10], 1, { animate: false });
    own = false;
    new Tiles((tile) => app.core.mapTile(tile), props.facts.zoom).addTo(map);
    map.on('moveend', moved);
    if (props.onPick) map.on('click', ({ latlng }) => map?.panTo(latlng, { animate: !calm }));
    if (props.here) go(props.here);
    const size = new ResizeObserver(() => {
      own = true;
      map?.invalidateSize({ animate: false, pan: false });
      if (at && props.onPick) map?.setView([at.latitude, at.longitude], map.getZoom(), { animate: false });
      own = false;
    });
    size.observe(box);
    onCleanup(() => {
      size.disconnect();
      map?.off();
      map?.remove();
      map = undefined;
    });
  });
  /** Leaflet's own keys glide, and are deaf while they do. */
  const keys = (event: KeyboardEvent): void => {
    if (!map || event.ctrlKey || event.metaKey || event.altKey) return;
    const by = event.shiftKey ? smallStep : step;
    switch (event.key) {
      case 'ArrowUp': map.panBy([0, -by], { animate: false }); break;
      case 'ArrowDown': map.panBy([0, by], { animate: false }); break;
      case 'ArrowLeft': map.panBy([-by, 0], { animate: false }); break;
      case 'ArrowRight': map.panBy([by, 0], { animate: false }); break;
      case '+': case '=': map.zoomIn(); break;
      case '-': case '_': map.zoomOut(); break;
      default: return;
    }
    event.preventDefault();
  };
  createEffect(on(() => props.here, (here) => { if (here) go(here); }, { defer: true }));
  return (
    <div class="location-map map-paper" dir="ltr">
      <div ref={box} class="map-view" role="application" tabindex="0" onKeyDown={keys} aria-label={props.onPick ? t().location.mapLabel : t().location.lookLabel} />
      <Show when={props.onPick}><span class="map-middle"><Icon of={MapPin} /></span></Show>
      <div class="map-zoom">
        <IconButton icon={Plus} label={t().location.zoomIn} onClick={() => map?.zoomIn()} />
        <IconButton icon={Minus} label={t().location.zoomOut} onClick={() => map?.zoomOut()} />
      </div>
      <small class="map-rights"><a href={osmRights} target="_blank" rel="noreferrer noopener"><span class="map-credit">{props.facts.attribution}</span></a></small>
    </div>
  );
}
