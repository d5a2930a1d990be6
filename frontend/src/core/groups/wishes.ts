/** What is asked of a room beyond entering it: what it is, who belongs to it, and changes of both (XEP-0045 sections 6, 9, 10). */
import type { MemberRecord, RoomFacts } from '../../db/schema';
import { StanzaError } from '../../xmpp/errors';
import { bareOf } from '../../xmpp/jid';
import { NS } from '../../xmpp/ns';
import type { Stream } from '../../xmpp/stream';
import type { FormValues } from '../../xmpp/xep0004_form';
import { discoInfo, discoItems } from '../../xmpp/xep0030_disco';
import { configRequest, mucAdmin, mucOwner, readRoomInfo, type Affiliation } from '../../xmpp/xep0045_muc';
import { xml } from '../../xmpp/xml';
import type { Address } from '../api';
import { fail } from '../reasons';

const MEMBERS: readonly Affiliation[] = ['owner', 'admin', 'member'];
const MAX_MEMBERS = 10_000;

/** A private group: it stays, is listed nowhere, only members get in, and they know who the others are. */
const PRIVATE: FormValues = {
  'muc#roomconfig_persistentroom': '1', 'muc#roomconfig_publicroom': '0', 'muc#roomconfig_membersonly': '1', 'muc#roomconfig_moderatedroom': '0',
  'muc#roomconfig_passwordprotectedroom': '0', 'muc#roomconfig_whois': 'anyone', 'muc#roomconfig_enablearchiving': '1',
  'muc#roomconfig_allowinvites': '0', 'muc#roomconfig_changesubject': '0',
  'muc#roomconfig_getmemberlist': ['moderator', 'participant', 'visitor'],
};

/** A public group: everybody finds it, comes in and reads; who is in it is known by name only, not by address. */
const PUBLIC: FormValues = {
  'muc#roomconfig_persistentroom': '1', 'muc#roomconfig_publicroom': '1', 'muc#roomconfig_membersonly': '0', 'muc#roomconfig_moderatedroom': '0',
  'muc#roomconfig_passwordprotectedroom': '0', 'muc#roomconfig_whois': 'moderators', 'muc#roomconfig_enablearchiving': '1',
  'muc#roomconfig_allowinvites': '1', 'muc#roomconfig_changesubject': '0', 'muc#roomconfig_getmemberlist': ['moderator'],
};

/** Where groups are made: a service of the own server. */
export async function findService(stream: Stream, domain: string): Promise<Address | undefined> {
  const items = discoItems.in(await stream.iq('get', discoItems.write({ items: [] }), domain))?.items ?? [];
  for (const { jid } of items.slice(0, 30)) {
    const service = bareOf(jid);
    if (service === undefined || service.includes('@')) continue;
    try {
      const info = discoInfo.in(await stream.iq('get', discoInfo.write({ identities: [], features: [], forms: [] }), service));
      if (info?.features.some((feature) => feature.var === NS.muc) && info.identities.some((identity) => identity.category === 'conference')) return service;
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error;
    }
  }
  return undefined;
}

/** What a room says of itself. Rejects with StanzaError; `not-found` as CoreError when it is something else. */
export async function roomFacts(stream: Stream, room: Address): Promise<RoomFacts> {
  const answer = discoInfo.in(await stream.iq('get', discoInfo.write({ identities: [], features: [], forms: [] }), room));
  const info = answer && readRoomInfo(answer);
  if (!info) throw fail('not-found', 'this is not a group');
  const has = (feature: string): boolean => info.features.has(feature);
  return {
    ...(info.name !== undefined && { name: info.name.slice(0, 200) }),
    ...(info.description !== undefined && { description: info.description.slice(0, 2_000) }),
    membersOnly: has('muc_membersonly'), open: has('muc_nonanonymous'), hidden: has('muc_hidden'), archived: has(NS.mam),
    mayInvite: info.mayInvite, maySetSubject: info.maySetSubject, linkable: has(NS.kithGroupLink), secret: has('muc_passwordprotected'),
    ...(info.picture !== undefined && { picture: info.picture }),
  };
}

/** Everybody who belongs to a room; `undefined` when it does not say. */
export async function memberList(stream: Stream, room: Address): Promise<MemberRecord[] | undefined> {
  const lists = await Promise.all(MEMBERS.map(async (affiliation) => {
    try {
      return mucAdmin.in(await stream.iq('get', mucAdmin.write({ items: [{ affiliation }] }), room))?.items ?? [];
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error;
      return undefined;
    }
  }));
  if (lists.every((list) => list === undefined)) return undefined;
  const members = new Map<Address, MemberRecord>();
  for (const [i, list] of lists.entries()) {
    for (const item of list ?? []) {
      const address = bareOf(item.jid);
      // A whole domain can be a member; nobody can encrypt for that.
      if (address === undefined || !address.includes('@') || members.has(address) || members.size >= MAX_MEMBERS) continue;
      members.set(address, { address, affiliation: MEMBERS[i] ?? 'member', ...(item.nick !== undefined && { nick: item.nick }) });
    }
  }
  return [...members.values()];
}

export async function setAffiliation(stream: Stream, room: Address, person: Address, affiliation: Affiliation): Promise<void> {
  await stream.iq('set', mucAdmin.write({ items: [{ affiliation, jid: person }] }), room);
}

/** Sets what the room's form has of these values. */
export async function configure(stream: Stream, room: Address, values: FormValues): Promise<void> {
  const offered = mucOwner.in(await stream.iq('get', mucOwner.write({}), room))?.form;
  const names = new Set(offered?.fields.map((field) => field.name));
  const fitting = Object.fromEntries(Object.entries(values).filter(([name]) => names.has(name)));
  await stream.iq('set', configRequest(fitting), room);
}

export async function makePrivate(stream: Stream, room: Address, name: string): Promise<void> {
  await configure(stream, room, { ...PRIVATE, 'muc#roomconfig_roomname': name });
}

export async function makePublic(stream: Stream, room: Address, name: string, description: string): Promise<void> {
  await configure(stream, room, { ...PUBLIC, 'muc#roomconfig_roomname': name, 'muc#roomconfig_roomdesc': description });
}

export async function destroy(stream: Stream, room: Address): Promise<void> {
  await stream.iq('set', mucOwner.write({ destroy: {} }), room);
}

/** Says that one does not want to belong to the room any more, as far as it lets one (section 7.10). */
export async function resign(stream: Stream, room: Address): Promise<void> {
  await stream.iq('set', xml('jabber:iq:register', 'query', {}, xml('jabber:iq:register', 'remove')), room);
}
