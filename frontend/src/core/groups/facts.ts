/** What the app sees of a group: pure functions of what is kept and what is known now. */
import type { Affiliation, GroupRecord, Standing } from '../../db/schema';
import { localOf } from '../../xmpp/jid';
import type { Address, Group, GroupState, Lock, Role } from '../api';

const STATES: Readonly<Record<Exclude<Standing, 'wanted'>, GroupState>> = {
  invited: 'invited', left: 'left', removed: 'removed', banned: 'banned', ended: 'ended',
};
const MAX_NAMES = 4;

export function newGroup(address: Address, standing: Standing): GroupRecord {
  return { address, standing, affiliation: 'none', members: [] };
}

/** Only members get in, and everybody knows who they are: then one knows for whom to encrypt (XEP-0384 section 5.6). */
export function isPrivate(record: GroupRecord): boolean {
  return record.room?.membersOnly === true && record.room.open;
}

/** The others for whom a message is. */
export function peopleOf(record: GroupRecord, self: Address): Address[] {
  return record.members.filter((member) => member.address !== self).map((member) => member.address);
}

export function titleOf(record: GroupRecord, self: Address, nameOf: (address: Address) => string): string {
  const given = record.room?.name ?? record.bookmark?.name;
  if (given !== undefined && given !== '') return given;
  const names = peopleOf(record, self).slice(0, MAX_NAMES).map(nameOf);
  return names.length > 0 && isPrivate(record) ? names.join(', ') : localOf(record.address) || record.address;
}

export function lockOf(record: GroupRecord, self: Address, lockOfPerson: (address: Address) => Lock): Lock {
  if (!record.room) return 'unknown';
  if (!isPrivate(record)) return 'unencrypted';
  const readers = peopleOf(record, self).map(lockOfPerson).filter((lock) => lock === 'verified' || lock === 'encrypted' || lock === 'unknown');
  return readers.length > 0 && readers.every((lock) => lock === 'verified') ? 'verified' : 'encrypted';
}

export function roleOf(affiliation: Affiliation): Role {
  return affiliation === 'owner' || affiliation === 'admin' || affiliation === 'member' ? affiliation : 'guest';
}

export interface Live {
  readonly self: Address;
  /** One could not get in, and it may be otherwise later. */
  readonly shut: boolean;
  readonly present: number;
  /** Hash of the picture that is here. */
  readonly picture?: string | undefined;
  readonly lockOfPerson: (address: Address) => Lock;
}

export function groupView(record: GroupRecord, live: Live): Group {
  const { affiliation, room } = record;
  const admin = affiliation === 'owner' || affiliation === 'admin';
  const closed = isPrivate(record);
  const note = record.standing === 'invited' ? record.invite?.text : record.reason;
  return {
    state: record.standing !== 'wanted' ? STATES[record.standing] : live.shut ? 'out' : room ? 'here' : 'joining',
    privacy: !room ? 'unknown' : closed ? 'private' : 'public',
    role: roleOf(affiliation),
    people: closed || record.members.length > live.present ? record.members.length : live.present,
    may: { add: admin || (affiliation === 'member' && room?.mayInvite === true), remove: admin, configure: affiliation === 'owner', link: admin && closed && room?.linkable === true },
    cannotRead: closed ? peopleOf(record, live.self).filter((address) => live.lockOfPerson(address) === 'unencrypted') : [],
    ...(record.since !== undefined && { since: record.since }),
    ...(room?.description !== undefined && { description: room.description }),
    ...(live.picture !== undefined && { picture: live.picture }),
    ...(record.standing === 'invited' && record.invite && { invitedBy: record.invite.from }),
    ...(note !== undefined && { note }),
  };
}

/** Whether a text names somebody: `@name` anywhere, or the name with a colon or comma at the start, as other programs do. */
export function names(text: string, all: readonly string[]): boolean {
  const folded = text.toLocaleLowerCase();
  return all.some((one) => {
    const name = one.trim().toLocaleLowerCase();
    if (name === '') return false;
    if (folded.startsWith(name) && /^[:,]/.test(folded.slice(name.length))) return true;
    for (let at = folded.indexOf(`@${name}`); at >= 0; at = folded.indexOf(`@${name}`, at + 1)) {
      if (!/[\p{L}\p{N}]/u.test(folded[at - 1] ?? '') && !/^[\p{L}\p{N}]/u.test(folded.slice(at + 1 + name.length))) return true;
    }
    return false;
  });
}
