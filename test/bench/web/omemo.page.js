// SPDX-License-Identifier: AGPL-3.0-or-later

// In the page: what OMEMO costs in Kith's core, with its bridge to the browser, and in libomemo, which converse.js has. With the
// payload, and with records in memory. Times are those of the best batch, so that what else the machine does counts little.

import { Device, V03, V2, must } from "./device.mjs";
import { load } from "./kith-omemo.js";
import * as lib from "./libomemo.esm.min.js";

const text = "The quick brown fox jumps over the lazy dog, as it has always done and always will, world without end.";
const CROWD = 100;

/** The best batch, ms a run. Batches are prepared outside the clock. */
async function measure(batches, perBatch, run, prepare = () => undefined) {
  let best = Infinity;
  for (let i = 0; i < batches; i++) {
    const inputs = [];
    for (let j = 0; j < perBatch; j++) inputs.push(await prepare());
    const start = performance.now();
    for (const input of inputs) {
      const pending = run(input);
      if (pending instanceof Promise) await pending;
    }
    best = Math.min(best, (performance.now() - start) / perBatch);
  }
  return best;
}

/** Two people: { send: from 0 or 1, receive }. */
function kithPair(core, version) {
  const people = [new Device(core, "alice@example.org", 1), new Device(core, "bob@example.org", 2)];
  return {
    send: (from) => {
      const to = people[1 - from];
      return people[from].packetFor(to, people[from].encrypt([{ to, version }], text).elements[0]);
    },
    receive: (to, packet) => must(people[to].decrypt(packet)),
  };
}

/** One sender who has never written to any of many devices: { send }. */
function kithCrowd(core) {
  const alice = new Device(core, "alice@example.org", 1);
  const bundled = [];
  for (let i = 0; i < CROWD; i++) {
    const bob = new Device(core, `bob${i}@example.org`, i + 2);
    const bundle = bob.bundle(V03); // as it was fetched
    bundled.push({ to: { ...bob, bundle: () => bundle }, version: V03 });
  }
  return { send: () => alice.encrypt(bundled, text) };
}

async function libPerson(name, device) {
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
}

/** The payload, and the key and tag that the ratchet carries (XEP-0384 0.3 section 4.4). */
async function libPayload() {
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 128 }, true, ["encrypt", "decrypt"]);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, new TextEncoder().encode(text)));
  const secret = new Uint8Array(32);
  secret.set(new Uint8Array(await crypto.subtle.exportKey("raw", key)));
  secret.set(sealed.subarray(sealed.length - 16), 16);
  return { secret: secret.buffer, iv, payload: sealed.subarray(0, sealed.length - 16) };
}

async function libPair() {
  const people = [await libPerson("alice@example.org", 1), await libPerson("bob@example.org", 2)];
  await new lib.SessionBuilder(people[0].store, people[1].address, V03).processPreKey(people[1].bundle);
  const ciphers = people.map((p, i) => new lib.SessionCipher(p.store, people[1 - i].address, V03));
  return {
    send: async (from) => {
      const { secret, iv, payload } = await libPayload();
      return { message: await ciphers[from].encrypt(secret), iv, payload };
    },
    receive: async (to, { message, iv, payload }) => {
      const open = message.type === 3 ? "decryptPreKeyWhisperMessage" : "decryptWhisperMessage";
      const secret = new Uint8Array((await ciphers[to][open](message.body, "binary")).plaintext);
      const key = await crypto.subtle.importKey("raw", secret.subarray(0, 16), "AES-GCM", false, ["decrypt"]);
      const sealed = new Uint8Array(payload.length + 16);
      sealed.set(payload);
      sealed.set(secret.subarray(16), payload.length);
      const plain = new TextDecoder().decode(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, sealed));
      if (plain !== text) throw new Error(`decrypted ${plain}`);
    },
  };
}

async function libCrowd() {
  const alice = await libPerson("alice@example.org", 1);
  const people = [];
  for (let i = 0; i < CROWD; i++) people.push(await libPerson(`bob${i}@example.org`, i + 2));
  const ciphers = new Map();
  return {
    send: async () => {
      const { secret } = await libPayload();
      for (const { address, bundle } of people) {
        if (!ciphers.has(address)) {
          await new lib.SessionBuilder(alice.store, address, V03).processPreKey(bundle);
          ciphers.set(address, new lib.SessionCipher(alice.store, address, V03));
        }
        await ciphers.get(address).encrypt(secret);
      }
    },
  };
}

/** Two who have a session in both directions. */
async function acquainted(pair) {
  const two = await pair();
  await two.receive(1, await two.send(0));
  await two.receive(0, await two.send(1));
  await two.receive(1, await two.send(0));
  return two;
}

/** All in ms. */
async function figures(make, crowd) {
  const writer = await acquainted(make); // nobody reads what is written here, so the keys that are skipped are in nobody's way
  const encrypt = await measure(40, 50, () => writer.send(0));
  const pair = await acquainted(make);
  const decrypt = await measure(40, 50, (packet) => pair.receive(1, packet), () => pair.send(0));
  const step = await measure(30, 10, async () => {
    // There and back: two steps, each with its sending.
    await pair.receive(0, await pair.send(1));
    await pair.receive(1, await pair.send(0));
  }) / 2 - encrypt;
  const crowds = [];
  for (let i = 0; i < 3; i++) crowds.push(await crowd());
  const fresh = await measure(3, 1, (one) => one.send(), () => crowds.pop());
  const many = await crowd();
  await many.send();
  const known = await measure(10, 1, () => many.send());
  return { encrypt, decrypt, step, fresh, known };
}

/** MiB that the module has taken after having a thousand sessions and sending to them. */
async function memory() {
  let exports;
  const whole = WebAssembly.instantiateStreaming;
  WebAssembly.instantiateStreaming = async (...args) => {
    const made = await whole.apply(WebAssembly, args);
    exports = made.instance.exports;
    return made;
  };
  const core = await load(fetch("kith-omemo.wasm"));
  WebAssembly.instantiateStreaming = whole;
  const alice = new Device(core, "alice@example.org", 1);
  for (let i = 0; i < 1000; i++) {
    const bob = new Device(core, `bob${i}@example.org`, i + 2);
    const to = [{ to: bob, version: V03 }];
    for (let j = 0; j < 2; j++) must(bob.decrypt(alice.packetFor(bob, alice.encrypt(to, text).elements[0])));
  }
  return exports.mem.buffer.byteLength / 2 ** 20;
}

/** libomemo fetches its WebAssembly for every operation on the curve: it comes from memory here, as only computing is compared. */
async function fetchedOnce(path) {
  const network = globalThis.fetch;
  const module = await (await network(path)).arrayBuffer();
  globalThis.fetch = (url, ...rest) => String(url).endsWith(path)
    ? Promise.resolve(new Response(module, { headers: { "Content-Type": "application/wasm" } })) : network(url, ...rest);
}

export async function run() {
  await fetchedOnce("curve25519_compiled.wasm");
  const starts = [];
  for (let i = 0; i < 5; i++) {
    const begin = performance.now();
    const core = await load(fetch("kith-omemo.wasm"));
    must(core.parseUri("xmpp:alice@example.org"));
    starts.push(performance.now() - begin);
  }
  const core = await load(fetch("kith-omemo.wasm"));
  return {
    start: starts.sort((a, b) => a - b)[2],
    memory: await memory(),
    old: await figures(() => kithPair(core, V03), () => kithCrowd(core)),
    two: await figures(() => kithPair(core, V2), () => kithCrowd(core)),
    theirs: await figures(libPair, libCrowd),
  };
}
