/**
 * Encryption at rest: AES-256-GCM under a key that the browser keeps and never hands out. It protects copies of the
 * profile's files, not against code that runs in this origin.
 */
import type { Bytes } from './engine';

export interface Sealed {
  readonly iv: Bytes;
  readonly data: Bytes;
}

const encoder = new TextEncoder();

export function newSealKey(): Promise<CryptoKey> {
  return crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
}

/** Seals and opens values under names: what was sealed under one name cannot be opened under another. */
export class Sealer {
  constructor(private readonly key: CryptoKey, private readonly store: string) {}

  async seal(name: string, value: Bytes): Promise<Sealed> {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const data = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: this.context(name) }, this.key, value);
    return { iv, data: new Uint8Array(data) };
  }

  /** Rejects with an OperationError when the record was damaged or exchanged. */
  async open(name: string, sealed: Sealed): Promise<Bytes> {
    const parameters = { name: 'AES-GCM', iv: sealed.iv, additionalData: this.context(name) };
    return new Uint8Array(await crypto.subtle.decrypt(parameters, this.key, sealed.data));
  }

  private context(name: string): Bytes {
    return encoder.encode(`${this.store}\n${name}`);
  }
}
