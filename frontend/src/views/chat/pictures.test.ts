import { afterEach, expect, test, vi } from 'vitest';
import { prepare } from './pictures';

afterEach(() => vi.unstubAllGlobals());

test.each(['convertToBlob', 'drawImage'])('a photo goes out as it is when the browser fails to make it smaller: %s', async (what) => {
  const close = vi.fn();
  const fail = (): never => { throw new DOMException('no memory', 'EncodingError'); };
  vi.stubGlobal('createImageBitmap', () => Promise.resolve({ width: 4000, height: 3000, close }));
  vi.stubGlobal('OffscreenCanvas', class {
    getContext(): unknown {
      return { drawImage: what === 'drawImage' ? fail : () => undefined };
    }
    convertToBlob(): Promise<Blob> {
      return what === 'convertToBlob' ? Promise.reject(new DOMException('no memory', 'EncodingError')) : Promise.resolve(new Blob());
    }
  });
  const photo = new File(['photo'], 'lake.jpg', { type: 'image/jpeg' });
  expect(await prepare(photo)).toEqual({ data: photo, name: 'lake.jpg', width: 4000, height: 3000 });
  expect(close).toHaveBeenCalled();
});
