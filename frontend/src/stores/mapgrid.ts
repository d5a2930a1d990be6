/** Where a place is on maps of squares (Web Mercator, as OpenStreetMap's), and which squares a small map of it takes. */
import type { SharedLocation, Tile } from '../core/api';

/** How wide and high a square is shown, in CSS pixels. */
export const tileSide = 256;
/** How many squares a small map has on each side. */
const across = 2;
/**
 * How close a small map is. The server learns in which square of this size a place is, not where in it: some 2.4 km at the equator,
 * 1.5 km in the middle of Europe.
 */
const closest = 14;
/** Round the Earth at the equator, in metres. */
const girth = 40_075_017;
/** Further north and south there is no map. */
const edge = 85.051_128_78;
/** Where a place may be is not drawn larger than this, in pixels from its middle. */
const widest = 64;

export interface SmallMap {
  /** With where they begin, in pixels from the corner of the map. */
  readonly tiles: readonly (Tile & { readonly left: number; readonly top: number })[];
  /** Where the place is, in pixels from the corner of the map; a quarter of the map from its sides at least, but near the poles. */
  readonly x: number;
  readonly y: number;
  /** How far it may be off, in pixels. */
  readonly radius: number;
  readonly side: number;
}

/** Where a place is, in squares from the north-west. */
export function inTiles({ latitude, longitude }: Pick<SharedLocation, 'latitude' | 'longitude'>, z: number): { readonly x: number; readonly y: number } {
  const phi = Math.min(Math.max(latitude, -edge), edge) * Math.PI / 180;
  const all = 2 ** z;
  return { x: (longitude + 180) / 360 * all, y: Math.min(Math.max((1 - Math.asinh(Math.tan(phi)) / Math.PI) / 2, 0), 1) * all };
}

function pixels(metres: number, latitude: number, z: number): number {
  return metres / (girth * Math.cos(Math.min(Math.abs(latitude), edge) * Math.PI / 180)) * tileSide * 2 ** z;
}

/** How close a map may be, so that what it shows is more than how far the place may be off. */
export function zoomFor({ latitude, accuracy }: Pick<SharedLocation, 'latitude' | 'accuracy'>, most: number): number {
  if (accuracy === undefined || accuracy <= 0) return most;
  return Math.min(Math.max(Math.floor(Math.log2(widest / pixels(accuracy, latitude, 0))), 1), most);
}

/**
 * The squares of a small map. It is not the place that decides which they are, but the square around it: places in the same one have the
 * same map, so that whoever gives the squares learns no more.
 */
export function smallMap(location: SharedLocation, most: number): SmallMap {
  const z = zoomFor(location, Math.max(1, Math.min(closest, most)));
  const all = 2 ** z;
  const { x, y } = inTiles(location, z);
  const left = Math.round(x) - across / 2;
  const top = Math.min(Math.max(Math.round(y) - across / 2, 0), all - across);
  const tiles = Array.from({ length: across * across }, (_, i) => {
    const column = i % across, row = Math.floor(i / across);
    return { z, x: (left + column + all) % all, y: top + row, left: column * tileSide, top: row * tileSide };
  });
  return {
    tiles, side: across * tileSide, x: (x - left) * tileSide, y: (y - top) * tileSide,
    radius: location.accuracy === undefined ? 0 : Math.min(pixels(location.accuracy, location.latitude, z), 2 * widest),
  };
}
