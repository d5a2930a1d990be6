/** XEP-0313: Message Archive Management (`urn:xmpp:mam:2`). */
import { attr, child, define, optional, type Of } from './codec';
import { NS } from './ns';
import { form, submit } from './xep0004_form';
import { rsm } from './xep0059_rsm';
import { forwarded } from './xep0297_forwarding';
import type { XmlElement } from './xml';

export const query = define(NS.mam, 'query', {
  queryid: optional(attr('queryid')),
  form: optional(child(form)),
  set: optional(child(rsm)),
});

export const result = define(NS.mam, 'result', {
  queryid: optional(attr('queryid')),
  id: attr('id'),
  forwarded: child(forwarded),
});
export type ArchiveResult = Of<typeof result>;

export const fin = define(NS.mam, 'fin', {
  complete: optional(attr.bool('complete')),
  stable: optional(attr.bool('stable')),
  set: optional(child(rsm)),
});

const start = define(NS.mam, 'start', { id: attr('id'), timestamp: attr.date('timestamp') });
const end = define(NS.mam, 'end', { id: attr('id'), timestamp: attr.date('timestamp') });
/** State of the archive; both absent when it is empty. */
export const metadata = define(NS.mam, 'metadata', { start: optional(child(start)), end: optional(child(end)) });

/** What part of the archive to ask for: forward after an id, or backward before one (`before: ''`: the newest). */
export interface ArchiveBound {
  readonly with?: string;
  readonly after?: string;
  readonly before?: string;
  /** Milliseconds since epoch. */
  readonly start?: number;
  readonly max: number;
}

export function archiveQuery(queryid: string, bound: ArchiveBound): XmlElement {
  const filtered = bound.with !== undefined || bound.start !== undefined;
  return query.write({
    queryid,
    ...(filtered && {
      form: submit(NS.mam, {
        ...(bound.with !== undefined && { with: bound.with }),
        ...(bound.start !== undefined && { start: new Date(bound.start).toISOString() }),
      }),
    }),
    set: {
      max: bound.max,
      ...(bound.before !== undefined && { before: bound.before }),
      ...(bound.after !== undefined && { after: bound.after }),
    },
  });
}
