/**
 * Where chats stand in the list: pinned, put away, muted, to be read later. All own devices know it by a private node; of
 * groups, what other programs have names for as well stands in the bookmark (XEP-0469, XEP-0492).
 */
import type { ChatPlace, ChatRecord } from '../db/schema';
import { StanzaError } from '../xmpp/errors';
import { bareOf } from '../xmpp/jid';
import { CHATS_OPTIONS, chatPlace, FOREVER } from '../xmpp/kith_chats';
import { parseDate } from '../xmpp/codec';
import { NS } from '../xmpp/ns';
import type { PubsubItem } from '../xmpp/xep0060_pubsub';
import { isPinned, withPinned } from '../xmpp/xep0469_pinning';
import { readNotify, withNotify, type Notify } from '../xmpp/xep0492_notify';
import { parse, type XmlElement } from '../xmpp/xml';
import type { Account, SessionPart } from './account';
import type { Address, ChatArrangement } from './api';
import type { Chats } from './chats';
import { log } from './log';
import type { Pep } from './pep';
import { reasonOf } from './reasons';

/** The longest time that a timer can be set to. */
const MAX_TIMER = 2 ** 31 - 1;
const MAX_CHATS = 10_000;

export interface ArrangementWorld {
  /** The group is on the list that all own programs share. */
  isBookmarked(chat: Address): boolean;
  /** Changes what stands beside its bookmark. */
  extend(group: Address, change: (extensions: XmlElement | undefined) => XmlElement | undefined): Promise<void>;
  markAllRead(chat: Address): Promise<void>;
}

export class Arrangement implements SessionPart {
  private readonly timers = new Map<Address, () => void>();

  constructor(private readonly account: Account, private readonly chats: Chats, private readonly pep: Pep, private readonly world: ArrangementWorld) {
    pep.on(NS.kithChats, (from, items, retracted) => (from === account.address ? this.told(items, retracted) : Promise.resolve()));
  }

  /** What was muted for a while is so no longer when that is over, also when that was before this start. */
  load(): void {
    for (const chat of this.chats.addresses) this.watch(chat);
  }

  async arrange(chat: Address, change: ChatArrangement): Promise<void> {
    if (change.unread === false) await this.world.markAllRead(chat);
    const before = this.chats.get(chat)?.place ?? {};
    // What comes within the same millisecond is new; what is there is not.
    const next = changed(before, change, Math.max(this.account.platform.clock.now(), (this.chats.get(chat)?.activeAt ?? 0) + 1));
    if (same(before, next)) return;
    await this.chats.modify(chat, (record) => ({ ...record, place: next, untoldPlace: true }));
    this.watch(chat);
    await this.tell(chat).catch((error: unknown) => log.debug('place of a chat not told', { code: reasonOf(error).code }));
  }

  /** Somebody looks at it: it need not be read later any more. */
  async seen(chat: Address): Promise<void> {
    if (this.chats.get(chat)?.place?.marked) await this.arrange(chat, { unread: false });
  }

  // ── session ──

  async caughtUp(): Promise<void> {
    let items: readonly PubsubItem[];
    try {
      items = await this.pep.items(this.account.address, NS.kithChats);
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error;
      return;
    }
    const listed = new Set(items.map((item) => bareOf(item.id)));
    // What stands here and there no more was taken away by another device.
    await this.told(items, this.chats.addresses.filter((chat) => this.chats.get(chat)?.place && !listed.has(chat)));
    for (const chat of this.chats.addresses) {
      if (this.chats.get(chat)?.untoldPlace) await this.tell(chat).catch((error: unknown) => log.debug('place of a chat not told', { code: reasonOf(error).code }));
    }
  }

  /** Another own device has moved chats. */
  private async told(items: readonly PubsubItem[] | null, retracted: readonly string[]): Promise<void> {
    for (const item of (items ?? []).slice(0, MAX_CHATS)) {
      const chat = bareOf(item.id);
      const value = chatPlace.read(item.payload);
      if (chat === undefined || !chat.includes('@') || !value) continue;
      const until = value.muted === FOREVER ? Infinity : value.muted === undefined ? undefined : parseDate(value.muted);
      await this.take(chat, {
        ...(value.pinned && { pinned: true }), ...(value.archived !== undefined && { archivedAt: value.archived }),
        ...(until !== undefined && { mutedUntil: until }), ...(until !== undefined && value.exceptMentions && { exceptMentions: true }),
        ...(value.unread && { marked: true }),
      });
    }
    for (const id of items === null ? this.chats.addresses : retracted) {
      const chat = bareOf(id);
      if (chat !== undefined && this.chats.get(chat)?.place) await this.take(chat, {});
    }
  }

  private async take(chat: Address, place: ChatPlace): Promise<void> {
    const before = this.chats.get(chat);
    // What was changed here meanwhile is newer, and is told next.
    if (before?.untoldPlace) return;
    const next = this.world.isBookmarked(chat) ? merged(place, before?.place ?? {}) : place;
    if (same(before?.place ?? {}, next)) return;
    await this.chats.modify(chat, ({ place: _, ...record }) => withPlace(record, next));
    this.watch(chat);
  }

  /** What stands beside the bookmarks of groups, as other programs may have changed it. */
  async bookmarked(groups: ReadonlyMap<Address, string | undefined>): Promise<void> {
    for (const [chat, text] of groups) {
      const record = this.chats.get(chat);
      if (record?.untoldPlace) continue;
      const next = ofBookmark(record?.place ?? {}, text === undefined ? undefined : parse(text));
      if (same(record?.place ?? {}, next)) continue;
      await this.chats.modify(chat, ({ place: _, ...rest }) => withPlace({ ...rest, kind: 'group' }, next));
      this.watch(chat);
    }
  }

  private async tell(chat: Address): Promise<void> {
    const place = this.chats.get(chat)?.place ?? {};
    if (!this.account.online) return;
    const group = this.world.isBookmarked(chat);
    if (group) {
      const notify: Notify = place.mutedUntil !== Infinity ? 'always' : place.exceptMentions ? 'on-mention' : 'never';
      await this.world.extend(chat, (before) => {
        const marked = isPinned(before) === (place.pinned === true) ? before : withPinned(before, place.pinned === true);
        return (readNotify(before) ?? 'always') === notify ? marked : withNotify(marked, notify);
      });
    }
    const own = group ? withoutBookmarked(place) : place;
    if (same(own, {})) {
      await this.pep.retract(NS.kithChats, chat).catch((error: unknown) => {
        if (!(error instanceof StanzaError)) throw error; // it was never there
      });
    } else {
      await this.pep.publish(NS.kithChats, chat, chatPlace.write({
        ...(own.pinned && { pinned: true }), ...(own.archivedAt !== undefined && { archived: own.archivedAt }),
        ...(own.mutedUntil !== undefined && { muted: own.mutedUntil === Infinity ? FOREVER : new Date(own.mutedUntil).toISOString() }),
        ...(own.exceptMentions && { exceptMentions: true }), ...(own.marked && { unread: true }),
      }), CHATS_OPTIONS).catch((error: unknown) => {
        if (!(error instanceof StanzaError) || error.type === 'wait') throw error; // a server without private nodes
      });
    }
    await this.chats.modify(chat, ({ untoldPlace: _, ...record }) => (same(record.place ?? {}, place) ? record : undefined));
  }

  private watch(chat: Address): void {
    this.timers.get(chat)?.();
    this.timers.delete(chat);
    const until = this.chats.get(chat)?.place?.mutedUntil;
    const left = (until ?? 0) - this.account.platform.clock.now();
    if (left <= 0 || until === Infinity) return;
    this.timers.set(chat, this.account.platform.clock.after(Math.min(left + 1, MAX_TIMER), () => {
      this.chats.changed([chat]);
      this.watch(chat);
    }));
  }
}

function changed(before: ChatPlace, { pinned, archived, muted, unread }: ChatArrangement, now: number): ChatPlace {
  const { pinned: wasPinned, archivedAt, mutedUntil, exceptMentions, marked } = before;
  return {
    ...((pinned ?? wasPinned === true) && { pinned: true as const }),
    ...(archived === true ? { archivedAt: now } : archived === undefined && archivedAt !== undefined && { archivedAt }),
    ...(muted ? { mutedUntil: muted.until ?? Infinity } : muted === undefined && mutedUntil !== undefined && { mutedUntil }),
    ...((muted ? muted.exceptMentions : muted === undefined && exceptMentions) && { exceptMentions: true as const }),
    ...((unread ?? marked === true) && { marked: true as const }),
  };
}

/** Of a group in the bookmarks that part which the private node does not tell. */
function merged(own: ChatPlace, before: ChatPlace): ChatPlace {
  return {
    ...withoutBookmarked(own), ...(before.pinned && { pinned: true as const }),
    ...(own.mutedUntil === undefined && before.mutedUntil === Infinity && { mutedUntil: Infinity, ...(before.exceptMentions && { exceptMentions: true as const }) }),
  };
}

function withoutBookmarked({ pinned: _, ...place }: ChatPlace): ChatPlace {
  if (place.mutedUntil !== Infinity) return place;
  const { mutedUntil: __, exceptMentions: ___, ...rest } = place;
  return rest;
}

function ofBookmark({ pinned: _, ...before }: ChatPlace, extensions: XmlElement | undefined): ChatPlace {
  const notify = readNotify(extensions);
  const { mutedUntil, exceptMentions: __, ...rest } = before;
  // Muted for a while is something that only our own programs know.
  const kept = mutedUntil === Infinity ? rest : before;
  return {
    ...(notify === 'never' || notify === 'on-mention' ? { ...rest, mutedUntil: Infinity, ...(notify === 'on-mention' && { exceptMentions: true as const }) } : kept),
    ...(isPinned(extensions) && { pinned: true as const }),
  };
}

function withPlace(record: Omit<ChatRecord, 'place'>, place: ChatPlace): ChatRecord {
  return same(place, {}) ? record : { ...record, place };
}

function same(a: ChatPlace, b: ChatPlace): boolean {
  return a.pinned === b.pinned && a.archivedAt === b.archivedAt && a.mutedUntil === b.mutedUntil && a.exceptMentions === b.exceptMentions && a.marked === b.marked;
}
