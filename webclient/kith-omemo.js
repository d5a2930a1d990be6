// SPDX-License-Identifier: AGPL-3.0-or-later

// The JavaScript half of the bridge to the OMEMO core: loads the WebAssembly module and turns calls with plain
// objects into packed byte strings and back. The format is described in value.go, the face in kith-omemo.d.ts.

/** The functions by their number (call.go). */
const FUNCTIONS = [
  "newDeviceId", "create", "identity", "exportSeed", "bundle", "maintain", "signLabel", "verifyLabel", "encrypt", "planSeal", "seal",
  "check", "decrypt", "settleNeeds", "settle", "knownKeys", "setTrust", "formatUri", "parseUri",
];
/** Those that have no stored records as their first argument. */
const WITHOUT_RECORDS = new Set(["newDeviceId", "create", "verifyLabel", "formatUri", "parseUri"]);
/** The names of properties by their number (names.go). Of the first few the value is a word. */
const NAMES = [
  "version", "policy", "kind", "trust", "now", "jid", "device", "key", "reason", "keys", "changes", "value", "v03", "v2", "v2Failed",
  "allowWeaker", "renew", "bundle", "targets", "body", "content", "to", "dropStale", "withdrawn", "fallback", "known", "firstSeen", "from",
  "self", "group", "sentAt", "ownListed", "senderListed", "affixes", "time", "recipients", "devices", "level", "findings", "seed",
  "catchUp", "taken", "label", "signature", "uri", "identityKey", "signedPreKeyId", "signedPreKey", "signedPreKeySignature", "preKeys",
  "id", "publish", "text", "data", "iv", "payload", "plaintext", "transportKey", "newKey", "keyChanged", "newSession", "preKeyUsed", "due",
  "envelope", "skipped", "elements", "keyExchange", "unanswered", "messages", "element", "error", "code", "message", "property",
];
const OF_WORDS = 4;
/** Strings of which there are only a few. */
const WORDS = [
  "eu.siacs.conversations.axolotl", "urn:xmpp:omemo:2", "btbv", "ask", "message", "empty", "keyTransport", "undecided", "blind",
  "verified", "distrusted",
];
const NUMBERS = new Map(NAMES.map((name, i) => [name, i]));
const WORD_NUMBERS = new Map(WORDS.map((word, i) => [word, i]));

const NULL = 0, FALSE = 1, TRUE = 2, NUMBER = 3, STRING = 4, BYTES = 5, ARRAY = 6, OBJECT = 7, WORD = 8, RECORDS = 9;
const END = 0xff;

export async function load(source) {
  const go = new globalThis.Go();
  // Garbage is collected between calls (main.go), unless one should need as much as this.
  go.env = { GOGC: "off", GOMEMLIMIT: "64MiB" };
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
  for (const [number, name] of FUNCTIONS.entries()) {
    const withRecords = !WITHOUT_RECORDS.has(name);
    core[name] = (...args) => {
      try {
        const answer = call(packer.pack(number, args, withRecords));
        if (answer.error?.property !== undefined) {
          const { code, message, property } = answer.error;
          answer.error = { code, message: `${NAMES[property]} ${message}` };
        }
        return answer;
      } catch (e) {
        return { error: { code: e instanceof TypeError ? "argument" : "internal", message: String(e) } };
      }
    };
  }
  // Of the hundred one-time prekeys of a bundle one is used: only that one crosses the border.
  for (const [list, names] of [["recipients", ["encrypt"]], ["targets", ["planSeal", "seal"]]]) {
    for (const name of names) {
      const whole = core[name];
      core[name] = (records, request) => whole(records, Array.isArray(request?.[list])
        ? { ...request, [list]: withOnePreKey(request[list]) } : request);
    }
  }
  return Object.freeze({ ...core, ...needs });
}

function withOnePreKey(devices) {
  return devices.map((r) => {
    const all = r?.bundle?.preKeys;
    if (!Array.isArray(all) || all.length < 2) return r;
    return { ...r, bundle: { ...r.bundle, preKeys: [all[randomIndex(all.length)]] } };
  });
}

const V03 = WORDS[0], V2 = WORDS[1];
const sessionKey = ({ jid, device }, version) => `session/${jid}/${device}/${version === V2 ? 2 : 1}`;
const trustKey = (jid) => `trust/${jid}`;

/** Which records a function needs follows from its arguments alone, so that nobody has to be asked (omemo: EncryptNeeds and so on). */
const needs = Object.fromEntries(Object.entries({
  encryptNeeds: (recipients) => ["identity", ...recipients.flatMap((to) => [sessionKey(to, to.version), trustKey(to.jid)])],
  // With which version each will be addressed is decided by all of these.
  sealNeeds: (targets) => ["identity", ...targets.flatMap((to) => [sessionKey(to, V2), sessionKey(to, V03), trustKey(to.jid)])],
  checkNeeds: ({ self, from: { jid } }) => ["identity", trustKey(self), trustKey(jid)],
  decryptNeeds: ({ jid, device, version, data }) => {
    const keys = ["identity", sessionKey({ jid, device }, version), trustKey(jid), "due"];
    // Only a key exchange needs prekeys. A message begins with its field 1, which is a byte string.
    const [first, second] = data;
    return (version === V2 ? first : second) === 0x0a ? keys : [...keys, "prekeys"];
  },
}).map(([name, of]) => [name, (request) => {
  try {
    return { keys: [...new Set(of(request))] };
  } catch (e) {
    return { error: { code: "argument", message: String(e) } };
  }
}]));

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

  pack(number, args, withRecords) {
    this.length = 0;
    try {
      this.kind(number);
      for (let i = 0; i < args.length; i++) {
        if (i === 0 && withRecords) this.records(args[i]);
        else this.value(args[i], 0);
      }
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
    for (const name in v) {
      const number = NUMBERS.get(name);
      const item = v[name];
      if (number === undefined || item === undefined) continue;
      this.kind(number);
      const word = number < OF_WORDS && typeof item === "string" ? WORD_NUMBERS.get(item) : undefined;
      if (word === undefined) {
        this.value(item, depth + 1);
      } else {
        this.kind(WORD);
        this.kind(word);
      }
    }
    this.end(start);
  }

  /** An object as stored records by their keys. */
  records(v) {
    if (typeof v !== "object" || v === null) throw new TypeError("records must be an object");
    const start = this.begin(RECORDS);
    for (const [name, item] of Object.entries(v)) {
      if (item === undefined) continue;
      this.string(name);
      this.value(item, 1);
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
      case WORD:
        return WORDS[bytes[at++]];
      case ARRAY: {
        const list = [];
        for (let length = uint32(); length > 0; length--) list.push(value());
        return list;
      }
      case OBJECT: {
        const object = {};
        for (let name = bytes[at++]; name !== END; name = bytes[at++]) object[NAMES[name]] = value();
        return object;
      }
      default:
        throw new Error("result of the core is damaged");
    }
  };
  return value();
}
