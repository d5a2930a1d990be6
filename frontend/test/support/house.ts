/** An account of several devices against a server that a test plays: what it keeps, and the people who write to it. */
import { parse, xml, XmlElement } from '../../src/xmpp/xml';
import type { Target, Version } from '../../src/crypto/engine';
import { bundlePlace, LIST_NODES, readBundle, readEncrypted, readList } from '../../src/core/omemo/wire';
import { NS } from '../../src/xmpp/ns';
import { Device } from './device';
import { ScriptServer, type Answer, type Connected, type Responder } from './script';
import type { Stranger } from './stranger';

const ALICE = 'alice@example.org';
let profile = 0;

/** What the account has on the server, for all its devices: nodes, uploaded files, and whoever is connected. */
export class House {
  readonly nodes = new Map<string, Map<string, XmlElement>>();
  readonly files = new Map<string, Blob>();
  readonly fetched: string[] = [];
  readonly connected: Connected[] = [];
  readonly devices: Device[] = [];
  readonly first = new ScriptServer();
  private uploads = 0;

  /** Another device of the account signs in. */
  async enter(): Promise<{ device: Device; connected: Connected; server: ScriptServer }> {
    const server = this.devices.length === 0 ? this.first : new ScriptServer();
    const pubsub = this.first.responders.get(`{${NS.pubsub}}pubsub`);
    if (server !== this.first && pubsub) server.on(NS.pubsub, 'pubsub', pubsub);
    else if (pubsub) server.on(NS.pubsub, 'pubsub', (payload, iq, peer) => this.pubsub(payload, iq, peer, pubsub));
    server.on(NS.discoItems, 'query', () => `<query xmlns='${NS.discoItems}'><item jid='upload.example.org'/></query>`);
    server.on(NS.discoInfo, 'query', (_, iq) => `<query xmlns='${NS.discoInfo}'>${iq.attrs['to'] === 'upload.example.org' ? `<feature var='${NS.upload}'/>` : ''}</query>`);
    server.on(NS.upload, 'request', () => {
      const url = `https://example.org/upload/${++this.uploads}`;
      return `<slot xmlns='${NS.upload}'><put url='${url}'/><get url='${url}'/></slot>`;
    });
    const device = await Device.open({
      origin: 'https://example.org', socket: server.listener.factory, profile: `house-${profile++}`,
      platform: {
        put: (url, _headers, data) => {
          this.files.set(url, data);
          return Promise.resolve(201);
        },
        fetch: (input) => {
          const url = input instanceof Request ? input.url : input.toString();
          this.fetched.push(url);
          const file = this.files.get(url);
          return Promise.resolve(new Response(file ?? null, { status: file ? 200 : 404 }));
        },
      },
    });
    this.devices.push(device);
    const [connected] = await Promise.all([server.accept(), device.commands.signIn(ALICE, 'pencil')]);
    this.connected.push(connected);
    // What is sent to the own account reaches its other devices.
    void connected.until((stanza) => {
      if (stanza.name === 'message' && stanza.attrs['to'] === ALICE) this.others(connected, xml(NS.client, 'message', { ...stanza.attrs, from: `${ALICE}/x` }, ...stanza.elements));
      return false;
    });
    await device.online();
    await device.until(() => device.session.deviceId !== undefined && ([1, 2] as const).every((version) => this.ownList(version).includes(device.session.deviceId ?? 0)), 'being announced');
    return { device, connected, server };
  }

  private others(from: Connected, stanza: XmlElement): void {
    for (const one of this.connected) if (one !== from) one.send(stanza);
  }

  private async pubsub(payload: XmlElement, iq: XmlElement, peer: Connected, rest: Responder): Promise<Answer> {
    const publish = payload.child('publish'), retract = payload.child('retract'), items = payload.child('items');
    const node = (publish ?? retract ?? items)?.attrs['node'] ?? '';
    const told = (content: XmlElement): void => this.others(peer, parse(`<message xmlns='jabber:client' from='${ALICE}' type='headline'><event xmlns='${NS.pubsubEvent}'>
      <items node='${node}'>${content.toString()}</items></event></message>`));
    const item = (publish ?? retract)?.child('item');
    if (publish && item) told(xml(NS.pubsubEvent, 'item', item.attrs, ...item.elements));
    if (!node.startsWith(NS.kithStickers)) return rest(payload, iq, peer);
    const all = this.nodes.get(node) ?? new Map<string, XmlElement>();
    const id = item?.attrs['id'] ?? '';
    if (publish && item) this.nodes.set(node, all.set(id, item));
    if (retract) {
      if (!all.delete(id)) return { error: 'item-not-found' };
      told(xml(NS.pubsubEvent, 'retract', { id }));
    }
    if (!items) return undefined;
    if (!this.nodes.has(node)) return { error: 'item-not-found' };
    const wanted = items.child('item')?.attrs['id'];
    return xml(NS.pubsub, 'pubsub', {}, xml(NS.pubsub, 'items', { node }, ...[...all.values()].filter((one) => wanted === undefined || one.attrs['id'] === wanted)));
  }

  itemOf(owner: string, node: string, id = ''): XmlElement | undefined {
    return this.first.nodes.get(`${owner} ${node}${id === '' ? '' : ` ${id}`}`)?.elements[0];
  }

  ownList(version: Version): number[] {
    return (readList(version, [{ payload: this.itemOf(ALICE, LIST_NODES[version]) ?? xml('', 'none') }]) ?? []).map((one) => one.id);
  }

  readonly bundles = (target: Target, version: Version): Target['bundle'] => {
    const { node, item } = bundlePlace(version, target.device);
    return readBundle(version, this.itemOf(target.jid, node, item));
  };
}

/** The next thing that is said to somebody, encrypted. */
export const sentTo = (connected: Connected, to: string): Promise<XmlElement> => connected.until((one) => one.name === 'message' && one.attrs['to'] === to && readEncrypted(one)[0]?.payload !== undefined);

/** Somebody sends something in omemo:2. */
export function says(house: House, from: Stranger, connected: Connected, id: string, device: number, content: { text: string; elements?: string }): void {
  const sealed = from.seal(ALICE, [{ jid: ALICE, device, v03: true, v2: true }], content, house.bundles);
  connected.send(xml(NS.client, 'message', { from: `${from.jid}/x`, to: ALICE, type: 'chat', id }, ...from.elements(sealed),
    xml(NS.sid, 'stanza-id', { id: `a-${id}`, by: ALICE }), xml(NS.hints, 'store'), xml(NS.client, 'body', {}, 'fallback')));
}
