/** From what is stored to what the app sees. */
import type { ChatRecord, ContactRecord, MessageRecord, StoredReason } from '../db/schema';
import { parseAesgcm } from '../crypto/files';
import { localOf } from '../xmpp/jid';
import { parseGeo } from '../xmpp/rfc5870_geo';
import type { Address, Availability, Chat, Contact, FindingKind, Group, Lock, Message, Poll, Reaction, Reason, ReasonCode, SharedFile, SharedLocation } from './api';
import { kindOf } from './files';

/** So much of a text is in a preview. */
const PREVIEW = 200;

export function messageView(record: MessageRecord, self: Address): Message {
  const reactions = reactionsView(record, self);
  const file = fileView(record);
  const location = locationView(record);
  return {
    id: record.id, chat: record.chat, from: record.from, outgoing: record.outgoing, text: file ? (!record.retracted && record.file?.caption) || '' : record.text, order: record.order,
    at: record.at, state: record.state, lock: record.lock,
    ...(record.nick !== undefined && { name: record.nick }),
    ...(record.mentionIn !== undefined && { mention: true as const }),
    ...(record.reply && {
      reply: {
        text: record.reply.text, ...(record.reply.id !== undefined && { id: record.reply.id }),
        ...(record.reply.from !== undefined && { from: record.reply.from }), ...(record.reply.nick !== undefined && { name: record.reply.nick }),
      },
    }),
    ...(file && { file }), ...(location && { location }),
    ...(reactions.length > 0 && { reactions }),
    ...(record.edits !== undefined && record.edits.length > 0 && { edited: true as const }),
    ...(record.retracted && { retracted: record.retracted }),
    ...(record.optOut && { optOut: record.optOut }), ...(record.came && { came: record.came }),
    ...(record.timerSet !== undefined && { timerSet: record.timerSet }), ...(record.timer !== undefined && { timer: record.timer }),
    ...(record.pinnedIn !== undefined && { pinned: true as const }), ...(record.poll && !record.retracted && { poll: pollView(record.poll, self) }),
    // In a group a message is known by the id that its archive has given it.
    known: record.state !== 'sending' && record.state !== 'failed' && (record.stanzaId !== undefined || record.origin !== undefined),
    ...(record.reason && { reason: reasonView(record.reason) }),
    ...(record.problem !== undefined && { problem: record.problem }),
    ...(record.device !== undefined && { device: record.device }),
    ...(record.level !== undefined && { level: record.level }),
    ...(record.findings && { findings: record.findings.map(({ kind, jid, device }) => ({ kind: kind as FindingKind, address: jid, device })) }),
    ...(isUnconfirmed(record) && { unconfirmed: true as const }),
    ...(record.alarm && { alarm: true as const }),
  };
}

function isUnconfirmed({ lock, trust, problem }: MessageRecord): boolean {
  return (trust === 'undecided' || trust === 'distrusted') && lock !== 'unencrypted' && problem === undefined;
}

/** The file that a message shares: as we know it, or as its address tells. */
function fileView({ file, text, state, retracted }: MessageRecord): SharedFile | undefined {
  if (retracted) return undefined;
  if (file) {
    const { sha256: _, description = '', caption: __, sticker, ...facts } = file;
    return { ...facts, kind: kindOf(file.name), uploading: text === '' && state === 'sending', ...(sticker && { sticker: { description, pack: sticker.pack !== undefined } }) };
  }
  const shared = text.startsWith('aesgcm:') ? parseAesgcm(text) : undefined;
  if (!shared) return undefined;
  const name = nameOf(shared.url);
  return { name, kind: kindOf(name), uploading: false };
}

/** The place that a message is. */
export function locationView({ text, file, poll, problem, retracted }: Pick<MessageRecord, 'text' | 'file' | 'poll' | 'problem' | 'retracted'>): SharedLocation | undefined {
  if (file || poll || retracted || problem !== undefined) return undefined;
  const place = parseGeo(text);
  if (!place) return undefined;
  const { uncertainty, ...rest } = place;
  return { ...rest, ...(uncertainty !== undefined && { accuracy: uncertainty }) };
}

/** What the place in a preview is called, or nothing; `undefined`: it is none. The preview may be cut off. */
function previewPlace({ text, file, poll, problem, retracted }: NonNullable<ChatRecord['last']>): string | undefined {
  if (file || poll || retracted || problem !== undefined || !/^\s*geo:/i.test(text)) return undefined;
  const place = parseGeo(text);
  if (place) return place.name ?? '';
  return text.length >= PREVIEW && /^geo:-?[\d.]+,-?[\d.,]+[;?]\S+$/i.test(text) ? '' : undefined;
}

/** The last part of an address. */
function nameOf(url: string): string {
  const last = new URL(url).pathname.split('/').pop() ?? '';
  try {
    return decodeURIComponent(last).slice(0, 200) || 'file';
  } catch {
    return 'file';
  }
}

/** The name of a file in the preview of a message that shares one. */
function previewFile(text: string): string | undefined {
  return /^aesgcm:\/\/[^#\s]+/.test(text) ? nameOf(text.replace(/^aesgcm:/, 'https:').replace(/#.*$/, '')) : undefined;
}

function pollView({ options, several, closed, votes = {} }: NonNullable<MessageRecord['poll']>, self: Address): Poll {
  const all = Object.entries(votes);
  return {
    options: options.map((text, i) => {
      const from = all.filter(([, choices]) => choices.includes(i)).map(([who]) => who);
      return { text, from, own: from.includes(self) };
    }),
    several, closed: closed === true, people: all.length,
  };
}

function reactionsView({ reactions }: MessageRecord, self: Address): Reaction[] {
  const by = new Map<string, Address[]>();
  for (const [from, emojis] of Object.entries(reactions ?? {})) {
    for (const emoji of emojis) by.set(emoji, [...by.get(emoji) ?? [], from]);
  }
  return [...by].map(([emoji, from]) => ({ emoji, from, own: from.includes(self) })).sort((a, b) => b.from.length - a.from.length);
}

function reasonView(stored: StoredReason): Reason {
  return { ...stored, code: stored.code as ReasonCode };
}

/** Nothing is told of a chat that is muted at this time. */
function mutedView({ place }: ChatRecord, now: number): Pick<Chat, 'muted'> {
  if (place?.mutedUntil === undefined || place.mutedUntil <= now) return {};
  return { muted: { ...(place.mutedUntil !== Infinity && { until: place.mutedUntil }), ...(place.exceptMentions && { exceptMentions: true as const }) } };
}

export function chatView(record: ChatRecord, title: string, lock: Lock, group: Group | undefined, now: number): Chat {
  const { place } = record;
  const muted = mutedView(record, now);
  const called = record.last && previewPlace(record.last);
  // What is new brings a chat back, unless one wants to hear nothing of it.
  const away = place?.archivedAt !== undefined && (record.activeAt < place.archivedAt
    || (muted.muted !== undefined && !(muted.muted.exceptMentions && (record.mentions ?? 0) > 0)));
  return {
    ...(record.timer && record.timer.seconds > 0 && { timer: record.timer.seconds }),
    ...(record.optOut && { optOut: { agreed: record.optOut.agreed === true, ...(record.optOut.reason !== undefined && { reason: record.optOut.reason }) } }),
    ...(place?.pinned && { pinned: true as const }), ...(away && { archived: true as const }), ...muted,
    ...(place?.marked && { marked: true as const }), ...(record.answered && { answered: true as const }),
    id: record.id, kind: record.kind, ...(group && { group }), title, lock,
    unread: record.unread, mentions: record.mentions ?? 0, readUpTo: record.readUpTo, draft: record.draft,
    ...(record.draftReply !== undefined && { draftReply: record.draftReply }), ...(record.draftFiles !== undefined && { draftFiles: record.draftFiles.length }), ...(record.draftVoice && { draftVoice: true as const }),
    activeAt: record.activeAt, hasOlder: !record.archiveStart,
    ...(record.last && !isBefore(record.last, group) && {
      last: {
        ...(record.kind === 'group' && record.last.from !== undefined && { from: record.last.from }),
        ...(record.last.nick !== undefined && { name: record.last.nick }),
        text: previewFile(record.last.text) === undefined ? record.last.text : '',
        ...((record.last.file || previewFile(record.last.text) !== undefined) && { file: kindOf(previewFile(record.last.text) ?? record.last.text), text: record.last.caption ?? '' }),
        ...(record.last.voice && { voice: true as const }), ...(called !== undefined && { location: true as const, text: called }),
        ...(record.last.sticker && { file: 'image' as const, sticker: true as const, text: record.last.text }),
        outgoing: record.last.outgoing, state: record.last.state, at: record.last.at,
        ...(record.last.problem !== undefined && { problem: record.last.problem }),
        ...(record.last.retracted && { retracted: true as const }),
        ...(record.last.optOut && { optOut: true as const }),
        ...(record.last.timerSet !== undefined && { timerSet: record.last.timerSet }), ...(record.last.poll && { poll: true as const }),
      },
    }),
  };
}

/** It was said before one came to the group: it was not for one. */
function isBefore({ problem, at }: NonNullable<ChatRecord['last']>, group: Group | undefined): boolean {
  return problem === 'not-for-this-device' && at < (group?.since ?? 0);
}

export function contactName(address: Address, record: ContactRecord | undefined): string {
  return record?.name ?? record?.nick ?? (localOf(address) || address);
}

export interface Presence {
  readonly availability: Availability;
  readonly status?: string;
}

export function contactView(record: ContactRecord, presence: Presence | undefined, blocked: boolean, picture?: string): Contact {
  return {
    address: record.address,
    name: contactName(record.address, record),
    availability: presence?.availability ?? 'offline',
    ...(presence?.status !== undefined && { status: presence.status }),
    relation: relationOf(record),
    blocked,
    ...(record.request?.text !== undefined && { requestText: record.request.text }),
    ...(picture !== undefined && { picture }),
  };
}

/** RFC 6121 section 3: seen from here, who has let whom see the presence. */
export function relationOf(record: ContactRecord): Contact['relation'] {
  if (record.request) return 'request';
  if (record.subscription === 'both' || record.subscription === 'to') return 'mutual';
  if (record.asked) return 'pending';
  return record.subscription === 'from' ? 'mutual' : 'none';
}
