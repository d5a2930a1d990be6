import type { SharedLocation } from '../../core/api';

/** A place at OpenStreetMap, for those who choose to go there. */
export function osm({ latitude, longitude }: SharedLocation): string {
  const [lat, lon] = [latitude.toFixed(6), longitude.toFixed(6)];
  return `https://www.openstreetmap.org/?mlat=${lat}&mlon=${lon}#map=16/${lat}/${lon}`;
}

/** By what right the maps may be shown: OpenStreetMap asks that its page about that can be reached from each. */
export const osmRights = 'https://www.openstreetmap.org/copyright';
