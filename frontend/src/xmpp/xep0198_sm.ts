/** XEP-0198: Stream Management: the elements, and the counters of one stream that survives its connections. */
import { attr, define, optional } from './codec';
import { ProtocolError } from './errors';
import { NS } from './ns';
import type { XmlElement } from './xml';

export const enable = define(NS.sm, 'enable', { resume: optional(attr.bool('resume')), max: optional(attr.uint('max')) });
export const enabled = define(NS.sm, 'enabled', {
  id: optional(attr('id')), resume: optional(attr.bool('resume')), max: optional(attr.uint('max')), location: optional(attr('location')),
});
export const resume = define(NS.sm, 'resume', { previd: attr('previd'), h: attr.uint('h') });
export const resumed = define(NS.sm, 'resumed', { previd: attr('previd'), h: attr.uint('h') });
export const failed = define(NS.sm, 'failed', { h: optional(attr.uint('h')) });
export const request = define(NS.sm, 'r', {});
export const answer = define(NS.sm, 'a', { h: attr.uint('h') });

const WRAP = 2 ** 32;

interface Unacknowledged {
  readonly stanza: XmlElement;
  readonly onAck: (() => void) | undefined;
}

/** Counts stanzas in both directions (section 4). */
export class StreamManagement {
  private acked = 0;
  private readonly queue: Unacknowledged[] = [];
  private handled = 0;
  /** Inbound stanzas in their order; true once handled. They count as handled only when all before them are. */
  private readonly inbound: { done: boolean }[] = [];

  constructor(readonly id: string | undefined, readonly seconds: number | undefined) {}

  /** A stanza leaves; `onAck` is called when the server has taken responsibility for it. */
  sent(stanza: XmlElement, onAck?: () => void): void {
    this.queue.push({ stanza, onAck });
  }

  get waiting(): number {
    return this.queue.length;
  }

  /** A stanza came in; call what is returned when it is handled for good. It tells whether the count moved. */
  received(): () => boolean {
    const entry = { done: false };
    this.inbound.push(entry);
    return () => {
      if (entry.done) return false;
      entry.done = true;
      const before = this.handled;
      while (this.inbound[0]?.done === true) {
        this.inbound.shift();
        this.handled = (this.handled + 1) % WRAP;
      }
      return this.handled !== before;
    };
  }

  /** What to tell the server. */
  get h(): number {
    return this.handled;
  }

  /** Stanzas that came in but are not handled for good yet. */
  get pending(): number {
    return this.inbound.length;
  }

  /** The server has handled `h` of our stanzas. */
  acknowledge(h: number): void {
    const count = (h - this.acked + WRAP) % WRAP;
    if (count > this.queue.length) throw new ProtocolError('stream management: more acknowledged than was sent');
    this.acked = h;
    for (const { onAck } of this.queue.splice(0, count)) onAck?.();
  }

  /**
   * The stream was resumed: what the server did not get has to be sent again, in order. What came in but was not
   * handled before will come again, because the server saw our count.
   */
  resume(h: number): XmlElement[] {
    this.acknowledge(h);
    return this.queue.map(({ stanza }) => stanza);
  }

  /** Before resuming: inbound stanzas that were not handled are forgotten, they will be sent again. */
  forgetUnhandled(): void {
    this.inbound.length = 0;
  }
}
