/** Places as `geo:` URIs (RFC 5870), which is how messengers send them: as the whole text of a message. */
import { cleanText } from './xml';

export interface GeoUri {
  /** Degrees in WGS 84, north and east. */
  readonly latitude: number;
  readonly longitude: number;
  /** Metres; how far it may be off (section 3.4.3). */
  readonly uncertainty?: number;
  /** What it is called; one line. */
  readonly name?: string;
}

/** Longer is nobody's place. */
const MAX_URI = 2_000;
const MAX_NAME = 100;
/** Further off than half of the Earth's girth is nowhere. */
const MAX_UNCERTAINTY = 20_037_508;

// Section 3.3. The numbers have no exponent; more digits than these say nothing.
const NUMBER = String.raw`-?\d{1,3}(?:\.\d{1,30})?`;
const COORDINATES = new RegExp(`^(${NUMBER}),(${NUMBER})(?:,-?\\d{1,9}(?:\\.\\d{1,30})?)?$`);
const PARAMETER = /^([a-z0-9-]+)(?:=((?:[\w\-.!~*'()[\]:&+$]|%[\da-f]{2})+))?$/i;
/** Android's, which RFC 5870 leaves room for: `?z=17&q=52.5,13.4(Home)`. */
const QUERY = /^[\w\-.!~*'()[\]:&+$=,;/@ ]*(?:%[\da-f]{2}[\w\-.!~*'()[\]:&+$=,;/@ ]*)*$/i;
const QUERIED = new RegExp(`^(${NUMBER}),(${NUMBER})$`);

/** The place that a text is, and nothing else; `undefined`: it is none, or one in coordinates that we do not know. */
export function parseGeo(text: string): GeoUri | undefined {
  const uri = text.trim();
  if (uri.length > MAX_URI || !/^geo:/i.test(uri)) return undefined;
  const asked = uri.indexOf('?');
  const [place = '', ...parameters] = uri.slice('geo:'.length, asked < 0 ? undefined : asked).split(';');
  const found = COORDINATES.exec(place);
  if (!found) return undefined;
  let uncertainty: number | undefined, name: string | undefined;
  const seen = new Set<string>();
  for (const parameter of parameters) {
    const [, key = '', value] = PARAMETER.exec(parameter) ?? [];
    const kind = key.toLowerCase();
    // Section 3.3: each at most once.
    if (kind === '' || seen.has(kind)) return undefined;
    seen.add(kind);
    if (kind === 'crs' && value?.toLowerCase() !== 'wgs84') return undefined;
    if (kind === 'u') {
      if (!/^\d{1,9}(?:\.\d{1,30})?$/.test(value ?? '')) return undefined;
      uncertainty = Number(value);
    }
    if (kind === 'name' && value !== undefined) name = decoded(value);
  }
  let latitude = Number(found[1]), longitude = Number(found[2]);
  if (asked >= 0) {
    const query = uri.slice(asked + 1);
    if (!QUERY.test(query)) return undefined;
    const q = decoded(new Map(query.split('&').map((pair) => [pair.split('=')[0] ?? '', pair.slice(pair.indexOf('=') + 1)])).get('q')?.replaceAll('+', ' ') ?? '') ?? '';
    const [, where = '', label] = /^([^(]*)(?:\((.*)\))?$/.exec(q) ?? [];
    const pin = QUERIED.exec(where.replaceAll(' ', ''));
    // "geo:0,0?q=": the place is in the query.
    if (pin) [latitude, longitude] = [Number(pin[1]), Number(pin[2])];
    else if (q !== '' && latitude === 0 && longitude === 0) return undefined;
    name ??= label === undefined ? undefined : cleanName(label);
  }
  if (Math.abs(latitude) > 90 || Math.abs(longitude) > 180) return undefined;
  return {
    latitude: latitude + 0, longitude: longitude + 0,
    ...(uncertainty !== undefined && uncertainty > 0 && { uncertainty: Math.min(uncertainty, MAX_UNCERTAINTY) }),
    ...(name !== undefined && name !== '' && { name }),
  };
}

/**
 * The URI of a place: six digits behind the point, which is a tenth of a metre. A name is a parameter of its own, which apps that
 * do not know it pass over (section 3.3).
 */
export function formatGeo({ latitude, longitude, uncertainty, name }: GeoUri): string {
  const called = cleanName(name ?? '');
  const off = uncertainty === undefined || uncertainty <= 0 ? '' : `;u=${Math.ceil(Math.min(uncertainty, MAX_UNCERTAINTY))}`;
  return `geo:${degrees(latitude)},${degrees(longitude)}${off}${called === '' ? '' : `;name=${encodeURIComponent(called)}`}`;
}

/** Degrees without an exponent, and without a sign before nothing. */
export function degrees(value: number): string {
  const text = value.toFixed(6);
  return Number(text) === 0 ? '0.000000' : text;
}

function decoded(value: string): string | undefined {
  try {
    return cleanName(decodeURIComponent(value));
  } catch {
    return undefined;
  }
}

/** One line that changes nothing around it: no control characters, and none that turn the direction of text. */
function cleanName(text: string): string {
  return [...cleanText(text).replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, '').replace(/\s+/g, ' ').trim()].slice(0, MAX_NAME).join('').trim();
}
