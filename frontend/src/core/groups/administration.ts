/** What a person does with groups: making, joining, leaving, and looking after who belongs to them. */
import { archiveId, type MessageRecord } from '../../db/schema';
import { StanzaError } from '../../xmpp/errors';
import { formatJid, parseJid } from '../../xmpp/jid';
import { NS } from '../../xmpp/ns';
import { declineMessage, inviteMessage, type Affiliation } from '../../xmpp/xep0045_muc';
import { directInvite } from '../../xmpp/xep0249_invites';
import { store } from '../../xmpp/xep0334_hints';
import { moderateRequest } from '../../xmpp/xep0424_retraction';
import { xml } from '../../xmpp/xml';
import type { Account } from '../account';
import { CoreError, type Address, type NewGroup, type Role } from '../api';
import { eachLimited } from '../async';
import { log } from '../log';
import { fail, reasonOf } from '../reasons';
import type { Bookmarks } from './bookmarks';
import type { Directory } from './directory';
import { isPrivate, newGroup, peopleOf } from './facts';
import type { Groups } from './groups';
import { configure, destroy, makePrivate, makePublic, resign, roomFacts, setAffiliation } from './wishes';

const MAX_NAME = 100;
const MAX_TEXT = 500;
const PARALLEL = 8;

export class Administration {
  constructor(private readonly account: Account, private readonly groups: Groups, private readonly bookmarks: Bookmarks, private readonly directory: Directory) {}

  /** Makes a group and asks these people in: a private one, unless it shall be public. */
  async create(text: string, people: readonly Address[], options: NewGroup = {}): Promise<Address> {
    const name = checkedName(text);
    const service = await this.directory.home();
    if (service === undefined) throw fail('not-found', 'this server has no groups');
    const random = crypto.randomUUID().replaceAll('-', '');
    // Addresses of public groups are read and typed by people; those of private groups tell nothing.
    const address = `${options.public === true ? `${slug(name)}-${random.slice(0, 4)}` : random.slice(0, 20)}@${service}`;
    return this.groups.alone(address, () => this.make(address, name, people, options));
  }

  private async make(address: Address, name: string, people: readonly Address[], options: NewGroup): Promise<Address> {
    const stream = this.account.stream();
    const room = this.groups.room(address);
    try {
      const { created } = await this.groups.admitted(room);
      if (!created) throw fail('conflict', 'there is such a group');
      if (options.public === true) await makePublic(stream, address, name, (options.description ?? '').trim().slice(0, MAX_TEXT));
      else await makePrivate(stream, address, name);
      const facts = await roomFacts(stream, address);
      if (options.public !== true && (!facts.membersOnly || !facts.open)) throw fail('server', 'the group could not be made private');
      await this.groups.change(address, (record) => ({ ...record, room: facts, affiliation: 'owner' }), newGroup(address, 'wanted'));
    } catch (error) {
      if (room.phase !== 'out') await destroy(stream, address).catch(() => undefined);
      room.leave();
      throw refusal(error);
    }
    await this.groups.begun(address, this.account.platform.clock.now());
    await this.admit(address, people);
    await this.groups.keep(address, { autojoin: true, name });
    await this.groups.arrive(room);
    return address;
  }

  /** Enters a group by its address. `key`: what a link into a private group has, or the password of one. */
  async join(text: string, key?: string): Promise<Address> {
    const jid = parseJid(text.trim().replace(/^xmpp:/i, '').replace(/[?/].*$/, ''));
    const address = formatJid({ ...jid, resource: '' });
    if (jid.local === '') throw fail('name-invalid', 'a group has a name before the @');
    const before = this.groups.get(address);
    if (before?.standing === 'wanted') return address;
    if (key !== undefined) return this.groups.alone(address, () => this.unlock(address, key));
    try {
      const facts = await roomFacts(this.account.stream(), address);
      await this.groups.change(address, ({ reason: _, ...record }) => ({ ...record, room: facts, standing: 'wanted' }), newGroup(address, 'wanted'));
    } catch (error) {
      // Whoever has a guardian may not even look: asking to be let in is what asks the guardian.
      if (reasonOf(error).code === 'approval') await this.groups.admitted(this.groups.room(address)).catch(() => undefined);
      throw refusal(error);
    }
    await this.groups.begun(address, this.account.platform.clock.now());
    await this.groups.enter(address);
    const after = this.groups.get(address);
    if (after && after.standing !== 'wanted') throw fail(after.standing === 'ended' ? 'not-found' : 'not-member');
    await this.groups.keep(address, { autojoin: true, ...(after?.room?.name !== undefined && { name: after.room.name }) });
    return address;
  }

  /** Enters a group with a key. Nothing is kept of one that it does not open. */
  private async unlock(address: Address, key: string): Promise<Address> {
    const stream = this.account.stream();
    const room = this.groups.room(address);
    try {
      // Whoever enters a room that does not exist makes one: so it is looked for first. One that may not be looked at is there.
      await roomFacts(stream, address).catch((error: unknown) => { if (!mayNotLook(error)) throw error; });
      if ((await this.groups.admitted(room, key)).created) throw fail('not-found');
      // From now on one belongs to it, and is told its name.
      const facts = await roomFacts(stream, address);
      await this.groups.change(address, ({ reason: _, ...record }) => ({ ...record, room: facts, standing: 'wanted' }), newGroup(address, 'wanted'));
      await this.groups.begun(address, this.account.platform.clock.now());
      await this.groups.arrive(room);
      await this.groups.keep(address, {
        autojoin: true, ...(facts.name !== undefined && { name: facts.name }), ...(facts.secret === true && { password: key }),
      });
      return address;
    } catch (error) {
      if (room.phase !== 'out' && this.groups.get(address)?.standing !== 'wanted') room.leave();
      if (error instanceof StanzaError && (error.condition === 'registration-required' || error.condition === 'not-authorized')) throw fail('group-link-invalid', error.message);
      throw refusal(error);
    }
  }

  enter(address: Address): Promise<void> {
    return this.groups.accept(address);
  }

  async decline(address: Address): Promise<void> {
    const { invite, standing } = this.groups.known(address);
    if (standing !== 'invited') return;
    if (invite) this.account.stream().send(declineMessage(address, invite.from));
    await this.groups.change(address, (record) => ({ ...record, standing: 'left' }));
  }

  async leave(address: Address, heir?: Address): Promise<void> {
    const record = this.groups.known(address);
    if (record.standing === 'wanted' && isPrivate(record)) {
      const owners = record.members.filter((member) => member.affiliation === 'owner');
      const last = record.affiliation === 'owner' && owners.length < 2;
      if (last && peopleOf(record, this.account.address).length === 0) return this.end(address);
      if (last) {
        if (heir === undefined || !record.members.some((member) => member.address === heir)) throw fail('conflict', 'a group needs an owner');
        await this.affiliate(address, heir, 'owner');
      }
      await this.resign(address);
    }
    this.groups.room(address).leave();
    await this.groups.change(address, ({ bookmark: _, ...now }) => ({ ...now, standing: 'left', affiliation: 'none' }));
    if (record.bookmark) await this.bookmarks.retract(address).catch((error: unknown) => log.warn('bookmark not retracted', { code: reasonOf(error).code }));
  }

  /** Owners can take themselves off the list; others ask the room to, and not every room does. */
  private async resign(address: Address): Promise<void> {
    try {
      if (this.groups.known(address).affiliation === 'owner') await setAffiliation(this.account.stream(), address, this.account.address, 'none');
      else await resign(this.account.stream(), address);
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error;
      log.debug('still on the list of the group', { code: reasonOf(error).code });
    }
  }

  async end(address: Address): Promise<void> {
    const record = this.groups.known(address);
    try {
      await destroy(this.account.stream(), address);
    } catch (error) {
      if (!(error instanceof StanzaError) || error.condition !== 'item-not-found') throw refusal(error);
    }
    await this.groups.change(address, ({ bookmark: _, ...now }) => ({ ...now, standing: 'ended', affiliation: 'none' }));
    if (record.bookmark) await this.bookmarks.retract(address);
  }

  /** Gives the group a picture, or takes it away: `set` does it. */
  async setPicture(address: Address, set: () => Promise<void>): Promise<void> {
    this.groups.known(address);
    try {
      await set();
    } catch (error) {
      throw refusal(error);
    }
    await this.groups.refresh(address);
  }

  async rename(address: Address, text: string): Promise<void> {
    const name = checkedName(text);
    const { bookmark } = this.groups.known(address);
    try {
      await configure(this.account.stream(), address, { 'muc#roomconfig_roomname': name });
    } catch (error) {
      throw refusal(error);
    }
    await this.groups.change(address, (record) => ({ ...record, ...(record.room && { room: { ...record.room, name } }) }));
    if (bookmark) await this.groups.keep(address, { ...bookmark, name });
  }

  async add(address: Address, people: readonly Address[]): Promise<void> {
    await this.admit(address, people);
  }

  /** Makes members of people and asks them to come. */
  private async admit(address: Address, people: readonly Address[]): Promise<void> {
    if (people.length === 0) return;
    const { affiliation, members } = this.groups.known(address);
    const fresh = people.filter((person) => !members.some((member) => member.address === person));
    const stream = this.account.stream();
    if (affiliation === 'owner' || affiliation === 'admin') await eachLimited(fresh, PARALLEL, (person) => this.affiliate(address, person, 'member'));
    else stream.send(inviteMessage(address, people));
    // Straight from us, so that they know who it was, wherever the room is.
    for (const to of people) {
      stream.send(xml(NS.client, 'message', { to, id: crypto.randomUUID() }, directInvite.write({ jid: address }), store.write({})));
    }
  }

  /** Takes somebody's message back: the room tells everybody (XEP-0425). */
  async moderate(address: Address, message: MessageRecord): Promise<void> {
    if (message.stanzaId === undefined) throw fail('not-found');
    try {
      await this.account.stream().iq('set', moderateRequest(archiveId(message.stanzaId)), address);
    } catch (error) {
      throw refusal(error);
    }
  }

  async remove(address: Address, person: Address): Promise<void> {
    await this.affiliate(address, person, 'none');
  }

  async setRole(address: Address, person: Address, role: Exclude<Role, 'guest'>): Promise<void> {
    await this.affiliate(address, person, role);
  }

  private async affiliate(address: Address, person: Address, affiliation: Affiliation): Promise<void> {
    try {
      await setAffiliation(this.account.stream(), address, person, affiliation);
    } catch (error) {
      throw refusal(error);
    }
    // The room tells everybody, and us; what follows here must not depend on when.
    await this.groups.change(address, (record) => {
      const others = record.members.filter((member) => member.address !== person);
      const nick = record.members.find((member) => member.address === person)?.nick;
      return {
        ...record,
        members: affiliation === 'none' || affiliation === 'outcast' ? others : [...others, { address: person, affiliation, ...(nick !== undefined && { nick }) }],
        ...(person === this.account.address && { affiliation }),
      };
    });
  }
}

/** A name as it can be part of an address that one can say aloud. */
function slug(name: string): string {
  const plain = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-+|-+$/g, '').slice(0, 40).replace(/-+$/, '');
  return plain === '' ? 'group' : plain;
}

function checkedName(text: string): string {
  const name = text.trim().slice(0, MAX_NAME);
  if (name === '') throw fail('name-invalid', 'a group needs a name');
  return name;
}

/** Whoever has a guardian, or is banned, may not even look: asking to be let in tells which it is, and asks the guardian. */
function mayNotLook(error: unknown): boolean {
  return error instanceof StanzaError && (error.condition === 'forbidden' || reasonOf(error).code === 'approval');
}

/** What a room refuses, in the terms of the app. */
function refusal(error: unknown): unknown {
  if (error instanceof CoreError || !(error instanceof StanzaError) || reasonOf(error).code === 'approval') return error;
  if (error.condition === 'forbidden' || error.condition === 'registration-required' || error.condition === 'not-allowed') return fail('not-member', error.message);
  return error;
}
