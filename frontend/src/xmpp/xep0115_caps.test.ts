import { expect, it } from 'vitest';
import { capsHash, verificationString } from './xep0115_caps';

it('hashes the simple example of section 5.2', async () => {
  const info = {
    identities: [{ category: 'client', type: 'pc', name: 'Exodus 0.9.1' }],
    features: ['disco#info', 'disco#items', 'muc', 'caps'].map((name) => ({ var: `http://jabber.org/protocol/${name}` })),
    forms: [],
  };
  expect(await capsHash(info)).toBe('QgayPKawpkPSDYmwT/WM94uAlu0=');
});

it('hashes the complex example of section 5.3', async () => {
  const field = (name: string, ...values: string[]): { name: string; values: string[] } => ({ name, values });
  const info = {
    identities: [
      { category: 'client', type: 'pc', lang: 'en', name: 'Psi 0.11' }, { category: 'client', type: 'pc', lang: 'el', name: '\u03a8 0.11' },
    ],
    features: ['caps', 'disco#info', 'disco#items', 'muc'].map((name) => ({ var: `http://jabber.org/protocol/${name}` })),
    forms: [{
      type: 'result' as const,
      fields: [
        { name: 'FORM_TYPE', type: 'hidden', values: ['urn:xmpp:dataforms:softwareinfo'] }, field('ip_version', 'ipv4', 'ipv6'),
        field('os', 'Mac'), field('os_version', '10.5.1'), field('software', 'Psi'), field('software_version', '0.11'),
      ],
    }],
  };
  expect(verificationString(info)).toContain('urn:xmpp:dataforms:softwareinfo<ip_version<ipv4<ipv6<os<Mac<');
  expect(await capsHash(info)).toBe('q07IKJEyjvHSyhy//CH0CxmKi8w=');
});

it('sorts names before it separates them', () => {
  const info = { identities: [], features: ['urn:a:0', 'urn:a', 'urn:a+notify'].map((name) => ({ var: name })), forms: [] };
  expect(verificationString(info)).toBe('urn:a<urn:a+notify<urn:a:0<');
});
