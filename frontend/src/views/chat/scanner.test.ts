import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { scan } from './scanner';

const stop = vi.fn();

beforeEach(() => {
  stop.mockClear();
  vi.stubGlobal('BarcodeDetector', class {
    static getSupportedFormats = (): Promise<string[]> => Promise.resolve(['qr_code']);
    detect = (): Promise<{ rawValue: string }[]> => Promise.resolve([{ rawValue: 'a code' }]);
  });
  vi.stubGlobal('navigator', { mediaDevices: { getUserMedia: () => Promise.resolve({ getTracks: () => [{ stop }] }) } });
});
afterEach(() => vi.unstubAllGlobals());

const video = (play: () => Promise<void>): HTMLVideoElement => ({ srcObject: null, play } as unknown as HTMLVideoElement);

test('what the camera sees is told until it is ended', async () => {
  const looking = new AbortController();
  const found = await new Promise<string>((resolve) => { void scan(video(() => Promise.resolve()), resolve, looking.signal); });
  expect(found).toBe('a code');
  expect(stop).not.toHaveBeenCalled();
  looking.abort();
  expect(stop).toHaveBeenCalled();
});

test('the camera does not stay on where it cannot be shown', async () => {
  const place = video(() => Promise.reject(new DOMException('the place is gone', 'AbortError')));
  await expect(scan(place, () => undefined, new AbortController().signal)).rejects.toMatchObject({ name: 'AbortError' });
  expect(stop).toHaveBeenCalled();
  expect(place.srcObject).toBeNull();
});

test.each(['before it was allowed', 'before it was shown'])('the camera goes off when nobody looks any more: %s', async (when) => {
  const looking = new AbortController();
  const never = new Promise<void>(() => undefined);
  const scanning = scan(video(() => {
    looking.abort();
    return when === 'before it was shown' ? never : Promise.resolve();
  }), () => undefined, looking.signal).catch(() => undefined);
  if (when === 'before it was allowed') looking.abort();
  await vi.waitFor(() => expect(stop).toHaveBeenCalled());
  if (when === 'before it was allowed') await scanning;
});
