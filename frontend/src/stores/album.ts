import type { Message, SharedFile } from '../core/api';
import type { Rows } from './rows';

/** A message that shares a picture which is looked at in large. */
export type Pictured = Message & { readonly file: SharedFile };

export function isPictured(message: Message): message is Pictured {
  return message.file?.kind === 'image' && !message.file.sticker && !message.retracted;
}

/** The pictures of the part of a chat that is loaded, oldest first. */
export function picturesOf({ keys, byKey }: Rows): readonly Pictured[] {
  return keys.flatMap((key) => {
    const row = byKey.get(key);
    return row?.kind === 'message' && isPictured(row.message) ? [row.message] : [];
  });
}

/** The pictures before and after a place in the chat, whether that is still there or not. */
export function beside(pictures: readonly Pictured[], order: number): { readonly before: Pictured | undefined; readonly after: Pictured | undefined } {
  return { before: pictures.findLast((it) => it.order < order), after: pictures.find((it) => it.order > order) };
}

/** The place where it would be is loaded, and it is not there: it was taken back, or its time is over. */
export function isGone({ keys, byKey }: Rows, hasNewer: boolean, message: Message): boolean {
  const now = byKey.get(message.id);
  if (now?.kind === 'message') return !isPictured(now.message);
  const orders = keys.flatMap((key) => {
    const row = byKey.get(key);
    return row?.kind === 'message' ? [row.message.order] : [];
  });
  const first = orders[0] ?? Infinity, last = orders.at(-1) ?? -Infinity;
  return (first < message.order || keys[0] === 'start') && (message.order < last || !hasNewer);
}
