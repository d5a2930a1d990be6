import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromBase64, toBase64 } from '../../src/xmpp/bytes';
import { Device } from '../support/device';
import { Kithd } from './kithd';
import { PROGRAM } from './servers';

const url = (text: string): string => text.replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
const standard = (text: string): string => text.replace(/-/g, '+').replace(/_/g, '/').padEnd(Math.ceil(text.length / 4) * 4, '=');

/** What a browser gives for a subscription. */
async function subscription(endpoint: string): Promise<{ endpoint: string; key: string; auth: string }> {
  const { publicKey } = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, false, ['deriveBits']);
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', publicKey));
  return { endpoint, key: url(toBase64(raw)), auth: url(toBase64(crypto.getRandomValues(new Uint8Array(16)))) };
}

describe.runIf(existsSync(PROGRAM))('being woken by our own server', () => {
  let server: Kithd;
  let alice: Device;

  beforeAll(async () => {
    server = await Kithd.start(PROGRAM);
    await server.addUser('alice', 'correct horse');
    alice = await Device.open({ origin: server.origin, socket: server.socket, profile: 'webpush' });
    await alice.commands.signIn('alice', 'correct horse');
    await alice.online();
  });

  afterAll(async () => {
    await alice?.stop();
    await server?.stop();
  });

  it('there is a key to subscribe with, a point on P-256', async () => {
    const key = await alice.commands.pushKey();
    const bytes = fromBase64(standard(key ?? ''));
    expect([bytes?.length, bytes?.[0]]).toEqual([65, 4]);
    await crypto.subtle.importKey('raw', new Uint8Array(bytes ?? []), { name: 'ECDSA', namedCurve: 'P-256' }, true, ['verify']);
    expect(await alice.commands.pushKey()).toBe(key);
  });

  it('it is switched on, renewed, and switched off', async () => {
    const one = await subscription('https://push.example/one');
    await alice.commands.enablePush(one);
    await alice.commands.enablePush(one);
    await alice.commands.enablePush(await subscription('https://push.example/two'));
    await alice.commands.disablePush();
    await alice.commands.disablePush();
  });

  it('what is no subscription is refused', async () => {
    const good = await subscription('https://push.example/three');
    for (const bad of [{ ...good, endpoint: 'http://push.example/three' }, { ...good, key: good.auth }, { ...good, auth: good.key }]) {
      await expect(alice.commands.enablePush(bad)).rejects.toMatchObject({ reason: { code: expect.any(String) } });
    }
  });
});
