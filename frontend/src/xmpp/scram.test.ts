import { describe, expect, it } from 'vitest';
import { fromUtf8, toBase64, fromBase64, utf8 } from './bytes';
import { chooseMechanism, computeVerifier, computeVerifiers, ScramClient } from './scram';
import { saslprep, SaslprepError } from './saslprep';
import { ProtocolError } from './errors';

describe('SCRAM', () => {
  it('does the exchange of RFC 5802 section 5', async () => {
    const client = new ScramClient('SCRAM-SHA-1', 'user', 'pencil', undefined, 'fyko+d2lbbFgONRv9qkxdawL');
    expect(fromUtf8(client.first())).toBe('n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL');
    const final = await client.final(utf8('r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096'));
    expect(fromUtf8(final)).toBe('c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=');
    client.verify(utf8('v=rmF9pqV8S7suAoZWja4dJRkFsKQ='));
  });

  it('does the exchange of RFC 7677 section 3', async () => {
    const client = new ScramClient('SCRAM-SHA-256', 'user', 'pencil', undefined, 'rOprNGfwEbeRWgbNEkqO');
    const final = await client.final(utf8('r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'));
    expect(fromUtf8(final)).toBe('c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=');
    client.verify(utf8('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='));
  });

  it.each([
    ['a foreign nonce', 'r=another,s=QSXCR+Q6sek8bf92,i=4096'],
    ['our nonce alone', 'r=abc,s=QSXCR+Q6sek8bf92,i=4096'],
    ['too few iterations', 'r=abcd,s=QSXCR+Q6sek8bf92,i=4095'],
    ['absurdly many iterations', 'r=abcd,s=QSXCR+Q6sek8bf92,i=99999999'],
    ['no salt', 'r=abcd,s=,i=4096'],
    ['a mandatory extension', 'm=x,r=abcd,s=QSXCR+Q6sek8bf92,i=4096'],
    ['rubbish', 'hello'],
  ])('refuses %s', async (_, challenge) => {
    await expect(new ScramClient('SCRAM-SHA-1', 'user', 'pencil', undefined, 'abc').final(utf8(challenge))).rejects.toThrow(ProtocolError);
  });

  it('refuses a server that does not prove itself', async () => {
    const client = new ScramClient('SCRAM-SHA-1', 'user', 'pencil', undefined, 'fyko+d2lbbFgONRv9qkxdawL');
    expect(() => client.verify(utf8('v='))).toThrow(ProtocolError);
    await client.final(utf8('r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096'));
    expect(() => client.verify(undefined)).toThrow(ProtocolError);
    expect(() => client.verify(utf8('v=rmF9pqV8S7suAoZWja4dJRkFsKA='))).toThrow(ProtocolError);
    expect(() => client.verify(utf8('e=other-error'))).toThrow(ProtocolError);
  });

  it('notices a changed list of mechanisms (XEP-0474 section 5.3)', async () => {
    const challenge = utf8('r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6,s=QSXCR+Q6sek8bf92,i=4096,h=G6k/rBLDqgOhRRaCuuatSDFkJ08=');
    const client = (mechanisms: string[]): ScramClient => new ScramClient('SCRAM-SHA-1', 'user', 'pencil',
      { mechanisms, channelBindings: ['tls-server-end-point', 'tls-exporter'] }, '12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6');
    await expect(client(['SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1']).final(challenge)).resolves.toBeDefined();
    await expect(client(['SCRAM-SHA-1']).final(challenge)).rejects.toThrow('changed on the way');
  });

  it('escapes the name and never chooses PLAIN', () => {
    expect(fromUtf8(new ScramClient('SCRAM-SHA-1', 'a=b,c', 'x', undefined, 'n').first())).toBe('n,,n=a=3Db=2Cc,r=n');
    expect(chooseMechanism(['PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-512'])).toBe('SCRAM-SHA-512');
    expect(chooseMechanism(['PLAIN', 'DIGEST-MD5', 'SCRAM-SHA-256-PLUS'])).toBeUndefined();
  });

  it('makes the verifiers against which a server checks', async () => {
    // From the exchange of RFC 7677: ServerSignature = HMAC(ServerKey, AuthMessage).
    const verifier = await computeVerifier('SCRAM-SHA-256', 'pencil', fromBase64('W22ZaJ0SNY7soEsUEjb6gQ=='), 4096);
    const message = 'n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,' +
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
    const key = await crypto.subtle.importKey('raw', verifier.serverKey, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
    expect(toBase64(new Uint8Array(await crypto.subtle.sign('HMAC', key, utf8(message))))).toBe('6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
    const all = await computeVerifiers('pencil', 4096);
    expect(all.map((one) => [one.mechanism, one.salt.length, one.storedKey.length]).sort((a, b) => String(a[0]).localeCompare(String(b[0])))).toEqual(
      [['SCRAM-SHA-1', 16, 20], ['SCRAM-SHA-256', 16, 32], ['SCRAM-SHA-512', 16, 64]]);
    expect(new Set(all.map((one) => toBase64(one.salt))).size).toBe(3);
  });
});

describe('SASLprep', () => {
  it.each([
    ['I\u00adX', 'IX'], ['user', 'user'], ['USER', 'USER'], ['\u00aa', 'a'], ['\u2168', 'IX'], ['a\u00a0b', 'a b'], ['pa\u0308ss', 'p\u00e4ss'],
    ['\u0627\u0661\u0628', '\u0627\u0661\u0628'], ['caf\u00e9 \u{1f600}', 'caf\u00e9 \u{1f600}'],
  ])('prepares %j', (input, output) => expect(saslprep(input)).toBe(output));

  it.each(['\u0007', '\u0627\u0031', '\u06271x', 'a\ue000', 'a\ufdd0', 'x\u202e', '\ud800', 'a\u0627'])('refuses %j', (input) =>
    expect(() => saslprep(input)).toThrow(SaslprepError));
});
