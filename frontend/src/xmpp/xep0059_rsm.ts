/** XEP-0059: Result Set Management. */
import { attr, child, define, leafText, optional, text } from './codec';
import { NS } from './ns';

const first = define(NS.rsm, 'first', { index: optional(attr.uint('index')), id: text() });

/** `before: ''` asks for the last page. */
export const rsm = define(NS.rsm, 'set', {
  max: optional(leafText.uint(NS.rsm, 'max')),
  before: optional(leafText(NS.rsm, 'before')),
  after: optional(leafText(NS.rsm, 'after')),
  first: optional(child(first)),
  last: optional(leafText(NS.rsm, 'last')),
  count: optional(leafText.uint(NS.rsm, 'count')),
});
