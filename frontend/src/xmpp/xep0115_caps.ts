/** XEP-0115: Entity Capabilities. */
import { toBase64, utf8 } from './bytes';
import { attr, define } from './codec';
import { NS } from './ns';
import type { DiscoInfo } from './xep0030_disco';
import { valueOf } from './xep0004_form';

export const caps = define(NS.caps, 'c', { hash: attr('hash'), node: attr('node'), ver: attr('ver') });

/** The verification string's hash (section 5.1), base64 of SHA-1. */
export async function capsHash(info: DiscoInfo): Promise<string> {
  return toBase64(new Uint8Array(await crypto.subtle.digest('SHA-1', utf8(verificationString(info)))));
}

export function verificationString(info: DiscoInfo): string {
  // Sorted before the separator is added: it would come after characters that names go on with.
  const identities = info.identities.map((id) => `${id.category}/${id.type}/${id.lang ?? ''}/${id.name ?? ''}`).sort(octets);
  const features = info.features.map((feature) => feature.var).sort(octets);
  const forms = info.forms
    .map((form) => ({ type: valueOf(form, 'FORM_TYPE') ?? '', form }))
    .filter(({ type }) => type !== '')
    .sort((a, b) => octets(a.type, b.type))
    .map(({ type, form }) => type + '<' + form.fields
      .filter((field) => field.name !== 'FORM_TYPE')
      .sort((a, b) => octets(a.name ?? '', b.name ?? ''))
      .map((field) => `${field.name ?? ''}<` + [...field.values].sort(octets).map((value) => value + '<').join(''))
      .join(''));
  return [...identities, ...features].map((name) => name + '<').join('') + forms.join('');
}

/** i;octet collation (RFC 4790 section 9.3): by UTF-8 bytes, which is the order of code points. */
function octets(a: string, b: string): number {
  const x = utf8(a), y = utf8(b);
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const d = (x[i] ?? 0) - (y[i] ?? 0);
    if (d !== 0) return d;
  }
  return x.length - y.length;
}
