/** The bridge to the real core: a message to devices of both versions, and what its readers can tell of it. */
import { describe, expect, it } from 'vitest';
import { loadEngine } from './support/omemo';
import type { Bytes, CheckRequest, OmemoEngine, RecordChange, Records, SealResult, Target, Version } from '../src/crypto/engine';
import { utf8 } from '../src/xmpp/bytes';
import { openEnvelope } from '../src/xmpp/xep0420_sce';

const NOW = 1_700_000_000;
const ROOM = 'family@rooms.example.org';

class Device {
  private readonly store = new Map<string, Bytes>();

  constructor(readonly engine: OmemoEngine, readonly jid: string, readonly device: number) {
    this.write(engine.create(jid, device, NOW));
  }

  read(keys: readonly string[]): Records {
    return new Map(keys.map((key) => [key, this.store.get(key) ?? null]));
  }

  write(changes: readonly RecordChange[]): void {
    for (const { key, value } of changes) {
      if (value) this.store.set(key, value);
      else this.store.delete(key);
    }
  }

  /** As the client sends: plan, fetch the bundles that are missing, seal. */
  seal(to: readonly { readonly device: Device; readonly v2: boolean }[], text: string): SealResult {
    const { engine } = this;
    let targets: Target[] = to.map(({ device: { jid, device }, v2 }) => ({ jid, device, v2, v03: true }));
    const records = this.read(engine.sealNeeds(targets));
    const planned = engine.planSeal(records, targets);
    targets = targets.map((target, i) => {
      const { reason, version } = planned[i] ?? {};
      return reason === 'no-session' && version ? { ...target, bundle: this.bundleOf(to[i]?.device, version) } : target;
    });
    const content = utf8(`<body xmlns='jabber:client'>${text}</body>`);
    const result = engine.seal(records, { kind: 'message', body: utf8(text), content, to: ROOM, targets, now: NOW });
    this.write(result.changes);
    return result;
  }

  private bundleOf(device: Device | undefined, version: Version) {
    if (!device) throw new Error('no such device');
    return this.engine.bundle(device.read(['identity', 'prekeys']), version);
  }

  open(from: Device, sent: SealResult) {
    for (const { version, iv, payload, keys } of sent.elements) {
      const key = keys.find(({ jid, device }) => jid === this.jid && device === this.device);
      if (!key) continue;
      const request = {
        version, from: { jid: from.jid, device: from.device }, key: key.data, ...(iv && { iv }), ...(payload && { payload }), now: NOW,
      };
      const result = this.engine.decrypt(this.read(this.engine.decryptNeeds(request)), request);
      this.write(result.changes);
      return { ...result, version };
    }
    throw new Error('not for this device');
  }

  check(request: Omit<CheckRequest, 'self'>) {
    const whole = { ...request, self: this.jid };
    return this.engine.check(this.read(this.engine.checkNeeds(whole)), whole);
  }
}

describe('the bridge to the core', () => {
  it('seals for each device in its best version, and tells who changed what on the way', async () => {
    const engine = await loadEngine();
    const alice = new Device(engine, 'alice@example.org', 1);
    const bob = new Device(engine, 'bob@example.org', 2);
    const native = new Device(engine, 'bob@example.org', 3);
    const sent = alice.seal([{ device: bob, v2: true }, { device: native, v2: false }], 'hello');
    expect(sent).toMatchObject({ device: 1, skipped: [], withdrawn: [], fallback: [] });
    expect(sent.elements.map(({ version }) => version)).toEqual([2, 1]);
    expect(new TextDecoder().decode(native.open(alice, sent).plaintext)).toBe('hello');

    const got = bob.open(alice, sent);
    const envelope = got.plaintext && openEnvelope(got.plaintext);
    if (!envelope) throw new Error('no envelope');
    expect(envelope.content.map(({ text }) => text)).toEqual(['hello']);
    const { content: _content, dropped: _dropped, ...affixes } = envelope;
    const request = {
      from: { jid: alice.jid, device: 1 }, fingerprint: got.fingerprint, to: ROOM, group: true, sentAt: NOW, affixes,
      keys: sent.elements.flatMap(({ version, keys }) => keys.map(({ jid, device }) => ({ version, device, ...(version === 2 && { jid }) }))),
      ownListed: [2, 3], senderListed: [1],
    };
    expect(bob.check(request)).toEqual({ level: 3, findings: [] });
    expect(bob.check({ ...request, keys: request.keys.slice(0, 1), senderListed: [1, 9] })).toEqual({
      level: 2,
      findings: [
        { kind: 'own-without-key', jid: 'bob@example.org', device: 3 }, { kind: 'key-stripped', jid: 'bob@example.org', device: 3 },
        { kind: 'device-unvouched', jid: 'alice@example.org', device: 9 },
      ],
    });
    expect(() => bob.check({ ...request, to: 'other@rooms.example.org' })).toThrow(expect.objectContaining({ code: 'envelope' }));
  });
});
