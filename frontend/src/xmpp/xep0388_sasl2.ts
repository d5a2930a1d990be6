/** XEP-0388: Extensible SASL Profile. */
import { attr, child, define, flag, leafText, leafTexts, optional, text } from './codec';
import { NS } from './ns';
import { bind2Feature } from './xep0386_bind2';
import { fastFeature } from './xep0484_fast';

const inline = define(NS.sasl2, 'inline', {
  bind: optional(child(bind2Feature)),
  fast: optional(child(fastFeature)),
  sm: flag(NS.sm, 'sm'),
});

export const authentication = define(NS.sasl2, 'authentication', {
  mechanisms: leafTexts(NS.sasl2, 'mechanism'),
  inline: optional(child(inline)),
});

export const userAgent = define(NS.sasl2, 'user-agent', {
  id: optional(attr('id')),
  software: optional(leafText(NS.sasl2, 'software')),
  device: optional(leafText(NS.sasl2, 'device')),
});

export const challenge = define(NS.sasl2, 'challenge', { data: text.bytes() });
export const response = define(NS.sasl2, 'response', { data: text.bytes() });

export const success = define(NS.sasl2, 'success', {
  data: optional(leafText.bytes(NS.sasl2, 'additional-data')),
  identity: leafText(NS.sasl2, 'authorization-identifier'),
});
