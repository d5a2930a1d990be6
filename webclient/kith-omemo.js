// SPDX-License-Identifier: AGPL-3.0-or-later

// The JavaScript half of the bridge to the OMEMO core: loads the WebAssembly module and turns calls with plain
// objects into packed byte strings and back. The format is described in value.go, the face in kith-omemo.d.ts.

const NAMES = [
  "newDeviceId", "create", "identity", "exportSeed", "bundle", "maintain", "signLabel", "verifyLabel",
  "encryptNeeds", "plan", "start", "encrypt", "sealNeeds", "planSeal", "seal", "checkNeeds", "check", "decryptNeeds", "decrypt", "settleNeeds", "settle",
  "session", "sessionKey", "trustKey", "knownKeys", "setTrust",
  "fingerprint", "parseFingerprint", "formatUri", "parseUri",
];

const NULL = 0, FALSE = 1, TRUE = 2, NUMBER = 3, STRING = 4, BYTES = 5, ARRAY = 6, OBJECT = 7;
const END = 0xffffffff;

export async function load(source) {
  const go = new globalThis.Go();
  const wasm = await source;
  const { instance } = wasm instanceof ArrayBuffer || ArrayBuffer.isView(wasm)
    ? await WebAssembly.instantiate(wasm, go.importObject)
    : await WebAssembly.instantiateStreaming(wasm, go.importObject);
  void go.run(instance); // resolves only if the module ends, which it does not
  const { mem, kithOmemoRequest, kithOmemoRun, kithOmemoAnswer } = instance.exports;
  const call = (request) => {
    // The memory may grow in between, which replaces mem.buffer.
    const to = kithOmemoRequest(request.length);
    new Uint8Array(mem.buffer, to, request.length).set(request);
    const length = kithOmemoRun();
    return unpack(new Uint8Array(mem.buffer, kithOmemoAnswer(), length));
  };

  const packer = new Packer();
  const core = {};
  for (const name of NAMES) {
    core[name] = (...args) => {
      try {
        return call(packer.pack([name, ...args]));
      } catch (e) {
        return { error: { code: e instanceof TypeError ? "argument" : "internal", message: String(e) } };
      }
    };
  }
  // Of the hundred one-time prekeys of a bundle one is used: only that one crosses the border.
  for (const [list, names] of [["recipients", ["plan", "start", "encrypt"]], ["targets", ["planSeal", "seal"]]]) {
    for (const name of names) {
      const whole = core[name];
      core[name] = (records, request) => whole(records, Array.isArray(request?.[list])
        ? { ...request, [list]: withOnePreKey(request[list]) } : request);
    }
  }
  for (const name of ["encryptNeeds", "sealNeeds"]) {
    const whole = core[name];
    core[name] = (devices) => whole(withoutBundles(devices));
  }
  return Object.freeze(core);
}

function withOnePreKey(devices) {
  return devices.map((r) => {
    const all = r?.bundle?.preKeys;
    if (!Array.isArray(all) || all.length < 2) return r;
    return { ...r, bundle: { ...r.bundle, preKeys: [all[randomIndex(all.length)]] } };
  });
}

function withoutBundles(devices) {
  return Array.isArray(devices) ? devices.map((r) => (r?.bundle ? { ...r, bundle: undefined } : r)) : devices;
}

/** An index below n, without bias. */
function randomIndex(n) {
  const limit = 2 ** 32 - (2 ** 32 % n);
  const word = new Uint32Array(1);
  do crypto.getRandomValues(word);
  while (word[0] >= limit);
  return word[0] % n;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Packs values into one buffer that grows and is used again. */
class Packer {
  constructor() {
    this.resize(1 << 14);
  }

  resize(size) {
    const grown = new Uint8Array(size);
    if (this.bytes) grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  /** Makes room for n more bytes. */
  room(n) {
    if (this.length + n > this.bytes.length) this.resize(Math.max(2 * this.bytes.length, this.length + n));
  }

  pack(value) {
    this.length = 0;
    try {
      this.value(value, 0);
      return this.bytes.subarray(0, this.length);
    } catch (e) {
      if (e instanceof RangeError) throw new TypeError("arguments are too large");
      throw e;
    }
  }

  kind(kind, n) {
    this.room(5);
    this.bytes[this.length++] = kind;
    if (n !== undefined) this.uint32(n);
  }

  uint32(n) {
    this.room(4);
    this.view.setUint32(this.length, n, true);
    this.length += 4;
  }

  string(s) {
    this.room(4 + 3 * s.length);
    const start = this.length + 4;
    let end = start;
    for (let i = 0; i < s.length; i++) {
      const c = s.charCodeAt(i);
      if (c > 0x7f) {
        end = start + encoder.encodeInto(s, this.bytes.subarray(start)).written;
        break;
      }
      this.bytes[end++] = c;
    }
    this.view.setUint32(this.length, end - start, true);
    this.length = end;
  }

  value(v, depth) {
    if (depth > 8) throw new TypeError("arguments are nested too deeply");
    if (v === null || v === undefined) return this.kind(NULL);
    switch (typeof v) {
      case "boolean":
        return this.kind(v ? TRUE : FALSE);
      case "number":
        this.room(9);
        this.bytes[this.length] = NUMBER;
        this.view.setFloat64(this.length + 1, v, true);
        this.length += 9;
        return;
      case "string":
        this.kind(STRING);
        return this.string(v);
      case "object":
        break;
      default:
        throw new TypeError(`cannot pass a ${typeof v}`);
    }
    if (v instanceof Uint8Array) {
      this.kind(BYTES, v.length);
      this.room(v.length);
      this.bytes.set(v, this.length);
      this.length += v.length;
      return;
    }
    if (Array.isArray(v)) {
      const start = this.begin(ARRAY);
      this.uint32(v.length);
      for (const item of v) this.value(item, depth + 1);
      return this.end(start);
    }
    const start = this.begin(OBJECT);
    for (const [name, item] of Object.entries(v)) {
      if (item === undefined) continue;
      this.string(name);
      this.value(item, depth + 1);
    }
    this.end(start);
  }

  /** What follows is as long as is known at its end. */
  begin(kind) {
    this.kind(kind, 0);
    return this.length;
  }

  end(start) {
    this.view.setUint32(start - 4, this.length - start, true);
  }
}

/** Unpacks a result. Byte strings are copied, so that each can be stored by itself. */
function unpack(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const uint32 = () => {
    at += 4;
    return view.getUint32(at - 4, true);
  };
  const string = (length) => {
    const end = at + length;
    if (length < 64) {
      let s = "";
      let i = at;
      while (i < end && bytes[i] < 0x80) s += String.fromCharCode(bytes[i++]);
      if (i === end) {
        at = end;
        return s;
      }
    }
    const s = decoder.decode(bytes.subarray(at, end));
    at = end;
    return s;
  };
  const value = () => {
    switch (bytes[at++]) {
      case NULL:
        return null;
      case FALSE:
        return false;
      case TRUE:
        return true;
      case NUMBER:
        at += 8;
        return view.getFloat64(at - 8, true);
      case STRING:
        return string(uint32());
      case BYTES: {
        const length = uint32();
        at += length;
        return bytes.slice(at - length, at);
      }
      case ARRAY:
        return Array.from({ length: uint32() }, value);
      case OBJECT: {
        const object = {};
        for (let length = uint32(); length !== END; length = uint32()) object[string(length)] = value();
        return object;
      }
      default:
        throw new Error("result of the core is damaged");
    }
  };
  return value();
}
