/** XEP-0045: Multi-User Chat. */
import { attr, child, children, define, leafText, optional, type Of } from './codec';
import { bareOf } from './jid';
import { NS } from './ns';
import { form, submit, valueOf, type Form, type FormValues } from './xep0004_form';
import { delay } from './xep0203_delay';
import { xml, type XmlElement } from './xml';

export const AFFILIATIONS = ['owner', 'admin', 'member', 'none', 'outcast'] as const;
export type Affiliation = (typeof AFFILIATIONS)[number];

/** Status codes (section 15.6), as far as a program acts on them. */
export const STATUS = {
  nonAnonymous: '100', affiliationChanged: '101', configured: '104', self: '110', nowNonAnonymous: '172', nowSemiAnonymous: '173',
  created: '201', newNick: '210', banned: '301', renamed: '303', kicked: '307', removed: '321', membersOnly: '322', shutdown: '332', error: '333',
} as const;

/** The presence that enters a room; without history, which the archive has. */
export function joinElement(password?: string): XmlElement {
  return xml(NS.muc, 'x', {}, xml(NS.muc, 'history', { maxstanzas: '0' }), password !== undefined && xml(NS.muc, 'password', {}, password));
}

const actor = define(NS.mucUser, 'actor', { jid: optional(attr('jid')), nick: optional(attr('nick')) });

const item = define(NS.mucUser, 'item', {
  affiliation: optional(attr.oneOf('affiliation', ...AFFILIATIONS)),
  role: optional(attr.oneOf('role', 'moderator', 'participant', 'visitor', 'none')),
  jid: optional(attr('jid')),
  nick: optional(attr('nick')),
  actor: optional(child(actor)),
  reason: optional(leafText(NS.mucUser, 'reason')),
});
export type MucItem = Of<typeof item>;

const status = define(NS.mucUser, 'status', { code: attr('code') });
const invite = define(NS.mucUser, 'invite', {
  from: optional(attr('from')), to: optional(attr('to')), reason: optional(leafText(NS.mucUser, 'reason')),
});
const decline = define(NS.mucUser, 'decline', {
  from: optional(attr('from')), to: optional(attr('to')), reason: optional(leafText(NS.mucUser, 'reason')),
});
const destroyed = define(NS.mucUser, 'destroy', { jid: optional(attr('jid')), reason: optional(leafText(NS.mucUser, 'reason')) });

/** What a room says of an occupant, of somebody's affiliation, of its end; and what it passes on. */
export const mucUser = define(NS.mucUser, 'x', {
  items: children(item),
  statuses: children(status),
  invites: children(invite),
  decline: optional(child(decline)),
  destroy: optional(child(destroyed)),
  password: optional(leafText(NS.mucUser, 'password')),
});
export type MucUser = Of<typeof mucUser>;

const adminItem = define(NS.mucAdmin, 'item', {
  affiliation: optional(attr.oneOf('affiliation', ...AFFILIATIONS)),
  role: optional(attr.oneOf('role', 'moderator', 'participant', 'visitor', 'none')),
  jid: optional(attr('jid')),
  nick: optional(attr('nick')),
  reason: optional(leafText(NS.mucAdmin, 'reason')),
});

/** Lists of affiliations, and changes of them (section 9). */
export const mucAdmin = define(NS.mucAdmin, 'query', { items: children(adminItem) });

const ownerDestroy = define(NS.mucOwner, 'destroy', { jid: optional(attr('jid')), reason: optional(leafText(NS.mucOwner, 'reason')) });

/** The configuration of a room, and its end (section 10). */
export const mucOwner = define(NS.mucOwner, 'query', { form: optional(child(form)), destroy: optional(child(ownerDestroy)) });

/** Sets what is given of the configuration (section 10.2). */
export function configRequest(values: FormValues): XmlElement {
  return mucOwner.write({ form: submit(NS.mucRoomConfig, values) });
}

/** Refuses to configure a room that was made by mistake: it ends (section 10.1.3). */
export function cancelRequest(): XmlElement {
  return mucOwner.write({ form: { type: 'cancel', fields: [] } });
}

/** An invitation that the room passes on (section 7.8.2). */
export function inviteMessage(room: string, people: readonly string[], reason?: string): XmlElement {
  return xml(NS.client, 'message', { to: room }, mucUser.write({
    items: [], statuses: [], invites: people.map((to) => ({ to, ...(reason !== undefined && { reason }) })),
  }));
}

export function declineMessage(room: string, to: string): XmlElement {
  return xml(NS.client, 'message', { to: room }, mucUser.write({ items: [], statuses: [], invites: [], decline: { to } }));
}

/** Whether a message changes the subject: it has one, and neither body nor thread (section 8.1). */
export function readSubject(message: XmlElement): string | undefined {
  if (message.child('body', NS.client) || message.child('thread', NS.client)) return undefined;
  return message.child('subject', NS.client)?.text;
}

/**
 * Whether the message is out of the history that a room sends to who enters (section 7.2.13): the room says that it is late. Senders
 * say so too, of what they wrote while they were offline.
 */
export function isHistory(message: XmlElement): boolean {
  const room = bareOf(message.attrs['from']);
  return room !== undefined && delay.all(message).some(({ from }) => from !== undefined && bareOf(from) === room);
}

/** What service discovery tells of a room (section 6.4). */
export interface RoomInfo {
  readonly name: string | undefined;
  readonly description: string | undefined;
  readonly features: ReadonlySet<string>;
  /** Hash of the picture (XEP-0486). */
  readonly picture: string | undefined;
  readonly mayInvite: boolean;
  readonly maySetSubject: boolean;
  /** How many are in it now, where it says so. */
  readonly people: number | undefined;
}

export function readRoomInfo(
  info: { readonly identities: readonly { readonly category: string; readonly name?: string }[]; readonly features: readonly { readonly var: string }[]; readonly forms: readonly Form[] },
): RoomInfo | undefined {
  const identity = info.identities.find((candidate) => candidate.category === 'conference');
  if (!identity) return undefined;
  const facts = info.forms.find((candidate) => valueOf(candidate, 'FORM_TYPE') === 'http://jabber.org/protocol/muc#roominfo');
  const value = (name: string): string | undefined => {
    const found = facts && valueOf(facts, name);
    return found === '' ? undefined : found;
  };
  const name = value('muc#roomconfig_roomname') ?? identity.name;
  const yes = (text: string | undefined): boolean => text === '1' || text === 'true';
  return {
    name: name === '' ? undefined : name,
    description: value('muc#roominfo_description'),
    features: new Set(info.features.map((feature) => feature.var)),
    picture: value('muc#roominfo_avatarhash'),
    mayInvite: yes(value('muc#roomconfig_allowinvites')),
    maySetSubject: yes(value('muc#roomconfig_changesubject')),
    people: /^\d{1,7}$/.test(value('muc#roominfo_occupants') ?? '') ? Number(value('muc#roominfo_occupants')) : undefined,
  };
}
