import { describe, expect, it } from 'vitest';
import { inTiles, smallMap, zoomFor } from './mapgrid';

const berlin = { latitude: 52.516275, longitude: 13.377704 };

describe('squares of maps', () => {
  it.each([
    [berlin, 14, 8800, 5373],
    [{ latitude: 0, longitude: 0 }, 1, 1, 1],
    [{ latitude: 85.0511, longitude: -180 }, 4, 0, 0],
    [{ latitude: -33.8568, longitude: 151.2153 }, 10, 942, 614],
  ])('%o at zoom %i', (place, z, x, y) => {
    const at = inTiles(place, z);
    expect([Math.floor(at.x), Math.floor(at.y)]).toEqual([x, y]);
  });

  it('show the place well inside a map', () => {
    for (let i = 0; i < 200; i++) {
      const place = { latitude: -80 + i * 0.8, longitude: -179.9 + i * 1.79 };
      const { tiles, x, y, side } = smallMap(place, 19);
      expect(tiles).toHaveLength(4);
      expect(side).toBe(512);
      for (const at of [x, y]) {
        expect(at).toBeGreaterThanOrEqual(128);
        expect(at).toBeLessThanOrEqual(384);
      }
      // The place is where the squares say.
      const { x: column, y: row } = inTiles(place, 14);
      const holds = tiles.find((tile) => tile.left <= x && x < tile.left + 256 && tile.top <= y && y < tile.top + 256);
      expect([holds?.x, holds?.y]).toEqual([Math.floor(column), Math.floor(row)]);
    }
  });

  it('are the same for all places near each other: where exactly is not told', () => {
    // A square that is half a square further, around which the map is.
    const names = (dx: number, dy: number): string => {
      const longitude = (8800.5 + dx) / 2 ** 14 * 360 - 180;
      const latitude = Math.atan(Math.sinh(Math.PI * (1 - 2 * (5373.5 + dy) / 2 ** 14))) * 180 / Math.PI;
      return smallMap({ latitude, longitude }, 19).tiles.map(({ z, x, y }) => `${z}/${x}/${y}`).join(' ');
    };
    const all = new Set([0.01, 0.3, 0.6, 0.99].flatMap((dx) => [0.01, 0.5, 0.99].map((dy) => names(dx, dy))));
    expect([...all]).toEqual(['14/8800/5373 14/8801/5373 14/8800/5374 14/8801/5374']);
    expect(names(1.01, 0)).not.toBe(names(0.99, 0));
  });

  it('exist at the ends of the world, and go around it', () => {
    for (const latitude of [-90, 90]) {
      for (const longitude of [-180, 180, 179.999, -179.999]) {
        const { tiles, y } = smallMap({ latitude, longitude }, 19);
        expect(y).toBeGreaterThanOrEqual(0);
        expect(y).toBeLessThanOrEqual(512);
        for (const tile of tiles) {
          for (const at of [tile.x, tile.y]) {
            expect(at).toBeGreaterThanOrEqual(0);
            expect(at).toBeLessThan(2 ** tile.z);
          }
        }
        expect(new Set(tiles.map((tile) => tile.x))).toEqual(new Set([16_383, 0]));
      }
    }
    expect(smallMap(berlin, 1).tiles.map(({ z, x, y }) => [z, x, y])).toEqual([[1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1]]);
  });

  it('are as far as the place may be off', () => {
    expect(zoomFor(berlin, 17)).toBe(17);
    expect(zoomFor({ ...berlin, accuracy: 20 }, 17)).toBe(17);
    expect(zoomFor({ ...berlin, accuracy: 5_000 }, 17)).toBe(10);
    expect(zoomFor({ ...berlin, accuracy: 20_037_508 }, 17)).toBe(1);
    for (const accuracy of [1, 50, 300, 2_000, 40_000]) expect(smallMap({ ...berlin, accuracy }, 19).radius).toBeLessThanOrEqual(128);
    expect(smallMap({ ...berlin, accuracy: 300 }, 19).radius).toBeCloseTo(51.6, 0);
  });
});
