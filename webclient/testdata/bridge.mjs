// SPDX-License-Identifier: AGPL-3.0-or-later

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { Device, V03, V2, must } from "./device.mjs";
import { load } from "./load.mjs";

const core = await load();
const text = (result) => new TextDecoder("utf-8", { fatal: true }).decode(must(result).plaintext);
const failure = (result) => result.error?.code;

const alice = new Device(core, "alice@example.org", 1);
const tablet = new Device(core, "alice@example.org", 2);
const bob = new Device(core, "bob@example.org", 3);

// The declaration, the loader and the module have the same functions.
{
  const declaration = await readFile(new URL("../kith-omemo.d.ts", import.meta.url), "utf8");
  const face = declaration.slice(declaration.indexOf("interface KithOmemo"));
  const declared = [...face.matchAll(/^  (\w+)\(/gm)].map((m) => m[1]);
  assert.deepEqual(declared.toSorted(), Object.keys(core).toSorted());
  for (const name of declared) {
    const { error } = core[name]();
    assert.equal(error.code, "argument");
    assert.doesNotMatch(error.message, /no such function/);
  }
}

// A message to two devices in different versions, in one call.
{
  const sent = alice.encrypt([{ to: bob, version: V03 }, { to: tablet, version: V2 }], "Grüße 🔒");
  assert.equal(sent.device, 1);
  assert.deepEqual(sent.skipped, []);
  assert.deepEqual(sent.elements.map((e) => [e.version, e.keys.length, e.keys[0].keyExchange, e.iv?.length]), [
    [V2, 1, true, undefined],
    [V03, 1, true, 12],
  ]);
  const got = bob.decrypt(alice.packetFor(bob, sent.elements[1]));
  assert.equal(text(got), "Grüße 🔒");
  assert.deepEqual(
    [got.newSession, got.preKeyUsed, got.due, got.newKey, got.keyChanged, got.trust],
    [true, true, true, true, false, "blind"],
  );
  assert.deepEqual(got.key, must(core.identity(alice.read(["identity"]))).key);
  assert.equal(text(tablet.decrypt(alice.packetFor(tablet, sent.elements[0]))), "Grüße 🔒");

  // A repetition is recognised and changes nothing.
  const before = new Map(bob.store);
  assert.equal(failure(bob.decrypt(alice.packetFor(bob, sent.elements[1]))), "duplicate");
  assert.deepEqual(bob.store, before);
}

// The answers that are owed, then normal messages in both directions.
for (const [peer, version] of [[bob, V03], [tablet, V2]]) {
  const { device, messages } = peer.settle();
  assert.equal(device, peer.address.device);
  assert.equal(messages.length, 1);
  assert.equal(messages[0].to, "alice@example.org");
  assert.equal(messages[0].element.payload, null);
  const answer = alice.decrypt(peer.packetFor(alice, messages[0].element));
  assert.equal(must(answer).plaintext, null);
  assert.equal(peer.settle().messages.length, 0);

  for (let i = 0; i < 20; i++) {
    const [from, to] = i % 3 ? [alice, peer] : [peer, alice];
    const sent = from.encrypt([{ to, version }], `message ${i}`);
    assert.equal(sent.elements[0].keys[0].keyExchange, false);
    assert.equal(text(to.decrypt(from.packetFor(to, sent.elements[0]))), `message ${i}`);
  }
}

// Prekeys: one was used, maintain refills and asks for publication.
{
  const used = bob.bundle(V03).preKeys.length;
  const result = must(core.maintain(bob.read(["identity", "prekeys"]), { now: bob.now }));
  bob.write(result.changes);
  assert.deepEqual([used, result.publish, bob.bundle(V2).preKeys.length], [99, true, 100]);
}

// Trust.
{
  const jid = "bob@example.org";
  const key = `trust/${jid}`;
  const [known] = must(core.knownKeys(alice.read([key]), jid)).known;
  assert.equal(known.trust, "blind");
  alice.write(must(core.setTrust(alice.read([key]), { jid, key: known.key, trust: "distrusted", now: 1 })).changes);
  const refused = alice.encrypt([{ to: bob, version: V03 }], "secret");
  assert.deepEqual(refused.elements, []);
  assert.equal(refused.skipped[0].reason, "distrusted");
  alice.write(must(core.setTrust(alice.read([key]), { jid, key: known.key, trust: "verified", now: 1 })).changes);
  assert.equal(alice.encrypt([{ to: bob, version: V03 }], "again").elements[0].keys[0].trust, "verified");
}

// Fingerprints, QR code, labels, backup.
{
  const { key } = must(core.identity(bob.read(["identity"])));
  const shown = Buffer.from(key).toString("hex");
  const { text: uri } = must(core.formatUri("bob@example.org", [{ device: 3, key }]));
  assert.equal(uri, `xmpp:bob@example.org?omemo-sid-3=${shown}`);
  assert.deepEqual(must(core.parseUri(uri)), { jid: "bob@example.org", keys: [{ device: 3, key }] });
  const { signature } = must(core.signLabel(bob.read(["identity"]), "Büro"));
  assert.deepEqual(core.verifyLabel(key, "Büro", signature), {});
  assert.equal(failure(core.verifyLabel(key, "Buro", signature)), "bad-signature");
  assert.equal(failure(core.verifyLabel(key.slice(1), "Büro", signature)), "argument");
  assert.equal(failure(core.signLabel(bob.read(["identity"]), "a".repeat(32))), "argument");
  const { seed } = must(core.exportSeed(bob.read(["identity"])));
  const restored = new Map(
    must(core.create({ jid: "bob@example.org", device: 9, seed, now: 1 })).changes.map((c) => [c.key, c.value]),
  );
  assert.deepEqual(must(core.identity({ identity: restored.get("identity") })).key, key);
  const { device } = must(core.newDeviceId([1, 2, 3]));
  assert.ok(Number.isInteger(device) && device > 0 && device < 2 ** 31);
}

// Each device in its best version, with an envelope whose affixes are checked.
{
  const carol = new Device(core, "carol@example.org", 6);
  const native = new Device(core, "carol@example.org", 7);
  const targets = [{ ...carol.address, v2: true, v03: true }, { ...native.address, v03: true }];
  const records = alice.read(must(core.sealNeeds(targets)).keys);
  const { devices } = must(core.planSeal(records, { targets, policy: "btbv" }));
  assert.deepEqual(devices.map((d) => [d.version, d.reason]), [[V2, "no-session"], [V03, "no-session"]]);
  devices.forEach(({ version }, i) => {
    targets[i].bundle = { ...[carol, native][i].bundle(version), version };
  });
  const bytes = (s) => new TextEncoder().encode(s);
  const request = {
    kind: "message", body: bytes("hi"), content: bytes("<body xmlns='jabber:client'>hi</body>"), to: "carol@example.org", targets,
    policy: "btbv", now: alice.now,
  };
  const sent = must(core.seal(records, request));
  alice.write(sent.changes);
  assert.deepEqual([sent.elements.map((e) => e.version), sent.skipped, sent.withdrawn, sent.fallback], [[V2, V03], [], [], []]);
  assert.equal(text(native.decrypt(alice.packetFor(native, sent.elements[1]))), "hi");
  const got = carol.decrypt(alice.packetFor(carol, sent.elements[0]));
  assert.match(text(got), /^<envelope xmlns='urn:xmpp:sce:1'><content><body xmlns='jabber:client'>hi<\/body><\/content>/);

  const [, list] = /<account jid='carol@example.org'>([^<]*)</.exec(text(got));
  const devicesOf = (b64) => new Uint8Array(Buffer.from(b64, "base64"));
  const check = {
    from: alice.address, key: got.key, self: "carol@example.org", to: "carol@example.org", sentAt: alice.now,
    affixes: {
      from: "alice@example.org", to: "carol@example.org", time: alice.now,
      recipients: [{ jid: "carol@example.org", devices: devicesOf(list) }],
      devices: devicesOf(/<devices [^>]*>([^<]*)</.exec(text(got))[1]),
    },
    keys: sent.elements.flatMap((e) => e.keys.map((k) => ({ version: e.version, jid: e.version === V2 ? k.jid : undefined, device: k.device }))),
    ownListed: [6, 7], senderListed: [1, 99],
  };
  const run = (request) => core.check(carol.read(must(core.checkNeeds(request)).keys), request);
  assert.deepEqual(must(run(check)), { level: 3, findings: [{ kind: "device-unvouched", jid: "alice@example.org", device: 99 }] });
  const stripped = { ...check, keys: check.keys.slice(0, 1), senderListed: undefined };
  assert.deepEqual(must(run(stripped)), {
    level: 2,
    findings: [{ kind: "own-without-key", ...native.address }, { kind: "key-stripped", ...native.address }],
  });
  assert.equal(failure(run({ ...check, group: true, to: "room@example.org" })), "envelope");
  const legacy = { ...check, affixes: undefined, keys: [{ version: V03, device: 6 }, { version: V03, device: 7 }], senderListed: undefined };
  assert.deepEqual(must(run(legacy)), { level: 1, findings: [] });
  assert.equal(failure(core.check({}, { ...check, sentAt: "now" })), "argument");
}

// Text of any kind and length survives the border.
for (const jid of ["jürgen@example.org", "用户@例子.中国", "a".repeat(300) + "@example.org", "😀@example.org"]) {
  const device = new Device(core, jid, 5);
  assert.equal(must(core.identity(device.read(["identity"]))).jid, jid);
  const long = "🔒äa".repeat(20000);
  const sent = alice.encrypt([{ to: device, version: V2 }], long);
  assert.equal(text(device.decrypt(alice.packetFor(device, sent.elements[0]))), long);
  // Every byte string of a result stands alone, so that storing one does not store all.
  assert.equal(sent.elements[0].payload.buffer.byteLength, sent.elements[0].payload.length);
}

// Mistakes of the caller are errors with a code, never exceptions, and need no records to be told.
{
  assert.equal(failure(core.decrypt()), "argument");
  assert.equal(failure(core.decrypt({}, {})), "argument");
  assert.equal(failure(core.identity({})), "not-read");
  assert.equal(failure(core.identity({ identity: null })), "no-identity");
  assert.equal(failure(core.identity({ identity: new Uint8Array([99]) })), "record");
  assert.equal(failure(core.identity({ identity: "text" })), "argument");
  assert.equal(failure(core.create({ jid: "no/bare", device: 1, now: 1 })), "argument");
  assert.equal(failure(core.create({ jid: "a@b", device: 0.5, now: 1 })), "argument");
  assert.equal(failure(core.create({ jid: "a@b", device: 2 ** 33, now: 1 })), "argument");
  assert.equal(failure(core.create({ jid: "a@b", device: 1n, now: 1 })), "argument");
  assert.equal(failure(core.encryptNeeds("all")), "argument");
  const loop = {};
  loop.self = loop;
  assert.equal(failure(core.identity(loop)), "argument");
  assert.equal(failure(core.bundle(bob.read(["identity", "prekeys"]), { version: "omemo" })), "argument");
  const garbage = {
    jid: "mallory@example.org", device: 7, version: V03, data: new Uint8Array([0x33, 8, 1]), policy: "btbv", now: 1,
  };
  assert.equal(failure(bob.decrypt(garbage)), "malformed");
}

console.log("ok");
process.exit(0);
