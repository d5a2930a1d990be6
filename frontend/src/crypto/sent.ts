/**
 * Whether what came back is what was sent: the copy that a room reflects, and the one in the own archive. Nobody else
 * would notice that a key was taken out on the way, or the payload of a 0.3 message replaced.
 */
import type { Bytes, SealedElement } from './engine';

/** An `<encrypted>` as it stands in a stanza. */
export interface SeenElement {
  readonly version: 1 | 2;
  readonly sid: number;
  readonly iv?: Bytes;
  readonly payload?: Bytes;
  /** `jid` in omemo:2 only. */
  readonly keys: readonly { readonly jid?: string; readonly device: number; readonly data: Bytes }[];
}

/** What is kept with a sent message, 32 bytes: a hash over its `<encrypted>` elements, whatever their order. */
export async function sentDigest(device: number, elements: readonly SealedElement[]): Promise<Bytes> {
  return digest(elements.map(({ version, iv, payload, keys }) => ({
    version, sid: device, ...(iv && { iv }), ...(payload && { payload }), keys,
  })));
}

/** The same over what was received. */
export async function seenDigest(elements: readonly SeenElement[]): Promise<Bytes> {
  return digest(elements);
}

async function digest(elements: readonly SeenElement[]): Promise<Bytes> {
  const parts: string[] = [];
  for (const { version, sid, iv, payload, keys } of elements) {
    const lines = await Promise.all(keys.map(async ({ jid, device, data }) =>
      `${version === 2 ? jid ?? '' : ''}\n${device}\n${await hash(data)}`));
    parts.push([version, sid, iv ? await hash(iv) : '', payload ? await hash(payload) : '', ...lines.toSorted()].join('\n\n'));
  }
  const text = new TextEncoder().encode(parts.toSorted().join('\n\n\n'));
  return new Uint8Array(await crypto.subtle.digest('SHA-256', text));
}

async function hash(data: Bytes): Promise<string> {
  let out = '';
  for (const byte of new Uint8Array(await crypto.subtle.digest('SHA-256', data))) out += byte.toString(16).padStart(2, '0');
  return out;
}
