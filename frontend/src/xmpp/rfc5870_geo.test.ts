import { describe, expect, it } from 'vitest';
import { formatGeo, parseGeo } from './rfc5870_geo';

describe('places as geo: URIs', () => {
  it.each([
    // RFC 5870, sections 6.1 to 6.3 and 3.4.4
    ['geo:13.4125,103.8667', { latitude: 13.4125, longitude: 103.8667 }],
    ['geo:48.2010,16.3695,183', { latitude: 48.201, longitude: 16.3695 }],
    ['geo:48.198634,16.371648;crs=wgs84;u=40', { latitude: 48.198634, longitude: 16.371648, uncertainty: 40 }],
    ['geo:90,-22.43;crs=WGS84', { latitude: 90, longitude: -22.43 }],
    ['geo:66,30;u=6.500;FOo=this%2dthat', { latitude: 66, longitude: 30, uncertainty: 6.5 }],
    ['geo:70,20;foo=1.00;bar=white', { latitude: 70, longitude: 20 }],
    ['geo:22.300,-118.44', { latitude: 22.3, longitude: -118.44 }],
    ['geo:45,-180;flag', { latitude: 45, longitude: -180 }],
    // What messengers send
    ['geo:52.5162746,13.3777041', { latitude: 52.5162746, longitude: 13.3777041 }],
    ['geo:52.5162746,13.3777041;u=12', { latitude: 52.5162746, longitude: 13.3777041, uncertainty: 12 }],
    ['  GEO:-33.8568,151.2153?z=17\n', { latitude: -33.8568, longitude: 151.2153 }],
    ['geo:0,0?q=-33.8568,151.2153(Sydney%20Opera%20House)', { latitude: -33.8568, longitude: 151.2153, name: 'Sydney Opera House' }],
    ['geo:1,2?q=1,2(Home+sweet+home)&z=12', { latitude: 1, longitude: 2, name: 'Home sweet home' }],
    ['geo:1,2?q=pizza', { latitude: 1, longitude: 2 }],
    ['geo:1,2;name=Caf%C3%A9%20M%C3%BCller', { latitude: 1, longitude: 2, name: 'Café Müller' }],
    ['geo:1,2;name=%F0%9F%8F%96%EF%B8%8F', { latitude: 1, longitude: 2, name: '🏖️' }],
    ['geo:-0,-0.0', { latitude: 0, longitude: 0 }],
    ['geo:1,2;u=0', { latitude: 1, longitude: 2 }],
    ['geo:1,2;u=999999999', { latitude: 1, longitude: 2, uncertainty: 20_037_508 }],
  ])('reads %s', (text, place) => {
    expect(parseGeo(text)).toEqual(place);
  });

  it.each([
    '', 'geo:', 'geo:1', 'geo:1,', 'geo:,1', 'geo:1,2,', 'geo:a,b', 'geo:1;2', 'geo:+1,2', 'geo:1e1,2', 'geo:.5,2', 'geo:1.,2', 'geo:0x1,2', 'geo: 1,2', 'geo:1, 2', 'geo:NaN,2', 'geo:Infinity,2',
    'geo:90.1,0', 'geo:-91,0', 'geo:0,180.5', 'geo:0,-181', 'geo:1000,2', `geo:1.${'1'.repeat(31)},2`,
    'geo:1,2;crs=nad83', 'geo:1,2;crs', 'geo:1,2;u=-5', 'geo:1,2;u=x', 'geo:1,2;u', 'geo:1,2;u=1;u=2', 'geo:1,2;;', 'geo:1,2;=x', 'geo:1,2;name=%', 'geo:1,2;name=%zz', 'geo:1,2;na me=x', 'geo:1,2;name=a b',
    'geo:1,2?q=<script>', 'geo:1,2?q=%', 'geo:0,0?q=Sydney', 'geo:1,2 and more', 'I am at geo:1,2', 'geo:1,2\ngeo:3,4', 'http:geo:1,2', 'geo//1,2', 'geo:1,2#here', `geo:1,2;name=${'a'.repeat(2000)}`, `geo:1,2?q=${'%41'.repeat(700)}`,
  ])('takes %j for text', (text) => {
    expect(parseGeo(text)).toBeUndefined();
  });

  it('passes over a name that is no text', () => {
    expect(parseGeo('geo:1,2;name=%ff%fe')).toEqual({ latitude: 1, longitude: 2 });
  });

  it('keeps names to one line that turns nothing around', () => {
    expect(parseGeo(`geo:1,2;name=${encodeURIComponent('\u202eone\n\ttwo\u2066 \u0000three')}`)?.name).toBe('one two three');
    expect([...parseGeo(`geo:1,2;name=${encodeURIComponent('é'.repeat(150))}`)?.name ?? '']).toHaveLength(100);
  });

  it('writes what it reads, as Conversations reads it', () => {
    // The expression by which Conversations and its kin know a place.
    const conversations = /^geo:(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)(?:,-?\d+(?:\.\d+)?)?(?:;crs=[\w-]+)?(?:;u=\d+(?:\.\d+)?)?(?:;[\w-]+=(?:[\w\-.!~*'()]|%[\da-f][\da-f])+)*(\?z=\d+)?$/i;
    for (const place of [
      { latitude: 52.516275, longitude: 13.377704 }, { latitude: -33.8568, longitude: -151.2153, uncertainty: 12 },
      { latitude: 0, longitude: 0, name: "Bob's (old) café; 3/4 & “more”?" }, { latitude: 90, longitude: 180, uncertainty: 3, name: '🏖️' },
    ]) {
      const uri = formatGeo(place);
      expect(uri).toMatch(conversations);
      expect(parseGeo(uri)).toEqual(place);
    }
    expect(formatGeo({ latitude: 1e-7, longitude: -1e-7, uncertainty: 12.2 })).toBe('geo:0.000000,0.000000;u=13');
    expect(formatGeo({ latitude: 1, longitude: 2, uncertainty: 0, name: ' ' })).toBe('geo:1.000000,2.000000');
    expect(formatGeo({ latitude: 1, longitude: 2, name: '\ud800' })).toBe('geo:1.000000,2.000000;name=%EF%BF%BD');
  });

  it('survives garbage, quickly', () => {
    const parts = ['geo:', '1', ',', '-', '.', ';', '=', 'u', 'crs', 'wgs84', 'name', '%', '41', '?', 'q', '&', '(', ')', ' ', '\u202e', '٣'];
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let i = 0; i < 20_000; i++) {
      const text = `geo:${Array.from({ length: random(16) }, () => parts[random(parts.length)]).join('')}`;
      const place = parseGeo(text);
      if (!place) continue;
      expect(Math.abs(place.latitude)).toBeLessThanOrEqual(90);
      expect(Math.abs(place.longitude)).toBeLessThanOrEqual(180);
      expect(parseGeo(formatGeo(place))?.name).toBe(place.name);
    }
    expect(parseGeo(`geo:1,2?${'a'.repeat(1900)}<`)).toBeUndefined();
  });
});
