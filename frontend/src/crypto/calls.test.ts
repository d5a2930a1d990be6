import { describe, expect, it } from 'vitest';
import { callKeyId, frameKey, newCallSecret, nextCallSecret, parseFingerprint, verifyCall, type CallParty } from './calls';

const text = '4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:3B:F9:76:94:DF:5A:EB:D3:0A:6B:24:28';
const of = (hex: string): Uint8Array<ArrayBuffer> => Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));

describe('verification of calls', () => {
  it('reads fingerprints', () => {
    expect(parseFingerprint('SHA-256', ` ${text.toLowerCase()}\n`)).toEqual({ hash: 'sha-256', text });
    for (const [hash, value] of [['sha-1', text.slice(0, 59)], ['', text], ['sha-512', text], ['sha-256', `${text}:00`],
      ['sha-256', text.replace(':', '-')], ['sha-256', text.replace('4A', '4G')], ['sha-256', text.slice(1)]] as const) {
      expect(parseFingerprint(hash, value), `${hash} ${value}`).toBeUndefined();
    }
  });

  it('needs one device and one key for all contents, and nothing in clear', () => {
    const device = { jid: 'alice@example.org', device: 1 };
    const party: CallParty = { fingerprint: { hash: 'sha-256', text }, from: device, key: 'k', trust: 'verified' };
    expect(verifyCall([party, { ...party, from: { ...device } }], false, device)).toBe('verified');
    expect(verifyCall([{ ...party, trust: 'undecided' }], false)).toBe('undecided');
    expect(verifyCall([], false)).toBeUndefined();
    expect(verifyCall([party], true)).toBeUndefined();
    expect(verifyCall([party], false, { ...device, device: 2 })).toBeUndefined();
    expect(verifyCall([party, { ...party, from: { ...device, device: 2 } }], false)).toBeUndefined();
    expect(verifyCall([party, { ...party, from: { ...device, jid: 'eve@example.org' } }], false)).toBeUndefined();
    expect(verifyCall([party, { ...party, key: 'other' }], false)).toBeUndefined();
  });
});

describe('keys of group calls', () => {
  it('are those of RFC 9605 appendix C.3, suite 4', async () => {
    const { key, salt } = await frameKey(of('000102030405060708090a0b0c0d0e0f'), 0x123n);
    expect(salt).toEqual(of('75234edefe07819026751816'));
    const parameters = { name: 'AES-GCM', iv: of('75234edefe07819026755d71'), additionalData: of('99012345674945544620534672616d65205747') };
    const frame = of('b7412c2513a1b66dbb48841bbaf17f598751176ad847681a69c6d0b091c07018ce4adb34eb');
    expect(new TextDecoder().decode(await crypto.subtle.decrypt(parameters, key, frame))).toBe('draft-ietf-sframe-enc');
  });

  it('go on without telling what was before', async () => {
    const first = newCallSecret();
    expect(newCallSecret()).not.toEqual(first);
    const next = await nextCallSecret(first);
    expect(next).toHaveLength(32);
    expect(next).toEqual(await nextCallSecret(first));
    expect(await nextCallSecret(next)).not.toEqual(next);
    // The core's derivation has the same example.
    expect(await nextCallSecret(Uint8Array.from({ length: 32 }, (_, i) => i))).toEqual(of('1e31370b2f041d5c893dbba4b27bc3e67956a51ae6221a427445cab04059fd65'));
  });

  it('have ids of sender and step', () => {
    expect(callKeyId(5, 3)).toBe(0x503n);
    expect(callKeyId(2 ** 24 - 1, 257)).toBe(0xffffff01n);
    for (const sender of [-1, 0.5, 2 ** 24]) expect(() => callKeyId(sender, 0)).toThrow(RangeError);
  });
});
