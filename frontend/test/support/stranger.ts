/** A device of somebody else, in memory: it says what a test wants, and reads what comes. */
import type {
  Bytes, DecryptResult, OmemoEngine, RecordChange, Records, SealRequest, SealResult, Target, Version,
} from '../../src/crypto/engine';
import { bundlePlace, LIST_NODES, readEncrypted, writeBundle, writeEncrypted, writeList } from '../../src/core/omemo/wire';
import { NS } from '../../src/xmpp/ns';
import { toBase64, utf8 } from '../../src/xmpp/bytes';
import { openEnvelope } from '../../src/xmpp/xep0420_sce';
import { xml, type XmlElement } from '../../src/xmpp/xml';
import { loadEngine } from './omemo';
import type { ScriptServer } from './script';

export class Stranger {
  private readonly store = new Map<string, Bytes>();

  private constructor(readonly engine: OmemoEngine, readonly jid: string, readonly device: number) {
    this.write(engine.create(jid, device, this.now()));
  }

  static async make(jid: string, device: number): Promise<Stranger> {
    return new Stranger(await loadEngine(), jid, device);
  }

  private now(): number {
    return Math.floor(Date.now() / 1000);
  }

  private read(keys: readonly string[]): Records {
    return new Map(keys.map((key) => [key, this.store.get(key) ?? null]));
  }

  private write(changes: readonly RecordChange[]): void {
    for (const { key, value } of changes) {
      if (value) this.store.set(key, value);
      else this.store.delete(key);
    }
  }

  bundle(version: Version) {
    return this.engine.bundle(this.read(['identity', 'prekeys']), version);
  }

  get fingerprint(): string {
    return this.engine.identity(this.read(['identity'])).fingerprint;
  }

  /** Puts the bundles of these versions, and lists with these devices, where others look for them. */
  publish(server: ScriptServer, lists: Partial<Record<Version, readonly number[]>> = { 1: [this.device], 2: [this.device] }): void {
    for (const version of [1, 2] as const) {
      const ids = lists[version];
      if (!ids) continue;
      const { node, item } = bundlePlace(version, this.device);
      server.put(this.jid, node, xml(NS.pubsub, 'item', { id: item }, writeBundle(this.bundle(version))));
      server.put(this.jid, LIST_NODES[version], xml(NS.pubsub, 'item', { id: 'current' }, writeList(version, ids.map((id) => ({ id })))));
    }
  }

  /** The name of this device, and its signature, as they stand on a list. */
  label(label: string): { readonly id: number; readonly label: string; readonly labelsig: string } {
    return { id: this.device, label, labelsig: toBase64(this.engine.signLabel(this.read(['identity']), label)) };
  }

  /** Seals for these devices; their bundles come from what they have published. */
  seal(to: string, targets: readonly Target[], content: { readonly text?: string; readonly elements?: string }, bundles: (target: Target, version: Version) => Target['bundle']): SealResult {
    const planned = this.engine.planSeal(this.read(this.engine.sealNeeds(targets)), targets);
    const ready = targets.map((target, i) => {
      const bundle = planned[i]?.reason === 'no-session' ? bundles(target, planned[i].version) : undefined;
      return { ...target, ...(bundle && { bundle }) };
    });
    const body = content.text === undefined ? '' : `<body xmlns='jabber:client'>${content.text}</body>`;
    const request: SealRequest = {
      kind: 'message', to, targets: ready, now: this.now(), content: utf8(body + (content.elements ?? '')),
      ...(content.text !== undefined && { body: utf8(content.text) }),
    };
    const result = this.engine.seal(this.read(this.engine.sealNeeds(ready)), request);
    this.write(result.changes);
    return result;
  }

  /** The elements as they stand in a stanza. */
  elements(sealed: SealResult): XmlElement[] {
    return sealed.elements.map((element) => writeEncrypted(this.device, element));
  }

  /** Decrypts what is for this device: the text, or the content of the envelope. */
  open(message: XmlElement, from: string): (DecryptResult & { readonly version: Version; readonly text: string; readonly content: readonly XmlElement[] }) | undefined {
    for (const { version, sid, iv, payload, keys } of readEncrypted(message)) {
      const key = keys.find((one) => one.device === this.device && (one.jid === undefined || one.jid === this.jid));
      if (!key) continue;
      const request = { version, from: { jid: from, device: sid }, key: key.data, ...(iv && { iv }), ...(payload && { payload }), now: this.now() };
      const result = this.engine.decrypt(this.read([...this.engine.decryptNeeds(request), 'due']), request);
      this.write(result.changes);
      const plain = result.plaintext;
      const content = version === 2 && plain ? openEnvelope(plain)?.content ?? [] : [];
      const text = version === 2 ? content.find((one) => one.is(NS.client, 'body'))?.text ?? '' : new TextDecoder().decode(plain ?? new Uint8Array());
      return { ...result, version, text, content };
    }
    return undefined;
  }
}
