import type { Chat, ChatArrangement } from '../core/api';

/** What can be done with a chat in the list; the views name it and show it. */
export type ChatDeed = 'pin' | 'unpin' | 'markRead' | 'markUnread' | 'mute' | 'unmute' | 'archive' | 'unarchive';

/** In the order in which it is offered. */
export function chatDeeds(chat: Chat): readonly ChatDeed[] {
  return [
    ...(chat.archived ? [] : [chat.pinned ? 'unpin' as const : 'pin' as const]),
    chat.unread > 0 || chat.marked ? 'markRead' : 'markUnread',
    chat.muted ? 'unmute' : 'mute',
    chat.archived ? 'unarchive' : 'archive',
  ];
}

/** What is changed by it; `mute` is asked about first. */
export const arrangements: Readonly<Record<Exclude<ChatDeed, 'mute'>, ChatArrangement>> = {
  pin: { pinned: true },
  unpin: { pinned: false },
  markRead: { unread: false },
  markUnread: { unread: true },
  unmute: { muted: null },
  archive: { archived: true, pinned: false },
  unarchive: { archived: false },
};

/** Letters that do it to the chat that has the focus. */
export function deedOfKey(key: string, chat: Chat): ChatDeed | undefined {
  const wanted: Readonly<Record<string, readonly ChatDeed[]>> = { p: ['pin', 'unpin'], u: ['markRead', 'markUnread'], m: ['mute', 'unmute'], a: ['archive', 'unarchive'] };
  return chatDeeds(chat).find((deed) => wanted[key]?.includes(deed));
}

export const muteTimes = ['hour', 'hours', 'day', 'week', 'always'] as const;
export type MuteTime = (typeof muteTimes)[number];
const hour = 3_600_000;
const lengths: Readonly<Record<MuteTime, number | undefined>> = { hour, hours: 8 * hour, day: 24 * hour, week: 7 * 24 * hour, always: undefined };

export function mutedFor(time: MuteTime, now: number, exceptMentions: boolean): NonNullable<ChatArrangement['muted']> {
  const length = lengths[time];
  return { ...(length !== undefined && { until: now + length }), ...(exceptMentions && { exceptMentions }) };
}
