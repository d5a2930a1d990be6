// SPDX-License-Identifier: AGPL-3.0-or-later

// Times of the core as a worker sees them, bridge and records included, database not. Runs in Node and in
// browsers.

import { Device, V03, V2, must } from "./device.mjs";

const text = "The quick brown fox jumps over the lazy dog, as it has always done and always will, world without end.";

/** Median and minimum of batches, per run, in microseconds. */
function measure(print, name, batches, perBatch, run, prepare = () => undefined) {
  const times = [];
  for (let i = 0; i < batches; i++) {
    const inputs = Array.from({ length: perBatch }, () => prepare());
    const start = performance.now();
    for (const input of inputs) run(input);
    times.push(((performance.now() - start) / perBatch) * 1000);
  }
  times.sort((a, b) => a - b);
  print(`${name.padEnd(20)} ${times[batches >> 1].toFixed(0).padStart(8)} µs  (least ${times[0].toFixed(0)})`);
}

/** Encrypts with the recipients given, as a worker does that has its records in memory. */
function encrypt(from, recipients) {
  const records = from.read(must(from.core.encryptNeeds(recipients)).keys);
  const body = new TextEncoder().encode(text);
  return must(
    from.core.encrypt(records, { kind: "message", body, envelope: body, recipients, policy: "btbv", now: from.now }),
  );
}

/** Measures with a loaded core and prints lines. */
export function bench(core, print) {
  for (const version of [V03, V2]) {
    print(`\n${version}`);
    let alice, bob;
    const send = (from, to) => from.packetFor(to, from.encrypt([{ to, version }], text).elements[0]);
    const connect = () => {
      alice = new Device(core, "alice@example.org", 1);
      bob = new Device(core, "bob@example.org", 2);
      must(bob.decrypt(send(alice, bob)));
      must(alice.decrypt(send(bob, alice)));
      must(bob.decrypt(send(alice, bob)));
    };

    connect();
    const recipients = [{ ...bob.address, version }];
    measure(print, "encrypt in chain", 40, 50, () => alice.write(encrypt(alice, recipients).changes));
    connect(); // bob has not received the messages above
    const packet = () => send(alice, bob);
    measure(print, "decrypt in chain", 40, 50, (p) => must(bob.decrypt(p)), packet);
    measure(print, "ratchet step", 200, 1, (p) => must(bob.decrypt(p)), () => {
      must(alice.decrypt(send(bob, alice)));
      return send(alice, bob);
    });

    const group = Array.from({ length: 100 }, (_, i) => new Device(core, "group@example.org", i + 1));
    const fresh = group.map((to) => ({ ...to.address, version, bundle: to.bundle(version) }));
    let first;
    measure(print, "100 new devices", 10, 1, () => (first = encrypt(alice, fresh)));
    alice.write(first.changes);
    const known = group.map((to) => ({ ...to.address, version }));
    measure(print, "100 known devices", 20, 1, () => alice.write(encrypt(alice, known).changes));

    for (let i = 0; i < 1000; i++) send(alice, bob);
    const late = send(alice, bob);
    const { keys } = must(core.decryptNeeds(late));
    measure(print, "1000 skipped", 10, 1, () => must(core.decrypt(bob.read(keys), late)));
  }
}
