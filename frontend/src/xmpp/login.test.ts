import { describe, expect, it } from 'vitest';
import { Listener, type Peer } from '../../test/support/peer';
import { fromBase64, fromUtf8, toBase64, utf8 } from './bytes';
import { AuthError, ProtocolError, StreamError } from './errors';
import { login, type Credential, type LoginRequest, type LoginResult } from './login';
import { computeVerifier } from './scram';
import { Transport } from './transport';
import { StreamManagement } from './xep0198_sm';
import type { XmlElement } from './xml';

const AGENT = { id: '6f1d3a52-3c0e-4b5a-9a3e-0a5d0f7a9b11', software: 'Kith', device: 'Node' };
const PASSWORD: Credential = { kind: 'password', password: 'pencil' };
const TOKEN: Credential = { kind: 'token', token: 'secret-token:fast-1' };
const SALT = utf8('0123456789abcdef');

const INLINE = `<inline><bind xmlns='urn:xmpp:bind:0'><inline><feature var='urn:xmpp:carbons:2'/><feature var='urn:xmpp:sm:3'/><feature var='urn:xmpp:csi:0'/></inline></bind>
  <fast xmlns='urn:xmpp:fast:0'><mechanism>HT-SHA-256-NONE</mechanism></fast><sm xmlns='urn:xmpp:sm:3'/></inline>`;
const features = (content: string): string => `<stream:features xmlns:stream='http://etherx.jabber.org/streams'>${content}</stream:features>`;
const sasl2 = (mechanisms: string[], inline = INLINE): string =>
  features(`<authentication xmlns='urn:xmpp:sasl:2'>${mechanisms.map((name) => `<mechanism>${name}</mechanism>`).join('')}${inline}</authentication>`);
const AFTER = features(`<ver xmlns='urn:xmpp:features:rosterver'/><csi xmlns='urn:xmpp:csi:0'/>`);

interface Play {
  readonly peer: Peer;
  readonly result: Promise<LoginResult>;
}

/** Client and server, right after the stream headers and the features. */
async function begin(offer: string, request: Partial<LoginRequest> = {}): Promise<Play> {
  const listener = new Listener();
  const connecting = Transport.connect('wss://example.org/ws', listener.factory, new AbortController().signal);
  const peer = await listener.next();
  const result = login(await connecting, { address: 'alice@example.org', credential: PASSWORD, agent: AGENT, active: true, ...request });
  result.catch(() => undefined);
  const header = await peer.next();
  expect(header).toMatchObject({ name: 'open', attrs: { to: 'example.org', from: 'alice@example.org', version: '1.0' } });
  peer.send(`<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' from='example.org' id='s1' version='1.0'/>`);
  peer.send(offer);
  return { peer, result };
}

async function hmac(key: Uint8Array<ArrayBuffer>, data: string): Promise<string> {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return toBase64(new Uint8Array(await crypto.subtle.sign('HMAC', imported, utf8(data))));
}

/** The server's part of SCRAM-SHA-256; gives what it says in the end. */
class ServerScram {
  private firstBare = '';
  private serverFirst = '';

  challenge(initial: XmlElement | undefined, extension = ''): string {
    this.firstBare = fromUtf8(fromBase64(initial?.text ?? '')).slice(3);
    const nonce = /r=(.*)$/.exec(this.firstBare)?.[1] ?? '';
    this.serverFirst = `r=${nonce}server,s=${toBase64(SALT)},i=4096${extension}`;
    return toBase64(utf8(this.serverFirst));
  }

  async outcome(response: XmlElement, password = 'pencil'): Promise<string> {
    const [bare, proof] = fromUtf8(fromBase64(response.text)).split(',p=');
    const verifier = await computeVerifier('SCRAM-SHA-256', password, SALT, 4096);
    const message = `${this.firstBare},${this.serverFirst},${bare ?? ''}`;
    // ClientKey = ClientProof XOR HMAC(StoredKey, AuthMessage), and its hash must be StoredKey (RFC 5802 section 3).
    const signature = fromBase64(await hmac(verifier.storedKey, message));
    const key = fromBase64(proof ?? '').map((byte, i) => byte ^ (signature[i] ?? 0));
    expect(toBase64(new Uint8Array(await crypto.subtle.digest('SHA-256', key)))).toBe(toBase64(verifier.storedKey));
    return toBase64(utf8(`v=${await hmac(verifier.serverKey, message)}`));
  }
}

describe('SASL2', () => {
  async function authenticate(peer: Peer, extension?: string): Promise<{ request: XmlElement; data: string }> {
    const request = await peer.next();
    const scram = new ServerScram();
    peer.send(`<challenge xmlns='urn:xmpp:sasl:2'>${scram.challenge(request.child('initial-response'), extension)}</challenge>`);
    return { request, data: await scram.outcome(await peer.next()) };
  }

  it('signs in, binds and enables everything in two round trips', async () => {
    const { peer, result } = await begin(sasl2(['PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256']));
    const { request, data } = await authenticate(peer);
    expect(request.attrs['mechanism']).toBe('SCRAM-SHA-256');
    expect(request.child('user-agent')?.attrs['id']).toBe(AGENT.id);
    expect(request.child('request-token', 'urn:xmpp:fast:0')?.attrs['mechanism']).toBe('HT-SHA-256-NONE');
    const bind = request.child('bind', 'urn:xmpp:bind:0');
    expect(bind?.elements.map((element) => `${element.name} ${element.ns}`)).toEqual(
      ['tag urn:xmpp:bind:0', 'enable urn:xmpp:sm:3', 'enable urn:xmpp:carbons:2', 'active urn:xmpp:csi:0']);
    peer.send(`<success xmlns='urn:xmpp:sasl:2'><additional-data>${data}</additional-data>
      <authorization-identifier>alice@example.org/Kith/1</authorization-identifier>
      <bound xmlns='urn:xmpp:bind:0'><enabled xmlns='urn:xmpp:sm:3' id='sm1' resume='true' max='300'/></bound>
      <token xmlns='urn:xmpp:fast:0' token='secret-token:fast-1' expiry='2030-01-01T00:00:00Z'/></success>`);
    peer.send(AFTER);
    const done = await result;
    expect(done).toMatchObject({
      jid: 'alice@example.org/Kith/1', resumed: false, byPassword: true, carbons: true,
      token: { token: 'secret-token:fast-1', expiry: Date.parse('2030-01-01T00:00:00Z') }, sm: { id: 'sm1', seconds: 300 },
    });
    expect(done.features.has('{urn:xmpp:features:rosterver}ver')).toBe(true);
  });

  it('refuses a server that does not know the password', async () => {
    const { peer, result } = await begin(sasl2(['SCRAM-SHA-256']));
    await authenticate(peer);
    peer.send(`<success xmlns='urn:xmpp:sasl:2'><additional-data>${toBase64(utf8('v=' + toBase64(new Uint8Array(32))))}</additional-data>
      <authorization-identifier>alice@example.org/1</authorization-identifier></success>`);
    await expect(result).rejects.toThrow('did not prove');
  });

  it('refuses a server that skips the proof', async () => {
    const { peer, result } = await begin(sasl2(['SCRAM-SHA-256']));
    await peer.next();
    peer.send(`<success xmlns='urn:xmpp:sasl:2'><authorization-identifier>alice@example.org/1</authorization-identifier></success>`);
    await expect(result).rejects.toBeInstanceOf(ProtocolError);
  });

  it('notices that somebody took mechanisms out of the list', async () => {
    const all = 'PLAIN\x1eSCRAM-SHA-256\x1eSCRAM-SHA-512';
    const hash = toBase64(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(all))));
    const { peer, result } = await begin(sasl2(['PLAIN', 'SCRAM-SHA-256']));
    const request = await peer.next();
    peer.send(`<challenge xmlns='urn:xmpp:sasl:2'>${new ServerScram().challenge(request.child('initial-response'), `,h=${hash}`)}</challenge>`);
    await expect(result).rejects.toThrow('changed on the way');
  });

  it.each([[['PLAIN']], [['PLAIN', 'DIGEST-MD5', 'OAUTHBEARER']], [[]]])('never sends the password: %j', async (mechanisms) => {
    const { result } = await begin(sasl2(mechanisms));
    await expect(result).rejects.toMatchObject({ condition: 'invalid-mechanism' });
  });

  it('tells why it was refused, and how long to wait', async () => {
    const { peer, result } = await begin(sasl2(['SCRAM-SHA-256']));
    await peer.next();
    peer.send(`<failure xmlns='urn:xmpp:sasl:2'><temporary-auth-failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/><text>slowly</text>
      <retry xmlns='kith:account:0' seconds='30'/></failure>`);
    await expect(result).rejects.toMatchObject({ condition: 'temporary-auth-failure', text: 'slowly', seconds: 30 });
  });

  it('refuses to be somebody else', async () => {
    const { peer, result } = await begin(sasl2(['SCRAM-SHA-256']));
    const { data } = await authenticate(peer);
    peer.send(`<success xmlns='urn:xmpp:sasl:2'><additional-data>${data}</additional-data><authorization-identifier>mallory@example.org/1</authorization-identifier></success>`);
    await expect(result).rejects.toThrow('somebody else');
  });

  it('does the rest apart where a server cannot do it inline', async () => {
    const { peer, result } = await begin(sasl2(['SCRAM-SHA-256'], ''));
    const { request, data } = await authenticate(peer);
    expect(request.child('bind', 'urn:xmpp:bind:0')).toBeUndefined();
    peer.send(`<success xmlns='urn:xmpp:sasl:2'><additional-data>${data}</additional-data><authorization-identifier>alice@example.org</authorization-identifier></success>`);
    peer.send(features(`<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/>`));
    expect((await peer.next()).child('bind', 'urn:ietf:params:xml:ns:xmpp-bind')).toBeDefined();
    peer.send(`<iq xmlns='jabber:client' type='result' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>alice@example.org/x</jid></bind></iq>`);
    expect((await peer.next()).is('urn:xmpp:sm:3', 'enable')).toBe(true);
    peer.send(`<failed xmlns='urn:xmpp:sm:3'/>`);
    expect(await result).toMatchObject({ jid: 'alice@example.org/x', carbons: false, sm: undefined, token: undefined });
  });

  describe('with a token', () => {
    const success = async (extra = '', token = 'secret-token:fast-1'): Promise<string> => `<success xmlns='urn:xmpp:sasl:2'>
      <additional-data>${await hmac(utf8(token), 'Responder')}</additional-data><authorization-identifier>alice@example.org/Kith/1</authorization-identifier>${extra}</success>`;

    it('signs in within one round trip', async () => {
      const { peer, result } = await begin(sasl2(['SCRAM-SHA-256']), { credential: TOKEN });
      const request = await peer.next();
      expect(request.attrs['mechanism']).toBe('HT-SHA-256-NONE');
      expect(request.child('fast', 'urn:xmpp:fast:0')?.attrs).toEqual({});
      expect(request.child('request-token', 'urn:xmpp:fast:0')).toBeUndefined();
      const data = fromBase64(request.child('initial-response')?.text ?? '');
      expect(fromUtf8(data.subarray(0, 6))).toBe('alice\0');
      expect(toBase64(data.subarray(6))).toBe(await hmac(utf8('secret-token:fast-1'), 'Initiator'));
      peer.send(await success(`<bound xmlns='urn:xmpp:bind:0'><enabled xmlns='urn:xmpp:sm:3' id='sm1' resume='true'/></bound>
        <token xmlns='urn:xmpp:fast:0' token='secret-token:fast-2' expiry='2031-01-01T00:00:00Z'/>`));
      peer.send(AFTER);
      expect(await result).toMatchObject({ byPassword: false, token: { token: 'secret-token:fast-2' }, resumed: false });
    });

    it('resumes the stream in the same round trip', async () => {
      const previous = new StreamManagement('sm1', 300);
      const stanza = (await import('./xml')).xml('jabber:client', 'message', { id: 'm1' });
      const acked: string[] = [];
      previous.sent(stanza, () => acked.push('m1'));
      previous.sent((await import('./xml')).xml('jabber:client', 'message', { id: 'm2' }), () => acked.push('m2'));
      previous.received()();
      const { peer, result } = await begin(sasl2(['SCRAM-SHA-256']), { credential: TOKEN, previous });
      expect((await peer.next()).child('resume', 'urn:xmpp:sm:3')?.attrs).toEqual({ previd: 'sm1', h: '1' });
      peer.send(await success(`<resumed xmlns='urn:xmpp:sm:3' previd='sm1' h='1'/>`));
      const done = await result;
      expect(done).toMatchObject({ resumed: true, sm: previous });
      expect(done.again.map((one) => one.attrs['id'])).toEqual(['m2']);
      expect(acked).toEqual(['m1']);
    });

    it('starts anew when the stream is gone, and learns what had arrived', async () => {
      const previous = new StreamManagement('sm1', 300);
      const acked: string[] = [];
      previous.sent((await import('./xml')).xml('jabber:client', 'message', { id: 'm1' }), () => acked.push('m1'));
      const { peer, result } = await begin(sasl2(['SCRAM-SHA-256']), { credential: TOKEN, previous });
      await peer.next();
      peer.send(await success(`<failed xmlns='urn:xmpp:sm:3' h='1'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>
        <bound xmlns='urn:xmpp:bind:0'><enabled xmlns='urn:xmpp:sm:3' id='sm2' resume='true'/></bound>`));
      peer.send(AFTER);
      expect(await result).toMatchObject({ resumed: false, sm: { id: 'sm2' }, again: [] });
      expect(acked).toEqual(['m1']);
    });

    it('refuses a server that does not know the token', async () => {
      const { peer, result } = await begin(sasl2(['SCRAM-SHA-256']), { credential: TOKEN });
      await peer.next();
      peer.send(await success('', 'another token'));
      await expect(result).rejects.toThrow('did not prove');
    });

    it('learns that the token is worthless', async () => {
      const { peer, result } = await begin(sasl2(['SCRAM-SHA-256']), { credential: TOKEN });
      await peer.next();
      peer.send(`<failure xmlns='urn:xmpp:sasl:2'><credentials-expired xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></failure>`);
      await expect(result).rejects.toBeInstanceOf(AuthError);
    });

    it('makes it worthless without starting a session', async () => {
      const { peer, result } = await begin(sasl2(['SCRAM-SHA-256']), { credential: TOKEN, invalidate: true });
      const request = await peer.next();
      expect(request.child('fast', 'urn:xmpp:fast:0')?.attrs).toEqual({ invalidate: 'true' });
      expect(request.child('bind', 'urn:xmpp:bind:0')).toBeUndefined();
      peer.send(await success());
      expect(await result).toMatchObject({ resumed: false, sm: undefined });
    });

    it('cannot be used with a server that has no such thing', async () => {
      const { result } = await begin(features(`<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-1</mechanism></mechanisms>`), { credential: TOKEN });
      await expect(result).rejects.toMatchObject({ condition: 'credentials-expired' });
    });
  });
});

describe('RFC 6120', () => {
  const mechanisms = (...names: string[]): string =>
    features(`<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${names.map((name) => `<mechanism>${name}</mechanism>`).join('')}</mechanisms>`);

  async function authenticate(peer: Peer, proofIn: 'success' | 'challenge'): Promise<void> {
    const auth = await peer.next();
    expect(auth).toMatchObject({ name: 'auth', attrs: { mechanism: 'SCRAM-SHA-256' } });
    const scram = new ServerScram();
    peer.send(`<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${scram.challenge(auth)}</challenge>`);
    const data = await scram.outcome(await peer.next());
    if (proofIn === 'challenge') {
      peer.send(`<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${data}</challenge>`);
      expect((await peer.next()).text).toBe('');
      peer.send(`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`);
    } else {
      peer.send(`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${data}</success>`);
    }
    expect((await peer.next()).name).toBe('open');
    peer.send(`<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' from='example.org' id='s2' version='1.0'/>`);
    peer.send(features(`<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/>`));
  }

  it.each(['success', 'challenge'] as const)('signs in, the proof being in the %s', async (proofIn) => {
    const { peer, result } = await begin(mechanisms('PLAIN', 'SCRAM-SHA-256'));
    await authenticate(peer, proofIn);
    await peer.next();
    peer.send(`<iq xmlns='jabber:client' type='result' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>Alice@Example.org/x</jid></bind></iq>`);
    await peer.next();
    peer.send(`<enabled xmlns='urn:xmpp:sm:3' id='sm1' resume='1'/>`);
    expect(await result).toMatchObject({ jid: 'alice@example.org/x', sm: { id: 'sm1' }, carbons: false });
  });

  it('resumes', async () => {
    const previous = new StreamManagement('old', 300);
    const { peer, result } = await begin(mechanisms('SCRAM-SHA-256'), { previous });
    await authenticate(peer, 'success');
    expect((await peer.next()).is('urn:xmpp:sm:3', 'resume')).toBe(true);
    peer.send(`<resumed xmlns='urn:xmpp:sm:3' previd='old' h='0'/>`);
    expect(await result).toMatchObject({ resumed: true });
  });

  it('binds when it cannot resume', async () => {
    const { peer, result } = await begin(mechanisms('SCRAM-SHA-256'), { previous: new StreamManagement('old', 300) });
    await authenticate(peer, 'success');
    await peer.next();
    peer.send(`<failed xmlns='urn:xmpp:sm:3'/>`);
    await peer.next();
    peer.send(`<iq xmlns='jabber:client' type='error' id='bind'><error type='wait'><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`);
    await expect(result).rejects.toMatchObject({ condition: 'resource-constraint' });
  });

  it('refuses a server without a proof', async () => {
    const { peer, result } = await begin(mechanisms('SCRAM-SHA-256'));
    await peer.next();
    peer.send(`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`);
    await expect(result).rejects.toBeInstanceOf(ProtocolError);
  });
});

describe('the stream', () => {
  it('ends with the error that the server gives', async () => {
    const { peer, result } = await begin(sasl2(['SCRAM-SHA-256']));
    await peer.next();
    peer.send(`<stream:error xmlns:stream='http://etherx.jabber.org/streams'><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`);
    await expect(result).rejects.toMatchObject({ name: 'StreamError', condition: 'host-unknown' });
    expect((await result.catch((error: unknown) => error)) instanceof StreamError).toBe(true);
  });

  it.each(['<open', `<!DOCTYPE x><x/>`, `<a/><b/>`])('ends when it gets %j', async (document) => {
    const { peer, result } = await begin(sasl2(['SCRAM-SHA-256']));
    await peer.next();
    peer.send(document);
    await expect(result).rejects.toThrow('not well-formed');
    await peer.closed;
  });

  it('needs the subprotocol', async () => {
    const listener = new Listener();
    const connecting = Transport.connect('wss://example.org/ws', (url) => listener.factory(url, ''), new AbortController().signal);
    await expect(connecting).rejects.toThrow('does not speak XMPP');
  });

  it('can be given up while it opens', async () => {
    const controller = new AbortController();
    const connecting = Transport.connect('wss://example.org/ws', new Listener().factory, controller.signal);
    controller.abort(new Error('enough'));
    await expect(connecting).rejects.toThrow('enough');
  });
});
