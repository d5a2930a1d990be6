/**
 * The pictures of people and groups (XEP-0084, XEP-0153, XEP-0486). They are fetched only of those whom one knows and of
 * the groups to which one belongs, so that no stranger learns that we are here; and kept by their hash.
 */
import type { Bytes } from '../xmpp/bytes';
import { NS } from '../xmpp/ns';
import { vCard } from '../xmpp/xep0054_vcard';
import type { PubsubItem } from '../xmpp/xep0060_pubsub';
import { avatarData, avatarMetadata } from '../xmpp/xep0084_avatar';
import { vCardUpdate } from '../xmpp/xep0153_update';
import type { XmlElement } from '../xmpp/xml';
import type { Account } from './account';
import type { Address } from './api';
import { Serial } from './async';
import { log } from './log';
import type { Pep } from './pep';
import { fail, reasonOf } from './reasons';

/** Larger pictures are not fetched, nor published. */
const MAX_BYTES = 512 << 10;
const MAX_HEARD = 1_000;
const PARALLEL = 3;

export interface PicturesWorld {
  /** One knows them: their pictures may be fetched. */
  knows(person: Address): boolean;
}

export class Pictures {
  /** Whose picture is which, by its hash. */
  private readonly faces = new Map<Address, string>();
  private readonly stored = new Set<string>();
  /** What was announced last, of those whom one does not know (yet) too. */
  private readonly heard = new Map<Address, { readonly hash: string | undefined; readonly by: 'pep' | 'vcard' }>();
  private readonly wanted = new Map<Address, string>();
  private readonly lanes = Array.from({ length: PARALLEL }, () => new Serial());
  private readonly turn = new Serial();
  private next = 0;
  /** These have other pictures now. */
  onChange: (addresses: readonly Address[]) => void = () => undefined;

  constructor(private readonly account: Account, private readonly pep: Pep, private readonly world: PicturesWorld) {
    pep.on(NS.avatarMetadata, (from, items, retracted) => this.announced(from, items, retracted));
  }

  /** Pictures that belong to nobody any more go. */
  async load(): Promise<void> {
    const { db } = this.account;
    const [faces, hashes] = await db.read(['faces', 'pictures'], (tx) =>
      Promise.all([tx.objectStore('faces').getAll(), tx.objectStore('pictures').getAllKeys()]));
    const used = new Set(faces.map((face) => face.hash));
    const left = hashes.filter((hash) => !used.has(hash));
    if (left.length > 0) await db.write(['pictures'], async (tx) => { for (const hash of left) await tx.objectStore('pictures').delete(hash); });
    for (const hash of hashes) if (used.has(hash)) this.stored.add(hash);
    for (const face of faces) if (this.stored.has(face.hash)) this.faces.set(face.address, face.hash);
  }

  /** The hash of the picture of a person or group, when it is here. */
  of(address: Address): string | undefined {
    return this.faces.get(address);
  }

  get all(): readonly (readonly [Address, string])[] {
    return [...this.faces];
  }

  get(hash: string): Promise<Blob | undefined> {
    return this.account.db.read(['pictures'], async (tx) => (await tx.objectStore('pictures').get(hash))?.data);
  }

  // ── what is announced ──

  private announced(from: Address, items: readonly PubsubItem[] | null, retracted: readonly string[]): Promise<void> {
    if (items !== null && items.length === 0 && retracted.length === 0) return Promise.resolve();
    const metadata = avatarMetadata.read(items?.[items.length - 1]?.payload);
    // Pictures that lie elsewhere are left there: whoever keeps them would learn who looks.
    const chosen = metadata?.infos.find((one) => one.url === undefined && isHash(one.id) && one.bytes <= MAX_BYTES && readable(one.type));
    this.hear(from, chosen?.id.toLowerCase(), 'pep');
    return Promise.resolve();
  }

  /** Presence tells of the picture in the vCard: for those who do not publish one by themselves. */
  presence(from: Address, stanza: XmlElement): void {
    const photo = vCardUpdate.in(stanza)?.photo?.trim().toLowerCase();
    if (photo === undefined || from === this.account.address || this.heard.get(from)?.by === 'pep') return;
    if (photo !== '' && !isHash(photo)) return;
    this.hear(from, photo === '' ? undefined : photo, 'vcard');
  }

  private hear(from: Address, hash: string | undefined, by: 'pep' | 'vcard'): void {
    if (!this.heard.has(from) && this.heard.size >= MAX_HEARD) return;
    this.heard.set(from, { hash, by });
    this.consider([from]);
  }

  /** One knows these people now, or no longer. */
  consider(people: readonly Address[]): void {
    for (const who of people) {
      if (who !== this.account.address && !this.world.knows(who)) {
        this.forget(who);
        continue;
      }
      const heard = this.heard.get(who);
      if (heard) this.want(who, heard.hash, (hash) => (heard.by === 'pep' ? this.fromNode(who, hash) : this.fromVCard(who)));
    }
  }

  /** One belongs to a group, and it has this picture. */
  group(address: Address, hash: string | undefined): void {
    const wanted = hash?.toLowerCase();
    if (wanted !== undefined && !isHash(wanted)) return;
    this.want(address, wanted, () => this.fromVCard(address));
  }

  /** A group to which one does not belong any more keeps the picture that it had; a person does not. */
  private forget(who: Address): void {
    this.wanted.delete(who);
    if (this.faces.has(who)) this.settle(who, undefined, undefined);
  }

  // ── fetching ──

  private want(who: Address, hash: string | undefined, fetch: (hash: string) => Promise<Bytes | undefined>): void {
    if (hash === undefined) return this.forget(who);
    if (this.faces.get(who) === hash || this.wanted.get(who) === hash) return;
    this.wanted.set(who, hash);
    if (this.stored.has(hash)) return this.settle(who, hash, undefined);
    const lane = this.lanes[this.next++ % PARALLEL];
    void lane?.run(async () => {
      if (this.wanted.get(who) !== hash) return;
      try {
        const data = await fetch(hash);
        const type = data && typeOf(data);
        if (!data || type === undefined || data.length > MAX_BYTES || await hashOf(data) !== hash) throw fail('not-found', 'no such picture');
        if (this.wanted.get(who) === hash) this.settle(who, hash, new Blob([data], { type }));
      } catch (error) {
        if (this.wanted.get(who) === hash) this.wanted.delete(who); // asked again when it is announced again
        log.debug('picture not fetched', { code: reasonOf(error).code });
      }
    });
  }

  private async fromNode(who: Address, hash: string): Promise<Bytes | undefined> {
    const items = await this.pep.items(who, NS.avatarData, { id: hash });
    return avatarData.read(items.find((item) => item.id?.toLowerCase() === hash)?.payload ?? items[0]?.payload)?.data;
  }

  private async fromVCard(who: Address): Promise<Bytes | undefined> {
    return vCard.in(await this.account.stream().iq('get', vCard.write({}), who))?.photo?.data;
  }

  /** What is known now is kept, and then told. */
  private settle(who: Address, hash: string | undefined, data: Blob | undefined): void {
    void this.turn.run(async () => {
      const before = this.faces.get(who);
      if (before === hash) return;
      if (hash !== undefined && !data && !this.stored.has(hash)) return void this.wanted.delete(who);
      const others = [...this.faces].some(([address, one]) => one === before && address !== who);
      await this.account.db.write(['faces', 'pictures'], async (tx) => {
        if (hash !== undefined && data) await tx.objectStore('pictures').put({ hash, data });
        if (hash === undefined) await tx.objectStore('faces').delete(who);
        else await tx.objectStore('faces').put({ address: who, hash });
        if (before !== undefined && !others) await tx.objectStore('pictures').delete(before);
      });
      if (hash !== undefined) {
        this.stored.add(hash);
        this.faces.set(who, hash);
      } else {
        this.faces.delete(who);
      }
      if (before !== undefined && !others) this.stored.delete(before);
      this.onChange([who]);
    }).catch((error: unknown) => log.warn('picture not stored', { code: reasonOf(error).code }));
  }

  // ── one's own, and those of groups one looks after ──

  /** Publishes a picture, or takes it away. PNG is what everybody can show (XEP-0084 section 3.2). */
  async setOwn(picture: Blob | null): Promise<void> {
    const options = { 'pubsub#persist_items': 'true', 'pubsub#access_model': 'presence', 'pubsub#max_items': '1' };
    if (!picture) {
      await this.pep.publish(NS.avatarMetadata, 'none', avatarMetadata.write({ infos: [] }), options);
      return this.forgetOwn();
    }
    const { data, hash, type } = await checked(picture);
    await this.pep.publish(NS.avatarData, hash, avatarData.write({ data }), options);
    await this.pep.publish(NS.avatarMetadata, hash, avatarMetadata.write({ infos: [{ id: hash, type, bytes: data.length, ...sizeOf(data) }] }), options);
    this.heard.set(this.account.address, { hash, by: 'pep' });
    this.wanted.set(this.account.address, hash);
    this.settle(this.account.address, hash, new Blob([data], { type }));
    await this.turn.idle();
  }

  private async forgetOwn(): Promise<void> {
    this.heard.set(this.account.address, { hash: undefined, by: 'pep' });
    this.forget(this.account.address);
    await this.turn.idle();
  }

  /** Sets the picture of a group (XEP-0486 section 4). Rejects with StanzaError when one may not. */
  async setGroup(group: Address, picture: Blob | null): Promise<void> {
    if (!picture) {
      await this.account.stream().iq('set', vCard.write({}), group);
      return this.group(group, undefined);
    }
    const { data, hash, type } = await checked(picture);
    await this.account.stream().iq('set', vCard.write({ photo: { type, data } }), group);
    this.wanted.set(group, hash);
    this.settle(group, hash, new Blob([data], { type }));
    await this.turn.idle();
  }
}

/** A picture that one gives: of a kind that everybody reads, and not too large. */
async function checked(picture: Blob): Promise<{ readonly data: Bytes; readonly hash: string; readonly type: string }> {
  if (picture.size > MAX_BYTES) throw fail('too-large', 'the picture is too large');
  const data = new Uint8Array(await picture.arrayBuffer());
  const type = typeOf(data);
  if (type === undefined) throw fail('unsupported', 'not a picture');
  return { data, hash: await hashOf(data), type };
}

const isHash = (text: string): boolean => /^[0-9a-f]{40}$/i.test(text);

const readable = (type: string): boolean => /^image\/(?:png|jpeg|gif|webp)$/i.test(type);

/** SHA-1 names pictures (XEP-0084 section 4.1); it protects nothing. */
async function hashOf(data: Bytes): Promise<string> {
  return [...new Uint8Array(await crypto.subtle.digest('SHA-1', data))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What a picture is by its first bytes; what it says of itself does not count. */
export function typeOf(data: Uint8Array): string | undefined {
  const text = String.fromCharCode(...data.subarray(0, 12));
  if (text.startsWith('\u0089PNG\r\n\u001a\n')) return 'image/png';
  if (text.startsWith('\u00ff\u00d8\u00ff')) return 'image/jpeg';
  if (text.startsWith('GIF87a') || text.startsWith('GIF89a')) return 'image/gif';
  if (text.startsWith('RIFF') && text.endsWith('WEBP')) return 'image/webp';
  return undefined;
}

/** Of a PNG, by its header. */
function sizeOf(data: Uint8Array): { readonly width?: number; readonly height?: number } {
  if (typeOf(data) !== 'image/png' || data.length < 24) return {};
  const view = new DataView(data.buffer, data.byteOffset);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}
