// SPDX-License-Identifier: AGPL-3.0-or-later

// node omemo.mjs WASM_EXEC MODULE
//
// What one message costs in OMEMO 0.3, which both speak: Kith's core, with its bridge to the browser, and libomemo,
// which converse.js has. With the payload; records are in memory.

import { webcrypto } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { Device, V03, must } from "../../../webclient/testdata/device.mjs";
import { load } from "../../../webclient/testdata/load.mjs";

// libomemo is made for browsers, and takes Node for a program of another kind: it needs to be told where its WebAssembly is.
const dist = fileURLToPath(new URL("node_modules/converse.js/dist/", import.meta.url));
Object.assign(globalThis, {
  require: createRequire(import.meta.url),
  __WASM_BASE__: dist,
  fetch: async (path) => new Response(await readFile(path), { headers: { "Content-Type": "application/wasm" } }),
});
const lib = await import(`${dist}libomemo.esm.min.js`);

const text = "The quick brown fox jumps over the lazy dog, as it has always done and always will, world without end.";

/** The median of batches, µs a run. */
async function measure(batches, perBatch, run, prepare = () => undefined) {
  const times = [];
  for (let i = 0; i < batches; i++) {
    const inputs = [];
    for (let j = 0; j < perBatch; j++) inputs.push(await prepare());
    const start = performance.now();
    for (const input of inputs) await run(input);
    times.push(((performance.now() - start) / perBatch) * 1000);
  }
  return times.sort((a, b) => a - b)[batches >> 1];
}

/** Two people who have exchanged messages: { send: from 0 or 1, receive }. */
function kith(core) {
  const people = [new Device(core, "alice@example.org", 1), new Device(core, "bob@example.org", 2)];
  return {
    send: (from) => {
      const to = people[1 - from];
      return people[from].packetFor(to, people[from].encrypt([{ to, version: V03 }], text).elements[0]);
    },
    receive: (to, packet) => must(people[to].decrypt(packet)),
  };
}

async function libomemo() {
  const person = async (name, device) => {
    const store = new lib.InMemoryStore();
    const [identity, registration] = [await lib.KeyHelper.generateIdentityKeyPair(), lib.KeyHelper.generateRegistrationId()];
    store.put("identityKey", identity);
    store.put("registrationId", registration);
    const [pre, signed] = [await lib.KeyHelper.generatePreKey(1), await lib.KeyHelper.generateSignedPreKey(identity, 1, V03)];
    store.storePreKey(1, pre.keyPair);
    store.storeSignedPreKey(1, signed.keyPair);
    return {
      store, address: new lib.OMEMOAddress(name, device),
      bundle: {
        registrationId: registration, identityKey: identity.pubKey,
        signedPreKey: { keyId: 1, publicKey: signed.keyPair.pubKey, signature: signed.signature }, preKey: { keyId: 1, publicKey: pre.keyPair.pubKey },
      },
    };
  };
  const people = [await person("alice@example.org", 1), await person("bob@example.org", 2)];
  await new lib.SessionBuilder(people[0].store, people[1].address, V03).processPreKey(people[1].bundle);
  const ciphers = people.map((p, i) => new lib.SessionCipher(p.store, people[1 - i].address, V03));
  return {
    send: async (from) => {
      const key = await webcrypto.subtle.generateKey({ name: "AES-GCM", length: 128 }, true, ["encrypt", "decrypt"]);
      const iv = webcrypto.getRandomValues(new Uint8Array(12));
      const sealed = new Uint8Array(await webcrypto.subtle.encrypt({ name: "AES-GCM", iv }, key, new TextEncoder().encode(text)));
      const secret = new Uint8Array(32); // the key and the tag (XEP-0384 0.3 section 4.4)
      secret.set(new Uint8Array(await webcrypto.subtle.exportKey("raw", key)));
      secret.set(sealed.subarray(sealed.length - 16), 16);
      return { message: await ciphers[from].encrypt(secret.buffer), iv, payload: sealed.subarray(0, sealed.length - 16) };
    },
    receive: async (to, { message, iv, payload }) => {
      const open = message.type === 3 ? "decryptPreKeyWhisperMessage" : "decryptWhisperMessage";
      const secret = new Uint8Array((await ciphers[to][open](message.body, "binary")).plaintext);
      const key = await webcrypto.subtle.importKey("raw", secret.subarray(0, 16), "AES-GCM", false, ["decrypt"]);
      const sealed = new Uint8Array(payload.length + 16);
      sealed.set(payload);
      sealed.set(secret.subarray(16), payload.length);
      const plain = new TextDecoder().decode(await webcrypto.subtle.decrypt({ name: "AES-GCM", iv }, key, sealed));
      if (plain !== text) throw new Error(`decrypted ${plain}`);
    },
  };
}

async function figures(pair) {
  await pair.receive(1, await pair.send(0));
  await pair.receive(0, await pair.send(1));
  await pair.receive(1, await pair.send(0));
  const encrypt = await measure(30, 20, () => pair.send(0));
  // What was not received is skipped by the next one: a chain that begins anew.
  await pair.receive(0, await pair.send(1));
  const decrypt = await measure(30, 20, (packet) => pair.receive(1, packet), () => pair.send(0));
  const step = await measure(60, 1, (packet) => pair.receive(1, packet), async () => {
    await pair.receive(0, await pair.send(1));
    return pair.send(0);
  });
  return { encrypt, decrypt, step };
}

process.setMaxListeners(0); // libomemo adds one for every instance
const print = console.log;
console.log = () => undefined; // libomemo tells much about itself
const begin = performance.now();
const core = await load();
const started = performance.now() - begin;
const ours = await figures(kith(core));
const theirs = await figures(await libomemo());
print(`\nOMEMO 0.3 in WebAssembly, in Node; the core starts in ${started.toFixed(0)} ms (goal ≤ 300)`);
print(`${"".padEnd(58)}${"Kith".padStart(10)}${"libomemo".padStart(13)}${"ratio".padStart(9)}`);
for (const [name, key] of [["encrypt a message, µs (goal ≤ 50)", "encrypt"], ["decrypt a message, µs (goal ≤ 50)", "decrypt"], ["decrypt an answer (a step of the ratchet), µs (goal ≤ 800)", "step"]]) {
  print(`${name.padEnd(58)}${ours[key].toFixed(0).padStart(10)}${theirs[key].toFixed(0).padStart(13)}${`${(theirs[key] / ours[key]).toFixed(1)}x`.padStart(9)}`);
}
process.exit(0);
