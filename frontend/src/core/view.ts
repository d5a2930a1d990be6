/** From what is stored to what the app sees. */
import type { ChatRecord, ContactRecord, MessageRecord, StoredReason } from '../db/schema';
import { localOf } from '../xmpp/jid';
import type { Address, Availability, Chat, Contact, Lock, Message, Reason, ReasonCode } from './api';

export function messageView(record: MessageRecord): Message {
  return {
    id: record.id, chat: record.chat, from: record.from, outgoing: record.outgoing, text: record.text, order: record.order,
    at: record.at, state: record.state, lock: record.lock,
    ...(record.reason && { reason: reasonView(record.reason) }),
    ...(record.problem !== undefined && { problem: record.problem }),
    ...(record.device !== undefined && { device: record.device }),
  };
}

function reasonView(stored: StoredReason): Reason {
  return { ...stored, code: stored.code as ReasonCode };
}

export function chatView(record: ChatRecord, title: string, lock: Lock): Chat {
  return {
    id: record.id, kind: record.kind, title, lock, unread: record.unread, readUpTo: record.readUpTo, draft: record.draft,
    activeAt: record.activeAt, hasOlder: !record.archiveStart,
    ...(record.last && {
      last: {
        text: record.last.text, outgoing: record.last.outgoing, state: record.last.state, at: record.last.at,
        ...(record.last.problem !== undefined && { problem: record.last.problem }),
      },
    }),
  };
}

export function contactName(address: Address, record: ContactRecord | undefined): string {
  return record?.name ?? record?.nick ?? (localOf(address) || address);
}

export interface Presence {
  readonly availability: Availability;
  readonly status?: string;
}

export function contactView(record: ContactRecord, presence: Presence | undefined, blocked: boolean): Contact {
  return {
    address: record.address,
    name: contactName(record.address, record),
    availability: presence?.availability ?? 'offline',
    ...(presence?.status !== undefined && { status: presence.status }),
    relation: relationOf(record),
    blocked,
    ...(record.request?.text !== undefined && { requestText: record.request.text }),
  };
}

/** RFC 6121 section 3: seen from here, who has let whom see the presence. */
export function relationOf(record: ContactRecord): Contact['relation'] {
  if (record.request) return 'request';
  if (record.subscription === 'both' || record.subscription === 'to') return 'mutual';
  if (record.asked) return 'pending';
  return record.subscription === 'from' ? 'mutual' : 'none';
}
