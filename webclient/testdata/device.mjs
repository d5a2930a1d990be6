// SPDX-License-Identifier: AGPL-3.0-or-later

export const V03 = "eu.siacs.conversations.axolotl";
export const V2 = "urn:xmpp:omemo:2";

/** One client as a worker would be it: storage, and the three steps read, call, write. */
export class Device {
  constructor(core, jid, device, now = 1700000000) {
    this.core = core;
    this.address = { jid, device };
    this.now = now;
    this.store = new Map();
    this.write(must(core.create({ jid, device, now })).changes);
  }

  read(keys) {
    return Object.fromEntries(keys.map((key) => [key, this.store.get(key) ?? null]));
  }

  write(changes) {
    for (const { key, value } of changes) {
      if (value === null) this.store.delete(key);
      else this.store.set(key, value);
    }
  }

  bundle(version) {
    return must(this.core.bundle(this.read(["identity", "prekeys"]), { version }));
  }

  /** Encrypts for devices, each {device: Device, version}; fetches bundles where there is no session. */
  encrypt(targets, text, kind = "message") {
    const recipients = targets.map(({ to, version }) => ({ ...to.address, version }));
    const needed = this.read(must(this.core.encryptNeeds(recipients)).keys);
    recipients.forEach((to, i) => {
      const session = needed[`session/${to.jid}/${to.device}/${to.version === V2 ? 2 : 1}`];
      if (session === null) to.bundle = targets[i].to.bundle(to.version);
    });
    const data = new TextEncoder().encode(text);
    const result = must(
      this.core.encrypt(needed, { kind, body: data, envelope: data, recipients, policy: "btbv", now: this.now }),
    );
    this.write(result.changes);
    return result;
  }

  /** The request with which a device decrypts its part of an element. */
  packetFor(to, element) {
    const key = element.keys.find((k) => k.jid === to.address.jid && k.device === to.address.device);
    return {
      ...this.address, version: element.version, data: key.data, iv: element.iv, payload: element.payload,
      policy: "btbv", now: this.now,
    };
  }

  decrypt(packet) {
    const { keys } = must(this.core.decryptNeeds(packet));
    const result = this.core.decrypt(this.read(keys), packet);
    if (!result.error) this.write(result.changes);
    return result;
  }

  settle() {
    const { keys } = must(this.core.settleNeeds(this.read(["due"])));
    const result = must(this.core.settle(this.read(keys)));
    this.write(result.changes);
    return result;
  }
}

export function must(result) {
  if (result.error) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result;
}
