/**
 * GHASH (NIST SP 800-38D section 6.4): the authentication of AES-GCM, piece by piece. WebCrypto offers GCM only for data
 * that lies in memory as a whole; with its AES-CTR and this, files of any size pass through in pieces.
 *
 * Tables of eight bits (Shoup): 16 look-ups for a block. The time of a look-up can depend on the data, so this is for files,
 * whose key is used once and where nobody measures us, not for messages.
 */
import type { Bytes } from './engine';

/** What eight bits that leave the block at its end become at its beginning. */
const REDUCTION = /* @__PURE__ */ reduction();

function reduction(): Uint32Array {
  const table = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let high = 0;
    let low = byte;
    for (let i = 0; i < 8; i++) {
      const carry = low & 1;
      low = (low >>> 1) | ((high & 1) << 31);
      high = (high >>> 1) ^ (carry ? 0xe1000000 : 0);
    }
    table[byte] = high;
  }
  return table;
}

export class Ghash {
  /** The 256 multiples of the key, four words each. */
  private readonly table = new Uint32Array(1024);
  private readonly state = new Uint32Array(4);

  /** `key`: 16 bytes, AES of zeros. */
  constructor(key: Uint8Array) {
    const view = new DataView(key.buffer, key.byteOffset, 16);
    let [a, b, c, d] = [view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12)];
    const { table } = this;
    for (let bit = 128; bit > 0; bit >>= 1) {
      table.set([a, b, c, d], bit * 4);
      const carry = d & 1;
      d = (d >>> 1) | (c << 31);
      c = (c >>> 1) | (b << 31);
      b = (b >>> 1) | (a << 31);
      a = (a >>> 1) ^ (carry ? 0xe1000000 : 0);
    }
    for (let i = 2; i < 256; i <<= 1) {
      for (let j = 1; j < i; j++) {
        for (let k = 0; k < 4; k++) table[(i + j) * 4 + k] = word(table, i * 4 + k) ^ word(table, j * 4 + k);
      }
    }
  }

  /** Takes data in; only the last piece may be other than whole blocks, it is filled up with zeros. */
  update(data: Uint8Array): void {
    const whole = data.length & ~15;
    this.blocks(new DataView(data.buffer, data.byteOffset, whole));
    if (whole === data.length) return;
    const last = new Uint8Array(16);
    last.set(data.subarray(whole));
    this.blocks(new DataView(last.buffer));
  }

  private blocks(view: DataView): void {
    const { state, table } = this;
    let a = word(state, 0);
    let b = word(state, 1);
    let c = word(state, 2);
    let d = word(state, 3);
    for (let at = 0; at < view.byteLength; at += 16) {
      const x0 = a ^ view.getUint32(at);
      const x1 = b ^ view.getUint32(at + 4);
      const x2 = c ^ view.getUint32(at + 8);
      const x3 = d ^ view.getUint32(at + 12);
      a = b = c = d = 0;
      // From the last byte to the first: what is there times x^8, and the multiple for the byte.
      for (let i = 0; i < 16; i++) {
        const x = i < 8 ? (i < 4 ? x3 : x2) : i < 12 ? x1 : x0;
        const entry = ((x >>> ((i & 3) << 3)) & 0xff) << 2;
        const out = d & 0xff;
        d = (d >>> 8) ^ (c << 24) ^ word(table, entry | 3);
        c = (c >>> 8) ^ (b << 24) ^ word(table, entry | 2);
        b = (b >>> 8) ^ (a << 24) ^ word(table, entry | 1);
        a = (a >>> 8) ^ word(REDUCTION, out) ^ word(table, entry);
      }
    }
    state[0] = a;
    state[1] = b;
    state[2] = c;
    state[3] = d;
  }

  /** The hash of what was taken in, with the block of lengths that ends it: bytes of ciphertext, no other data. */
  finish(length: number): Bytes {
    this.update(lengths(length));
    const out = new Uint8Array(16);
    const view = new DataView(out.buffer);
    for (let i = 0; i < 4; i++) view.setUint32(4 * i, word(this.state, i));
    return out;
  }
}

/** Two 64-bit numbers of bits: 0, and that of so many bytes. */
function lengths(bytes: number): Bytes {
  const out = new Uint8Array(16);
  new DataView(out.buffer).setBigUint64(8, BigInt(bytes) * 8n);
  return out;
}

function word(array: Uint32Array, index: number): number {
  return array[index] as number;
}
