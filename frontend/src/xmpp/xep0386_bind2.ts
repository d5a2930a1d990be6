/** XEP-0386: Bind 2. */
import { attr, child, children, define, optional, raw } from './codec';
import { NS } from './ns';
import { metadata } from './xep0313_mam';
import { enabled } from './xep0198_sm';

const feature = define(NS.bind2, 'feature', { var: attr('var') });
const inline = define(NS.bind2, 'inline', { features: children(feature) });

/** What the server can do together with binding. */
export const bind2Feature = define(NS.bind2, 'bind', { inline: optional(child(inline)) });

export const bound = define(NS.bind2, 'bound', {
  archive: optional(child(metadata)),
  enabled: optional(child(enabled)),
  failed: optional(raw(NS.sm, 'failed')),
});
