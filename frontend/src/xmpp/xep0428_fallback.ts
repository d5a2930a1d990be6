/** XEP-0428: Fallback Indication: what of the text is only for programs that do not know something. */
import { attr, children, define, optional } from './codec';
import { NS } from './ns';

const range = define(NS.fallback, 'body', { start: optional(attr.uint('start')), end: optional(attr.uint('end')) });

/** No `bodies`: the whole message. Positions count code points. */
export const fallback = define(NS.fallback, 'fallback', { for: optional(attr('for')), bodies: children(range) });

/** The text without what stands in it only for those who do not know `feature`. */
export function withoutFallback(text: string, ranges: readonly { readonly start?: number; readonly end?: number }[]): string {
  const points = [...text];
  const kept = points.map(() => true);
  for (const { start = 0, end = points.length } of ranges) for (let i = start; i < Math.min(end, points.length); i++) kept[i] = false;
  return points.filter((_, i) => kept[i] === true).join('');
}
