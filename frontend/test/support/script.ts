/** A server that does what is needed to be signed in, and otherwise what a test says. Every stanza can be looked at. */
import { fromBase64, fromUtf8, toBase64, utf8 } from '../../src/xmpp/bytes';
import { parse, xml, XmlElement } from '../../src/xmpp/xml';
import { computeVerifier } from '../../src/xmpp/scram';
import { Listener, type Peer } from './peer';

const SALT = utf8('0123456789abcdef');
const CLIENT = 'jabber:client';

async function hmac(key: Uint8Array<ArrayBuffer>, data: string): Promise<string> {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return toBase64(new Uint8Array(await crypto.subtle.sign('HMAC', imported, utf8(data))));
}

export type Answer = string | XmlElement | { readonly error: string; readonly type?: string; readonly specific?: string } | undefined;
/** Answers a request with the payload of the result; `undefined`: an empty result. */
export type Responder = (payload: XmlElement, iq: XmlElement, server: Connected) => Answer | Promise<Answer>;

export interface Archived {
  readonly id: string;
  readonly stamp: string;
  readonly message: string;
}

/** The archive of the account, in its order. */
export class ScriptServer {
  readonly listener = new Listener();
  readonly archive: Archived[] = [];
  /** The archives of rooms, by their address. */
  readonly roomArchives = new Map<string, Archived[]>();
  readonly responders = new Map<string, Responder>();
  readonly nodes = new Map<string, XmlElement>();
  password = 'pencil';
  token = 'secret-token:fast-1';
  resumable = true;
  /** It can be told whether anybody looks (XEP-0352). */
  csi = false;

  constructor(readonly address = 'alice@example.org') {
    this.on('jabber:iq:roster', 'query', () => `<query xmlns='jabber:iq:roster' ver='1'><item jid='bob@example.org' name='Bob' subscription='both'/></query>`);
    this.on('urn:xmpp:mam:2', 'query', (payload, iq, server) => this.answerArchive(payload, iq.attrs['to'], server));
    this.on('http://jabber.org/protocol/pubsub', 'pubsub', (payload, iq) => this.answerPubsub(payload, iq));
    this.on('http://jabber.org/protocol/disco#info', 'query', () => `<query xmlns='http://jabber.org/protocol/disco#info'/>`);
  }

  on(ns: string, name: string, responder: Responder): void {
    this.responders.set(`{${ns}}${name}`, responder);
  }

  /** Takes the next connection and signs it in. */
  async accept(options: { resume?: 'yes' | 'no' } = {}): Promise<Connected> {
    const peer = await this.listener.next();
    await peer.until('open');
    peer.send(`<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' from='example.org' id='s1' version='1.0'/>`);
    peer.send(`<stream:features xmlns:stream='http://etherx.jabber.org/streams'><authentication xmlns='urn:xmpp:sasl:2'><mechanism>SCRAM-SHA-256</mechanism>
      <inline><bind xmlns='urn:xmpp:bind:0'><inline><feature var='urn:xmpp:carbons:2'/><feature var='urn:xmpp:sm:3'/>${this.csi ? `<feature var='urn:xmpp:csi:0'/>` : ''}</inline></bind>
      <fast xmlns='urn:xmpp:fast:0'><mechanism>HT-SHA-256-NONE</mechanism></fast><sm xmlns='urn:xmpp:sm:3'/></inline></authentication></stream:features>`);
    const request = await peer.next();
    const data = request.attrs['mechanism'] === 'HT-SHA-256-NONE' ? await hmac(utf8(this.token), 'Responder') : await this.scram(peer, request);
    const resume = request.child('resume', 'urn:xmpp:sm:3');
    const resumed = resume !== undefined && options.resume === 'yes';
    return this.finish(peer, request, data, resume, resumed);
  }

  private finish(peer: Peer, request: XmlElement, data: string, resume: XmlElement | undefined, resumed: boolean): Connected {
    const connected = new Connected(this, peer, request);
    const inner = resumed
      ? `<resumed xmlns='urn:xmpp:sm:3' previd='${resume?.attrs['previd'] ?? ''}' h='${this.handled}'/>`
      : `<bound xmlns='urn:xmpp:bind:0'><enabled xmlns='urn:xmpp:sm:3' id='sm1' ${this.resumable ? `resume='true'` : ''}/></bound>
        <token xmlns='urn:xmpp:fast:0' token='${this.token}' expiry='2999-01-01T00:00:00Z'/>`;
    if (!resumed) this.handled = 0;
    peer.send(`<success xmlns='urn:xmpp:sasl:2'><additional-data>${data}</additional-data>
      <authorization-identifier>${this.address}/Kith~1</authorization-identifier>${inner}</success>`);
    if (!resumed) peer.send(`<stream:features xmlns:stream='http://etherx.jabber.org/streams'><ver xmlns='urn:xmpp:features:rosterver'/></stream:features>`);
    void connected.run();
    return connected;
  }

  /** Stanzas of the client that we have taken. */
  handled = 0;

  private async scram(peer: Peer, request: XmlElement): Promise<string> {
    const bare = fromUtf8(fromBase64(request.child('initial-response')?.text ?? '')).slice(3);
    const first = `r=${/r=(.*)$/.exec(bare)?.[1] ?? ''}server,s=${toBase64(SALT)},i=4096`;
    peer.send(`<challenge xmlns='urn:xmpp:sasl:2'>${toBase64(utf8(first))}</challenge>`);
    const response = await peer.next();
    const without = fromUtf8(fromBase64(response.text)).split(',p=')[0] ?? '';
    const verifier = await computeVerifier('SCRAM-SHA-256', this.password, SALT, 4096);
    return toBase64(utf8(`v=${await hmac(verifier.serverKey, `${bare},${first},${without}`)}`));
  }

  private answerArchive(payload: XmlElement, room: string | undefined, server: Connected): Answer {
    const set = payload.child('set', 'http://jabber.org/protocol/rsm');
    const max = Number(set?.child('max')?.text ?? 50);
    const after = set?.child('after')?.text;
    const before = set?.child('before')?.text;
    const fields = payload.child('x', 'jabber:x:data')?.elements ?? [];
    const partner = fields.find((field) => field.attrs['var'] === 'with')?.child('value')?.text;
    let all = (room === undefined ? this.archive : this.roomArchives.get(room) ?? []).filter((entry) => partner === undefined || entry.message.includes(partner));
    let complete: boolean;
    if (after !== undefined) {
      const at = all.findIndex((entry) => entry.id === after);
      if (at < 0) return { error: 'item-not-found' };
      all = all.slice(at + 1);
      complete = all.length <= max;
      all = all.slice(0, max);
    } else {
      if (before !== undefined && before !== '') {
        const at = all.findIndex((entry) => entry.id === before);
        if (at < 0) return { error: 'item-not-found' };
        all = all.slice(0, at);
      }
      complete = all.length <= max;
      all = all.slice(-max);
    }
    const queryid = payload.attrs['queryid'] ?? '';
    for (const entry of all) {
      server.send(`<message xmlns='${CLIENT}' ${room === undefined ? '' : `from='${room}'`} to='${this.address}/Kith~1'><result xmlns='urn:xmpp:mam:2' queryid='${queryid}' id='${entry.id}'>
        <forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='${entry.stamp}'/>${entry.message}</forwarded></result></message>`);
    }
    return `<fin xmlns='urn:xmpp:mam:2' complete='${String(complete)}'><set xmlns='http://jabber.org/protocol/rsm'>
      ${all.length > 0 ? `<first>${all[0]?.id ?? ''}</first><last>${all[all.length - 1]?.id ?? ''}</last>` : ''}</set></fin>`;
  }

  /** What somebody has published: the newest item of the node, and each under its id. */
  put(owner: string, node: string, item: XmlElement): void {
    this.nodes.set(`${owner} ${node}`, item);
    this.nodes.set(`${owner} ${node} ${item.attrs['id'] ?? ''}`, item);
  }

  private answerPubsub(payload: XmlElement, iq: XmlElement): Answer {
    const publish = payload.child('publish');
    if (publish) {
      const node = publish.attrs['node'] ?? '', item = publish.child('item');
      if (item) this.put(this.address, node, item);
      return undefined;
    }
    const items = payload.child('items');
    const node = items?.attrs['node'] ?? '';
    const name = `${iq.attrs['to'] ?? this.address} ${node}`;
    const id = items?.child('item')?.attrs['id'];
    const whole = this.nodes.get(name);
    const item = id === undefined || (whole?.attrs['id'] ?? id) === id ? whole : this.nodes.get(`${name} ${id}`);
    if (!item) return { error: 'item-not-found' };
    return xml(payload.ns, 'pubsub', {}, xml(payload.ns, 'items', { node }, item));
  }
}

/** One signed-in connection. */
export class Connected {
  /** What the client sent, except requests that were answered. */
  readonly stanzas: XmlElement[] = [];
  private readonly waiting: { readonly test: (stanza: XmlElement) => boolean; readonly resolve: (stanza: XmlElement) => void }[] = [];
  /** While true, no acknowledgement is given. */
  mute = false;
  readonly acks: number[] = [];

  constructor(private readonly server: ScriptServer, readonly peer: Peer, readonly request: XmlElement) {}

  async run(): Promise<void> {
    try {
      for (;;) await this.element(await this.peer.next());
    } catch {
      // The client is gone.
    }
  }

  send(document: string | XmlElement): void {
    this.peer.send(document);
  }

  /** A message from somebody, as it arrives with the id of the archive. */
  message(from: string, content: string, options: { id?: string; stanzaId?: string; type?: string; to?: string } = {}): void {
    const sid = options.stanzaId === undefined ? '' : `<stanza-id xmlns='urn:xmpp:sid:0' id='${options.stanzaId}' by='${this.server.address}'/>`;
    this.send(`<message xmlns='${CLIENT}' from='${from}' to='${options.to ?? this.server.address}' type='${options.type ?? 'chat'}' ${options.id === undefined ? '' : `id='${options.id}'`}>${content}${sid}</message>`);
  }

  /** The first stanza, seen or still to come, for which this holds. */
  until(test: (stanza: XmlElement) => boolean): Promise<XmlElement> {
    const seen = this.stanzas.find(test);
    return seen ? Promise.resolve(seen) : new Promise((resolve) => this.waiting.push({ test, resolve }));
  }

  /** Sends a request to the client and gives its answer. */
  async ask(iq: string): Promise<XmlElement> {
    const element = parse(iq);
    this.send(element);
    return this.until((stanza) => stanza.name === 'iq' && stanza.attrs['id'] === element.attrs['id'] && stanza.attrs['type'] !== 'get' && stanza.attrs['type'] !== 'set');
  }

  private async element(element: XmlElement): Promise<void> {
    if (element.ns === 'urn:xmpp:sm:3') {
      if (element.name === 'r' && !this.mute) this.send(`<a xmlns='urn:xmpp:sm:3' h='${this.server.handled}'/>`);
      if (element.name === 'a') this.acks.push(Number(element.attrs['h']));
      return;
    }
    if (element.ns !== CLIENT) return;
    if (!this.mute) this.server.handled++;
    if (element.name === 'iq' && (element.attrs['type'] === 'get' || element.attrs['type'] === 'set')) await this.answer(element);
    this.stanzas.push(element);
    for (const waiting of this.waiting.splice(0)) {
      if (waiting.test(element)) waiting.resolve(element);
      else this.waiting.push(waiting);
    }
  }

  private async answer(iq: XmlElement): Promise<void> {
    const payload = iq.elements[0];
    const responder = payload && this.server.responders.get(`{${payload.ns}}${payload.name}`);
    const answer: Answer = payload && responder ? await responder(payload, iq, this) : { error: 'service-unavailable' };
    const { id, to } = iq.attrs;
    const error = typeof answer === 'object' && 'error' in answer ? answer.error : undefined;
    const specific = typeof answer === 'object' && 'error' in answer ? answer.specific ?? '' : '';
    const type = typeof answer === 'object' && 'error' in answer ? answer.type ?? 'cancel' : '';
    const content = typeof answer === 'string' ? answer : answer instanceof XmlElement ? answer.toString() : '';
    this.send(error === undefined
      ? `<iq xmlns='${CLIENT}' type='result' id='${id ?? ''}' ${to === undefined ? '' : `from='${to}'`}>${content}</iq>`
      : `<iq xmlns='${CLIENT}' type='error' id='${id ?? ''}' ${to === undefined ? '' : `from='${to}'`}><error type='${type}'><${error} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>${specific}</error></iq>`);
  }
}
