import { sha1 } from '@noble/hashes/legacy.js';
import { Hsluv } from 'hsluv';

/** The hue of a text by XEP-0392 section 5.1, degrees in [0, 360). */
export function hueOf(text: string): number {
  const digest = sha1(new TextEncoder().encode(text));
  return (((digest[0] ?? 0) | ((digest[1] ?? 0) << 8)) / 65536) * 360;
}

/** A soft ground and an ink that is legible on it, for light and for dark surroundings. */
export interface Tint {
  readonly light: { readonly ground: string; readonly ink: string };
  readonly dark: { readonly ground: string; readonly ink: string };
}

/** Pastel colours (HPLuv) have the same strength for every hue; HSLuv goes as far as the screen can. */
function colour(space: 'hsluv' | 'hpluv', hue: number, saturation: number, lightness: number): string {
  const made = new Hsluv();
  made[`${space}_h`] = hue;
  made[space === 'hsluv' ? 'hsluv_s' : 'hpluv_p'] = saturation;
  made[`${space}_l`] = lightness;
  if (space === 'hsluv') made.hsluvToHex();
  else made.hpluvToHex();
  return made.hex;
}

const known = new Map<string, Tint>();

/**
 * The colours of a person. XEP-0392 gives the hue; saturation and lightness are ours, chosen so that ink on
 * ground has at least 5.5:1 for every hue (HSLuv keeps lightness the same for all hues).
 */
export function tintOf(text: string): Tint {
  const found = known.get(text);
  if (found) return found;
  const hue = hueOf(text);
  const tint: Tint = {
    light: { ground: colour('hpluv', hue, 95, 87), ink: colour('hsluv', hue, 70, 33) },
    dark: { ground: colour('hpluv', hue, 85, 34), ink: colour('hpluv', hue, 95, 91) },
  };
  known.set(text, tint);
  return tint;
}
