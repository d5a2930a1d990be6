import { describe, expect, it } from 'vitest';
import type { SealedElement } from './engine';
import { seenDigest, sentDigest, type SeenElement } from './sent';

const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => Uint8Array.from(values);
const key = (jid: string, device: number, data: number) => ({ jid, device, data: bytes(data), keyExchange: false, fingerprint: '', trust: 'trusted' as const });

const sent: SealedElement[] = [
  { version: 2, payload: bytes(1, 2), keys: [key('a@x', 1, 1), key('b@x', 1, 2)] },
  { version: 1, iv: bytes(9), payload: bytes(3), keys: [key('c@x', 1, 3), key('d@x', 2, 4)] },
];

function seen(change?: (elements: { [K in keyof SeenElement]: SeenElement[K] }[]) => void): SeenElement[] {
  const elements = structuredClone(sent).map(({ version, iv, payload, keys }) => ({
    version, sid: 7, ...(iv && { iv }), ...(payload && { payload }),
    keys: keys.map(({ jid, device, data }) => ({ ...(version === 2 && { jid }), device, data })),
  }));
  change?.(elements);
  return elements;
}

describe('what comes back', () => {
  it('is what was sent, in any order', async () => {
    expect(await seenDigest(seen())).toEqual(await sentDigest(7, sent));
    expect(await seenDigest(seen((elements) => {
      elements.reverse();
      for (const element of elements) Object.assign(element, { keys: element.keys.toReversed() });
    }))).toEqual(await sentDigest(7, sent));
  });

  it.each<[string, (elements: Parameters<NonNullable<Parameters<typeof seen>[0]>>[0]) => void]>([
    ['a key taken out', (e) => Object.assign(e[0] ?? {}, { keys: e[0]?.keys.slice(1) })],
    ['a key put in', (e) => Object.assign(e[1] ?? {}, { keys: [...(e[1]?.keys ?? []), { device: 9, data: bytes(1) }] })],
    ['a key changed', (e) => e[0]?.keys[0]?.data.fill(9)],
    ['a key given to another', (e) => Object.assign(e[0]?.keys[0] ?? {}, { jid: 'b@x' })],
    ['another payload', (e) => e[1]?.payload?.fill(9)],
    ['no payload', (e) => Reflect.deleteProperty(e[1] ?? {}, 'payload')],
    ['another iv', (e) => e[1]?.iv?.fill(8)],
    ['another sender', (e) => Object.assign(e[0] ?? {}, { sid: 8 })],
    ['an element taken out', (e) => e.pop()],
  ])('is not: %s', async (_, change) => {
    expect(await seenDigest(seen((elements) => { change(elements); }))).not.toEqual(await sentDigest(7, sent));
  });
});
