/** The roster (RFC 6121 sections 2 and 3), names (XEP-0172) and blocking (XEP-0191). */
import { getMeta, putMeta, readMeta } from '../db/meta';
import type { ContactRecord } from '../db/schema';
import { StanzaError } from '../xmpp/errors';
import type { Of } from '../xmpp/codec';
import { bareOf, formatJid, parseJid } from '../xmpp/jid';
import { NS } from '../xmpp/ns';
import { roster, rosterItem, type RosterItem } from '../xmpp/rfc6121_roster';
import type { Stream } from '../xmpp/stream';
import { nick } from '../xmpp/xep0172_nick';
import { block, blocklist, unblock } from '../xmpp/xep0191_blocking';
import type { report } from '../xmpp/xep0377_reporting';
import { preauth } from '../xmpp/xep0379_preauth';
import { xml, type XmlElement } from '../xmpp/xml';
import type { Account, SessionPart } from './account';
import type { Address, Contact } from './api';
import { Serial } from './async';
import type { Pep } from './pep';
import type { PresenceBook } from './presence';
import { fail } from './reasons';
import { contactName, contactView } from './view';

const MAX_NAME = 200;
const MAX_HEARD = 1_000;

export class Contacts implements SessionPart {
  private readonly records = new Map<Address, ContactRecord>();
  private blocked = new Set<Address>();
  /** Changes are made one after the other: each builds on what is here. */
  private readonly turn = new Serial();
  private readonly heard = new Map<Address, string>();
  /** A name changed: whoever shows it elsewhere is told. */
  onNames: (addresses: readonly Address[]) => void = () => undefined;
  /** There is a chat with this address. */
  isMet: (address: Address) => boolean = () => false;
  /** What one is to these people changed: who lets whom see what, or who is blocked. */
  onRelation: (addresses: readonly Address[]) => void = () => undefined;
  /** The hash of a picture that is here. */
  pictureOf: (address: Address) => string | undefined = () => undefined;

  constructor(private readonly account: Account, private readonly pep: Pep, private readonly presence: PresenceBook) {
    pep.on(NS.nick, (from, items) => this.nickChanged(from, items?.[items.length - 1]?.payload));
    presence.onChange = (addresses) => this.emit(addresses);
  }

  async load(): Promise<void> {
    const all = await this.account.db.read(['contacts'], (tx) => tx.objectStore('contacts').getAll());
    for (const record of all) this.records.set(record.address, record);
    this.blocked = new Set(await readMeta(this.account.db, 'blocked') ?? []);
  }

  /** Everybody in the roster or asking to be, and those of `met` who are known only from messages. */
  list(met: readonly Address[]): Contact[] {
    const addresses = new Set([...this.records.keys(), ...met, ...this.blocked]);
    addresses.delete(this.account.address);
    return [...addresses].map((address) => this.view(this.records.get(address) ?? stranger(address)));
  }

  /** Messages were exchanged with these people: whoever was not known is now. */
  met(addresses: readonly Address[]): void {
    const changed = addresses.filter((address) => address !== this.account.address && !this.records.has(address));
    if (changed.length > 0) {
      this.account.hub.emit('contacts', { changed: changed.map((address) => this.view(stranger(address))), removed: [] });
    }
  }

  name(address: Address): string {
    return contactName(address, this.records.get(address));
  }

  isBlocked(address: Address): boolean {
    return this.blocked.has(address);
  }

  /** May this address know that we are here: that we received, read, or write something? */
  trusts(address: Address): boolean {
    const record = this.records.get(address);
    return !this.blocked.has(address) && (record?.subscription === 'both' || record?.subscription === 'from');
  }

  /** We know this person: they are in the roster and did not come out of nowhere. */
  isKnown(address: Address): boolean {
    return this.records.get(address)?.listed === true;
  }

  /** They let us know of them: we know each other. */
  isFriend(address: Address): boolean {
    const record = this.records.get(address);
    return record?.listed === true && (record.subscription === 'both' || record.subscription === 'to');
  }

  /** Their news come to us. */
  isHeard(address: Address): boolean {
    const subscription = this.records.get(address)?.subscription;
    return subscription === 'both' || subscription === 'to';
  }

  // ── session ──

  async started(stream: Stream): Promise<void> {
    await Promise.all([this.fetchRoster(stream), this.fetchBlocked(stream)]);
  }

  private async fetchRoster(stream: Stream): Promise<void> {
    const versioned = stream.hasFeature(NS.rosterVersioning, 'ver');
    const ver = versioned ? await readMeta(this.account.db, 'rosterVersion') ?? '' : undefined;
    const answer = roster.in(await stream.iq('get', roster.write({ ...(ver !== undefined && { ver }), items: [] })));
    // An empty result: nothing changed since our version (section 2.6.3).
    if (answer) await this.turn.run(() => this.replace(answer));
  }

  private async replace(answer: Of<typeof roster>): Promise<void> {
    const listed = new Set<Address>();
    const changed: ContactRecord[] = [];
    for (const item of answer.items) {
      const record = this.fromItem(item);
      if (!record || item.subscription === 'remove') continue;
      listed.add(record.address);
      changed.push(record);
    }
    const gone = [...this.records.values()].filter((record) => record.listed && !listed.has(record.address));
    await this.store(changed, gone.map((record) => record.address), answer.ver);
  }

  private async fetchBlocked(stream: Stream): Promise<void> {
    try {
      const answer = blocklist.in(await stream.iq('get', blocklist.write({ items: [] })));
      await this.setBlocked(new Set((answer?.items ?? []).map((item) => bareOf(item.jid)).filter((jid) => jid !== undefined)));
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error;
    }
  }

  /** A push (section 2.1.6) or a change of the block list; `undefined`: neither. */
  request(type: 'get' | 'set', payload: XmlElement, from: string | undefined): Promise<true> | undefined {
    if (type !== 'set') return undefined;
    const push = roster.read(payload) ?? block.read(payload) ?? unblock.read(payload);
    if (!push) return undefined;
    // Only the own server may change our lists; anybody can send something that looks like a push.
    if (from !== undefined && bareOf(from) !== this.account.address) throw new StanzaError('cancel', 'service-unavailable');
    return this.pushed(payload);
  }

  private pushed(payload: XmlElement): Promise<true> {
    return this.turn.run(() => this.apply(payload));
  }

  private async apply(payload: XmlElement): Promise<true> {
    const list = roster.read(payload);
    if (list) {
      const item = list.items[0];
      const record = item && this.fromItem(item);
      if (!item || !record) throw new StanzaError('modify', 'bad-request');
      if (item.subscription === 'remove') await this.store([], [record.address], list.ver);
      else await this.store([record], [], list.ver);
      return true;
    }
    const items = (block.read(payload) ?? unblock.read(payload))?.items.map((item) => bareOf(item.jid)).filter((jid) => jid !== undefined) ?? [];
    const next = new Set(this.blocked);
    if (payload.name === 'block') for (const jid of items) next.add(jid);
    else if (items.length === 0) next.clear();
    else for (const jid of items) next.delete(jid);
    await this.setBlocked(next);
    return true;
  }

  /** Presence that is about subscriptions (section 3). */
  async subscription(type: string, from: Address, stanza: XmlElement): Promise<void> {
    if (type !== 'subscribe' || from === this.account.address) {
      if (type === 'unsubscribe') await this.modify(from, (record) => withoutRequest(record));
      return;
    }
    if (this.blocked.has(from)) return;
    const before = this.records.get(from);
    // Whom we asked ourselves, or already let see us, need not ask again (section 3.1.3).
    if (before?.subscription === 'from' || before?.subscription === 'both' || before?.asked === true || before?.subscription === 'to') {
      this.account.stream().send(xml(NS.client, 'presence', { to: from, type: 'subscribed' }));
      return;
    }
    const text = stanza.child('status')?.text;
    const name = nick.in(stanza)?.name.slice(0, MAX_NAME);
    await this.modify(from, (record) => ({
      ...record,
      ...(name !== undefined && name !== '' && record.nick === undefined && { nick: name }),
      request: { ...(text !== undefined && text !== '' && { text }) },
    }));
  }

  // ── commands ──

  async add(text: string, name?: string, token?: string): Promise<Address> {
    const address = this.parse(text);
    const stream = this.account.stream();
    const record = this.records.get(address);
    if (record?.listed !== true || name !== undefined) await this.setItem(stream, address, name ?? record?.name, record?.groups ?? []);
    if (record?.subscription !== 'both' && record?.subscription !== 'to') {
      // Whoever we ask may see us too: said beforehand (section 3.4), so that their question needs no second answer.
      if (stream.hasFeature(NS.preApproval, 'sub')) stream.send(xml(NS.client, 'presence', { to: address, type: 'subscribed' }));
      stream.send(this.subscribe(address, token));
    }
    return address;
  }

  async rename(address: Address, name: string): Promise<void> {
    const record = this.records.get(address);
    await this.setItem(this.account.stream(), address, name.trim() === '' ? undefined : name.trim(), record?.groups ?? []);
  }

  async accept(address: Address): Promise<void> {
    const stream = this.account.stream();
    const record = this.records.get(address);
    stream.send(xml(NS.client, 'presence', { to: address, type: 'subscribed' }));
    if (record?.listed !== true) await this.setItem(stream, address, record?.nick, []);
    if (record?.subscription !== 'both' && record?.subscription !== 'to' && record?.asked !== true) stream.send(this.subscribe(address));
    await this.modify(address, (before) => withoutRequest(before));
  }

  async decline(address: Address): Promise<void> {
    this.account.stream().send(xml(NS.client, 'presence', { to: address, type: 'unsubscribed' }));
    await this.modify(address, (record) => withoutRequest(record));
  }

  async remove(address: Address): Promise<void> {
    if (this.records.get(address)?.listed !== true) return this.decline(address);
    await this.account.stream().iq('set', roster.write({ items: [{ jid: address, subscription: 'remove', groups: [] }] }));
    await this.turn.run(() => this.store([], [address], undefined));
  }

  /** `why` tells those who look after the server (XEP-0377). */
  async block(text: string, why?: Of<typeof report>): Promise<void> {
    const address = this.parse(text);
    await this.account.stream().iq('set', block.write({ items: [{ jid: address, ...(why && { report: why }) }] }));
    await this.setBlocked(new Set([...this.blocked, address]));
    if (this.records.get(address)?.request) await this.modify(address, (record) => withoutRequest(record));
  }

  async unblock(address: Address): Promise<void> {
    await this.account.stream().iq('set', unblock.write({ items: [{ jid: address }] }));
    const next = new Set(this.blocked);
    next.delete(address);
    await this.setBlocked(next);
  }

  // ── inside ──

  private parse(text: string): Address {
    const jid = parseJid(text.trim().replace(/^xmpp:/i, '').replace(/[?/].*$/, ''));
    const address = formatJid({ ...jid, resource: '' });
    if (jid.local === '') throw fail('name-invalid', 'an address has a name before the @');
    if (address === this.account.address) throw fail('name-invalid', 'that is the own address');
    return address;
  }

  private subscribe(to: Address, token?: string): XmlElement {
    const own = this.records.get(this.account.address)?.nick;
    return xml(NS.client, 'presence', { to, type: 'subscribe' },
      own !== undefined && nick.write({ name: own }),
      token !== undefined && preauth.write({ token }));
  }

  private async setItem(stream: Stream, address: Address, name: string | undefined, groups: readonly string[]): Promise<void> {
    const item: RosterItem = { jid: address, groups, ...(name !== undefined && { name: name.slice(0, MAX_NAME) }) };
    await stream.iq('set', xml(NS.roster, 'query', {}, rosterItem.write(item)));
  }

  private fromItem(item: RosterItem): ContactRecord | undefined {
    const address = bareOf(item.jid);
    if (address === undefined || item.jid.includes('/')) return undefined;
    const before = this.records.get(address);
    const nickname = this.heard.get(address) ?? before?.nick;
    this.heard.delete(address);
    const subscription = item.subscription === undefined || item.subscription === 'remove' ? 'none' : item.subscription;
    const answered = subscription === 'from' || subscription === 'both';
    return {
      address, subscription, asked: item.ask === 'subscribe', listed: true, groups: item.groups,
      ...(item.name !== undefined && item.name !== '' && { name: item.name.slice(0, MAX_NAME) }),
      ...(nickname !== undefined && { nick: nickname }),
      ...(before?.request && !answered && { request: before.request }),
    };
  }

  private nickChanged(from: Address, payload: XmlElement | undefined): Promise<void> {
    return this.turn.run(() => this.named(from, payload));
  }

  private async named(from: Address, payload: XmlElement | undefined): Promise<void> {
    const name = nick.read(payload)?.name.trim().slice(0, MAX_NAME);
    if (from !== this.account.address && !this.records.has(from)) {
      // Names may come before the roster that says whose they are.
      if (name !== undefined && name !== '' && this.heard.size < MAX_HEARD) this.heard.set(from, name);
      return;
    }
    await this.modifyNow(from, ({ nick: _, ...record }) => (name === undefined || name === '' ? record : { ...record, nick: name }));
  }

  /** The name that one gives oneself, as far as it is known. */
  get ownName(): string | undefined {
    return this.records.get(this.account.address)?.nick;
  }

  async setOwnName(name: string): Promise<void> {
    await this.pep.publish(NS.nick, 'current', nick.write({ name }), {
      'pubsub#persist_items': 'true', 'pubsub#access_model': 'presence', 'pubsub#max_items': '1',
    });
    await this.modify(this.account.address, (record) => ({ ...record, nick: name }));
  }

  private modify(address: Address, change: (record: ContactRecord) => ContactRecord): Promise<void> {
    return this.turn.run(() => this.modifyNow(address, change));
  }

  private async modifyNow(address: Address, change: (record: ContactRecord) => ContactRecord): Promise<void> {
    const before = this.records.get(address) ?? stranger(address);
    const next = change(before);
    // Nothing is left to know about somebody who is neither listed nor asking nor named.
    if (!next.listed && !next.request && next.nick === undefined) await this.store([], [address], undefined);
    else await this.store([next], [], undefined);
  }

  private async store(changed: readonly ContactRecord[], removed: readonly Address[], version: string | undefined): Promise<void> {
    const before = new Map([...changed.map((record) => record.address), ...removed].map((address) => [address, this.name(address)]));
    await this.account.db.write(['contacts'], async (tx) => {
      for (const record of changed) await tx.objectStore('contacts').put(record);
      for (const address of removed) await tx.objectStore('contacts').delete(address);
      if (version !== undefined && await getMeta(tx, 'rosterVersion') !== version) await putMeta(tx, 'rosterVersion', version);
    });
    for (const record of changed) this.records.set(record.address, record);
    for (const address of removed) this.records.delete(address);
    this.emit([...before.keys()]);
    this.onRelation([...before.keys()]);
    const renamed = [...before].filter(([address, name]) => this.name(address) !== name).map(([address]) => address);
    if (renamed.length > 0) this.onNames(renamed);
  }

  private async setBlocked(next: Set<Address>): Promise<void> {
    const changed = [...new Set([...this.blocked, ...next])].filter((address) => this.blocked.has(address) !== next.has(address));
    if (changed.length === 0) return;
    await this.account.db.write([], (tx) => putMeta(tx, 'blocked', [...next]));
    this.blocked = next;
    this.emit(changed);
    this.onRelation(changed);
  }

  /** What is shown of these people changed. */
  emit(addresses: readonly Address[]): void {
    const changed: Contact[] = [];
    const removed: Address[] = [];
    for (const address of addresses) {
      if (address === this.account.address) continue;
      const record = this.records.get(address);
      if (record) changed.push(this.view(record));
      else if (this.blocked.has(address) || this.isMet(address)) changed.push(this.view(stranger(address)));
      else removed.push(address);
    }
    if (changed.length + removed.length > 0) this.account.hub.emit('contacts', { changed, removed });
  }

  private view(record: ContactRecord): Contact {
    return contactView(record, this.presence.of(record.address), this.blocked.has(record.address), this.pictureOf(record.address));
  }
}

function stranger(address: Address): ContactRecord {
  return { address, subscription: 'none', asked: false, listed: false, groups: [] };
}

function withoutRequest({ request: _, ...record }: ContactRecord): ContactRecord {
  return record;
}
