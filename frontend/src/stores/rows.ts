import type { Message } from '../core/api';

/** One line of the message list. Keys are stable, so that a row survives what happens around it. */
export type Row =
  /** Nothing older exists. */
  | { readonly kind: 'start'; readonly key: string }
  | { readonly kind: 'day'; readonly key: string; readonly at: number }
  | { readonly kind: 'unread'; readonly key: string; readonly count: number }
  /** A run of messages that cannot be read here, told once. */
  | { readonly kind: 'unreadable'; readonly key: string; readonly messages: readonly Message[] }
  /** Something that somebody did to the chat. */
  | { readonly kind: 'notice'; readonly key: string; readonly message: Message }
  /** `first` and `last`: of a run of messages by the same person within a few minutes. */
  | { readonly kind: 'message'; readonly key: string; readonly message: Message; readonly first: boolean; readonly last: boolean };

export interface Rows {
  readonly keys: readonly string[];
  readonly byKey: ReadonlyMap<string, Row>;
}

export const noRows: Rows = { keys: [], byKey: new Map() };

/** The divider between what was read and what is new. */
export interface Divider {
  /** It stands before the first incoming message whose order is greater. */
  readonly after: number;
  readonly count: number;
}

const groupWithin = 5 * 60_000;

function dayOf(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

/** No message, but what somebody did to the chat. */
function isNotice(message: Message): boolean {
  return message.timerSet !== undefined || message.optOut !== undefined || message.came !== undefined;
}

function sameRun(a: Message, b: Message): boolean {
  return a.outgoing === b.outgoing && (a.outgoing || a.from === b.from) && !a.problem && !b.problem && !b.reply && !isNotice(a) && !isNotice(b)
    && b.at - a.at < groupWithin && dayOf(a.at) === dayOf(b.at);
}

function sameRow(a: Row, b: Row): boolean {
  if (a.kind !== b.kind || a.key !== b.key) return false;
  switch (a.kind) {
    case 'message':
      return b.kind === 'message' && a.message === b.message && a.first === b.first && a.last === b.last;
    case 'notice': return b.kind === 'notice' && a.message === b.message;
    case 'unread': return b.kind === 'unread' && a.count === b.count;
    case 'day': return b.kind === 'day';
    case 'start': return true;
    case 'unreadable':
      return b.kind === 'unreadable' && a.messages.length === b.messages.length
        && a.messages.every((message, i) => message === b.messages[i]);
  }
}

/**
 * Lays out messages (ascending) as rows. Growing at either end only adds rows at that end: while older messages
 * may exist, the first loaded one has no day above it, because the day's heading belongs before the day's first
 * message. Rows that did not change are the objects of `previous`.
 */
export function layRows(
  messages: readonly Message[],
  options: { readonly hasOlder: boolean; readonly divider: Divider | undefined },
  previous: Rows = noRows,
): Rows {
  const rows: Row[] = [];
  let divided = options.divider === undefined;
  if (!options.hasOlder) rows.push({ kind: 'start', key: 'start' });
  messages.forEach((message, i) => {
    const before = messages[i - 1];
    const newDay = before ? dayOf(before.at) !== dayOf(message.at) : !options.hasOlder;
    const divide = !divided && !message.outgoing && message.order > (options.divider?.after ?? 0);
    if (newDay) rows.push({ kind: 'day', key: `day:${dayOf(message.at)}:${message.id}`, at: message.at });
    if (divide) {
      rows.push({ kind: 'unread', key: 'unread', count: options.divider?.count ?? 0 });
      divided = true;
    }
    if (isNotice(message)) {
      rows.push({ kind: 'notice', key: message.id, message });
      return;
    }
    if (message.problem) {
      const run = rows.at(-1);
      if (run?.kind === 'unreadable') {
        rows[rows.length - 1] = { kind: 'unreadable', key: `unreadable:${message.id}`, messages: [...run.messages, message] };
      } else {
        rows.push({ kind: 'unreadable', key: `unreadable:${message.id}`, messages: [message] });
      }
      return;
    }
    const after = messages[i + 1];
    const dividesNext = !divided && after !== undefined && !after.outgoing && after.order > (options.divider?.after ?? 0);
    rows.push({
      kind: 'message',
      key: message.id,
      message,
      first: !before || divide || !sameRun(before, message),
      last: !after || dividesNext || !sameRun(message, after),
    });
  });

  const byKey = new Map<string, Row>();
  for (const row of rows) {
    const old = previous.byKey.get(row.key);
    byKey.set(row.key, old && sameRow(old, row) ? old : row);
  }
  return { keys: rows.map((row) => row.key), byKey };
}
