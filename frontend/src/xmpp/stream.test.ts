import { describe, expect, it } from 'vitest';
import { TestClock } from '../../test/support/clock';
import { Listener, type Peer } from '../../test/support/peer';
import { ConnectionError, ProtocolError, StanzaError } from './errors';
import type { LoginResult } from './login';
import { Stream, type StreamHandlers } from './stream';
import { Transport } from './transport';
import { StreamManagement } from './xep0198_sm';
import { xml, type XmlElement } from './xml';

const ALICE = 'alice@example.org/x';
const message = (id: string): XmlElement => xml('jabber:client', 'message', { id, to: 'bob@example.org' });

interface Scene {
  readonly stream: Stream;
  readonly peer: Peer;
  readonly ended: Promise<Error>;
  readonly clock: TestClock;
  readonly reconnect: (again?: readonly XmlElement[]) => Promise<{ peer: Peer; ended: Promise<Error> }>;
}

async function scene(handlers: Partial<StreamHandlers> = {}, managed = true): Promise<Scene> {
  const sm = managed ? new StreamManagement('sm1', 300) : undefined;
  const clock = new TestClock();
  const listener = new Listener();
  const connect = async (): Promise<[Transport, Peer]> => {
    const connecting = Transport.connect('wss://example.org/ws', listener.factory, new AbortController().signal);
    return [await connecting, await listener.next()];
  };
  const login: LoginResult = { jid: ALICE, resumed: false, byPassword: true, token: undefined, sm, again: [], carbons: true, features: new Set() };
  const stream = new Stream(ALICE, login, {
    message: () => Promise.resolve(), presence: () => Promise.resolve(), request: () => undefined, ...handlers,
  }, clock);
  const [transport, peer] = await connect();
  return {
    stream, peer, clock, ended: stream.run(transport),
    async reconnect(again = []) {
      const [next, other] = await connect();
      return { peer: other, ended: stream.run(next, again) };
    },
  };
}

describe('acknowledgements', () => {
  it('are asked for with what matters, and given for what was handled', async () => {
    const release: (() => void)[] = [];
    const { stream, peer } = await scene({ message: () => new Promise((resolve) => release.push(resolve)) });
    const acked: string[] = [];
    stream.send(message('m1'), () => acked.push('m1'));
    stream.send(message('m2'), () => acked.push('m2'));
    expect((await peer.next()).attrs['id']).toBe('m1');
    expect((await peer.next()).name).toBe('r');
    expect((await peer.next()).attrs['id']).toBe('m2');
    peer.send(`<a xmlns='urn:xmpp:sm:3' h='1'/>`);
    expect((await peer.next()).name).toBe('r'); // for the second
    expect(acked).toEqual(['m1']);
    peer.send(`<a xmlns='urn:xmpp:sm:3' h='2'/>`);
    for (const id of ['1', '2']) peer.send(`<message xmlns='jabber:client' id='${id}'/>`);
    peer.send(`<r xmlns='urn:xmpp:sm:3'/>`);
    expect((await peer.next()).attrs).toEqual({ h: '0' });
    release[1]?.(); // the second is handled before the first
    release[0]?.();
    expect((await peer.next()).attrs).toEqual({ h: '2' });
    expect(acked).toEqual(['m1', 'm2']);
  });

  it('cannot be for more than was sent', async () => {
    const { peer, ended } = await scene();
    peer.send(`<a xmlns='urn:xmpp:sm:3' h='3'/>`);
    expect(await ended).toBeInstanceOf(ProtocolError);
  });

  it('end the connection when they do not come', async () => {
    const { stream, clock, ended } = await scene();
    stream.send(message('m1'), () => undefined);
    clock.advance(20_000);
    expect((await ended).message).toBe('no acknowledgement');
  });

  it('are asked for after a minute of silence', async () => {
    const { peer, clock, ended } = await scene();
    clock.advance(60_000);
    expect((await peer.next()).name).toBe('r');
    clock.advance(20_000);
    expect((await ended).message).toBe('no acknowledgement');
  });

  it('are replaced by pings where the server knows none', async () => {
    const { stream, peer, clock, ended } = await scene({}, false);
    const acked: string[] = [];
    stream.send(message('m1'), () => acked.push('m1'));
    stream.send(message('m2'), () => acked.push('m2'));
    const first = await peer.until('iq');
    peer.send(`<iq xmlns='jabber:client' type='error' id='${first.attrs['id'] ?? ''}' from='example.org'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`);
    const second = await peer.until('iq'); // m2 was sent after the first
    expect(acked).toEqual(['m1']);
    peer.send(`<iq xmlns='jabber:client' type='result' id='${second.attrs['id'] ?? ''}' from='example.org'/>`);
    stream.send(message('m3'), () => acked.push('m3'));
    await peer.until('iq');
    expect(acked).toEqual(['m1', 'm2']);
    clock.advance(20_000);
    expect((await ended).message).toBe('no answer to a ping');
  });

  it('survive the connection', async () => {
    const { stream, peer, ended, reconnect } = await scene();
    const acked: string[] = [];
    stream.send(message('m1'), () => acked.push('m1'));
    stream.send(message('m2'), () => acked.push('m2'));
    const asked = stream.iq('get', xml('urn:xmpp:ping', 'ping'), 'example.org');
    peer.cut();
    await ended;
    expect(() => stream.send(message('m3'))).toThrow(ConnectionError);
    const again = stream.sm?.resume(1) ?? [];
    expect(acked).toEqual(['m1']);
    const next = await reconnect(again);
    expect((await next.peer.next()).attrs['id']).toBe('m2');
    const iq = await next.peer.until('iq');
    next.peer.send(`<iq xmlns='jabber:client' type='result' id='${iq.attrs['id'] ?? ''}' from='example.org'/>`);
    await asked;
    next.peer.send(`<a xmlns='urn:xmpp:sm:3' h='3'/>`);
    await next.peer.until('r').catch(() => undefined);
    expect(acked).toEqual(['m1', 'm2']);
  });

  it('count around 2^32', () => {
    const sm = new StreamManagement('x', undefined);
    const acked: number[] = [];
    sm.acknowledge(0);
    (sm as unknown as { acked: number }).acked = 2 ** 32 - 1;
    sm.sent(message('1'), () => acked.push(1));
    sm.sent(message('2'), () => acked.push(2));
    sm.acknowledge(1);
    expect(acked).toEqual([1, 2]);
  });
});

describe('requests', () => {
  it('are answered only by whom was asked', async () => {
    const { stream, peer } = await scene();
    const asked = stream.iq('get', xml('urn:xmpp:ping', 'ping'), 'Example.org');
    const id = (await peer.until('iq')).attrs['id'] ?? '';
    peer.send(`<iq xmlns='jabber:client' type='result' id='${id}' from='mallory@example.net'/>`);
    peer.send(`<iq xmlns='jabber:client' type='result' id='${id}'/>`);
    peer.send(`<iq xmlns='jabber:client' type='error' id='${id}' from='example.org'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`);
    await expect(asked).rejects.toMatchObject({ condition: 'item-not-found', type: 'cancel' });
  });

  it('to the own server may be answered in its four forms', async () => {
    const { stream, peer } = await scene();
    for (const from of ['', `from='alice@example.org'`, `from='${ALICE}'`, `from='example.org'`]) {
      const asked = stream.iq('get', xml('urn:xmpp:ping', 'ping'));
      const id = (await peer.until('iq')).attrs['id'] ?? '';
      peer.send(`<iq xmlns='jabber:client' type='result' id='${id}' ${from}/>`);
      await expect(asked).resolves.toBeDefined();
    }
  });

  it('give up after a while, and when the session is over', async () => {
    const { stream, clock } = await scene();
    const first = stream.iq('get', xml('urn:xmpp:ping', 'ping'));
    clock.advance(30_000);
    await expect(first).rejects.toBeInstanceOf(ConnectionError);
    const second = stream.iq('get', xml('urn:xmpp:ping', 'ping'));
    stream.dispose(new ConnectionError('over'));
    await expect(second).rejects.toThrow('over');
  });

  it('of others are always answered', async () => {
    const { peer } = await scene({
      request: (_type, payload) => (payload.name === 'known' ? Promise.resolve(xml('u', 'answer')) : payload.name === 'refused' ? Promise.reject(new StanzaError('auth', 'forbidden')) : undefined),
    });
    const ask = async (content: string): Promise<XmlElement> => {
      peer.send(`<iq xmlns='jabber:client' type='get' id='q' from='bob@example.org/y'>${content}</iq>`);
      return peer.until('iq');
    };
    expect(String(await ask(`<known xmlns='u'/>`))).toBe(`<iq xmlns='jabber:client' type='result' id='q' to='bob@example.org/y'><answer xmlns='u'/></iq>`);
    expect(String(await ask(`<refused xmlns='u'/>`))).toContain('<forbidden');
    expect(String(await ask(`<unknown xmlns='u'/>`))).toContain('<service-unavailable');
    expect(String(await ask(''))).toContain('<bad-request');
    expect(String(await ask(`<known xmlns='u'/><known xmlns='u'/>`))).toContain('<bad-request');
  });
});

describe('the end', () => {
  // A rejection that nobody handles fails the run.
  it('is the end at once, also for what is handled only then', async () => {
    let stored: (() => void) | undefined;
    const { stream, peer } = await scene({ message: () => new Promise((resolve) => { stored = resolve; }) });
    peer.send(`<message xmlns='jabber:client' id='1'/>`);
    peer.send(`<r xmlns='urn:xmpp:sm:3'/>`);
    expect((await peer.next()).attrs).toEqual({ h: '0' });
    stored?.();
    stream.close();
    expect(stream.connected).toBe(false);
    expect(() => { stream.probe(); }).not.toThrow();
    await stream.settled();
  });
});

describe('a message that cannot be stored', () => {
  it('ends the connection and is not acknowledged', async () => {
    const { stream, peer, ended } = await scene({ message: () => Promise.reject(new Error('disk full')) });
    peer.send(`<message xmlns='jabber:client' id='1'/>`);
    expect((await ended).message).toBe('disk full');
    expect(stream.sm?.h).toBe(0);
  });
});
