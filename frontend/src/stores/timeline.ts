import type { Message, Page } from '../core/api';

/**
 * The stretch of a chat that is loaded: ascending by order, without gaps. A value; every change makes a new one.
 * Messages whose place lies outside of the stretch are left for the page that will bring them.
 */
export interface Timeline {
  readonly messages: readonly Message[];
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
}

export const emptyTimeline: Timeline = { messages: [], hasOlder: true, hasNewer: false };

const byOrder = (a: Message, b: Message): number => a.order - b.order;

function merge(old: readonly Message[], more: readonly Message[]): readonly Message[] {
  const byId = new Map(old.map((message) => [message.id, message]));
  for (const message of more) byId.set(message.id, message);
  return [...byId.values()].sort(byOrder);
}

export function withOlder(timeline: Timeline, page: Page): Timeline {
  // What is loaded already came later from the core than what a page may repeat.
  return { ...timeline, messages: merge(page.messages, timeline.messages), hasOlder: page.hasOlder };
}

export function withNewer(timeline: Timeline, page: Page): Timeline {
  return { ...timeline, messages: merge(page.messages, timeline.messages), hasNewer: page.hasNewer };
}

/** Applies what the core told of single messages. */
export function withChanges(timeline: Timeline, changed: readonly Message[], removed: readonly string[]): Timeline {
  const first = timeline.messages[0];
  const last = timeline.messages.at(-1);
  const known = new Set(timeline.messages.map((message) => message.id));
  const taken = changed.filter((message) => {
    if (known.has(message.id)) return true;
    if (first && last && message.order > first.order && message.order < last.order) return true;
    if (!last || message.order > last.order) return !timeline.hasNewer;
    return !timeline.hasOlder;
  });
  if (taken.length === 0 && !removed.some((id) => known.has(id))) return timeline;
  const gone = new Set(removed);
  return { ...timeline, messages: merge(timeline.messages, taken).filter((message) => !gone.has(message.id)) };
}

/** Forgets what is far away, so that reading back for hours does not fill the memory. */
export function trimmed(timeline: Timeline, keep: number, from: 'start' | 'end'): Timeline {
  if (timeline.messages.length <= keep) return timeline;
  return from === 'start'
    ? { ...timeline, messages: timeline.messages.slice(-keep), hasOlder: true }
    : { ...timeline, messages: timeline.messages.slice(0, keep), hasNewer: true };
}
