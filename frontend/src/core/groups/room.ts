/** One room in one session: entering it, who is in it, and what happens to oneself there (XEP-0045). Nothing of it is kept. */
import { ConnectionError, StanzaError } from '../../xmpp/errors';
import { bareOf } from '../../xmpp/jid';
import { NS } from '../../xmpp/ns';
import { joinElement, mucUser, STATUS, type Affiliation, type MucUser } from '../../xmpp/xep0045_muc';
import { ping } from '../../xmpp/xep0199_ping';
import { occupantId } from '../../xmpp/xep0421_occupants';
import { xml, type XmlElement } from '../../xmpp/xml';
import type { Account } from '../account';
import type { Address } from '../api';
import type { Envelope, Speaker } from '../envelope';

export interface Occupant {
  readonly nick: string;
  /** Who it is, where the room says so. */
  readonly address: Address | undefined;
  readonly id: string | undefined;
  readonly affiliation: Affiliation;
}

/** `out`: not in it. `entering`: asked to be let in. `reading`: in it, what was missed is being read. `here`: all is well. */
export type Phase = 'out' | 'entering' | 'reading' | 'here';

/** Why one is not in a room any more. `lost`: nobody wanted it, one may enter again. */
export type Exit = 'left' | 'kicked' | 'removed' | 'banned' | 'ended' | 'lost';

export interface RoomWorld {
  /** Our presence, as others get it. */
  caps(): Promise<XmlElement>;
  /** Somebody's affiliation or name was told. */
  told(address: Address, affiliation: Affiliation, nick: string | undefined): void;
  /** Who is in it changed. */
  moved(): void;
  exited(why: Exit, reason: string | undefined): void;
}

const PATIENCE = 30_000;
const MAX_OCCUPANTS = 20_000;

interface Entering {
  resolve(result: { readonly created: boolean }): void;
  reject(error: Error): void;
}

export class Room {
  phase: Phase = 'out';
  nick = '';
  readonly occupants = new Map<string, Occupant>();
  /** Messages that came while what was before them is being read. */
  held: Envelope[] = [];
  /** Who once had a name, for messages that outlive the presence of their sender. */
  private readonly known = new Map<string, Address>();
  private ownId: string | undefined;
  private entering: Entering | undefined;

  constructor(private readonly account: Account, readonly address: Address, private readonly world: RoomWorld) {}

  /** Asks to be let in. Rejects with StanzaError when refused, with ConnectionError when nobody answers. */
  async enter(nick: string, password?: string): Promise<{ readonly created: boolean }> {
    const caps = await this.world.caps();
    const stream = this.account.stream();
    this.entering?.reject(new ConnectionError('asked again'));
    this.nick = nick;
    this.phase = 'entering';
    this.occupants.clear();
    let asked: Entering | undefined;
    const done = new Promise<{ readonly created: boolean }>((resolve, reject) => { asked = this.entering = { resolve, reject }; });
    const cancel = this.account.platform.clock.after(PATIENCE, () => asked?.reject(new ConnectionError('the group does not answer')));
    try {
      stream.send(xml(NS.client, 'presence', { to: `${this.address}/${nick}` }, joinElement(password), caps));
      const result = await done;
      this.phase = 'reading';
      return result;
    } catch (error) {
      if (this.entering === asked) this.phase = 'out';
      throw error;
    } finally {
      cancel();
      if (this.entering === asked) this.entering = undefined;
    }
  }

  leave(): void {
    if (this.phase !== 'out' && this.account.online) {
      this.account.stream().send(xml(NS.client, 'presence', { to: `${this.address}/${this.nick}`, type: 'unavailable' }));
    }
    this.reset();
  }

  /** The session is gone, and we with it. */
  reset(): void {
    this.entering?.reject(new ConnectionError('session lost'));
    this.phase = 'out';
    this.held = [];
    this.occupants.clear();
  }

  /** Whether we are still in it (XEP-0410). Rejects with ConnectionError when nobody knows. */
  async stillHere(): Promise<boolean> {
    try {
      await this.account.stream().iq('get', ping.write({}), `${this.address}/${this.nick}`);
      return true;
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error;
      switch (error.condition) {
        case 'service-unavailable': case 'feature-not-implemented': case 'item-not-found': return true;
        case 'remote-server-not-found': case 'remote-server-timeout': throw new ConnectionError('the group does not answer');
        default: return false;
      }
    }
  }

  presence(nick: string, stanza: XmlElement): void {
    const type = stanza.attrs['type'];
    if (type === 'error') {
      this.entering?.reject(StanzaError.read(stanza));
      return;
    }
    if (nick === '') return; // the room itself, about its picture
    const user = mucUser.in(stanza);
    if (!user) return;
    const codes = new Set(user.statuses.map((status) => status.code));
    const self = codes.has(STATUS.self);
    const [item] = user.items;
    const affiliation = item?.affiliation ?? 'none';
    const address = item?.jid === undefined ? undefined : bareOf(item.jid);
    if (type === 'unavailable') {
      this.occupants.delete(nick);
      if (self && !codes.has(STATUS.renamed)) return this.out(codes, user);
      // When the room goes down, or cannot reach somebody, it says nothing of who belongs to it.
      const ended = codes.has(STATUS.renamed) || codes.has(STATUS.shutdown) || codes.has(STATUS.error);
      if (address !== undefined && !ended) this.world.told(address, affiliation, undefined);
      return this.world.moved();
    }
    if (type !== undefined) return;
    const id = occupantId.in(stanza)?.id;
    if (self) {
      this.nick = nick;
      this.ownId = id;
    }
    if (this.occupants.size < MAX_OCCUPANTS) this.occupants.set(nick, { nick, address: self ? this.account.address : address, id, affiliation });
    if (address !== undefined && this.known.size < MAX_OCCUPANTS) this.known.set(nick, address);
    if (address !== undefined || self) this.world.told(self ? this.account.address : address ?? '', affiliation, nick);
    if (self) this.entering?.resolve({ created: codes.has(STATUS.created) });
    this.world.moved();
  }

  private out(codes: ReadonlySet<string>, user: MucUser): void {
    const entering = this.entering;
    const reason = user.destroy?.reason ?? user.items[0]?.reason;
    this.reset();
    if (entering) return;
    const why: Exit = user.destroy ? 'ended'
      : codes.has(STATUS.banned) ? 'banned'
      : codes.has(STATUS.removed) || codes.has(STATUS.membersOnly) ? 'removed'
      : codes.has(STATUS.shutdown) || codes.has(STATUS.error) ? 'lost'
      : codes.has(STATUS.kicked) ? 'kicked' : 'left';
    this.world.exited(why, reason);
  }

  /** Who says what comes from this name now. */
  live(nick: string): Speaker {
    const from = nick === this.nick ? this.account.address : this.occupants.get(nick)?.address ?? this.known.get(nick) ?? `${this.address}/${nick}`;
    return { from, nick, outgoing: from === this.account.address };
  }

  /** Who said what stands in the archive: the room notes it with the message (XEP-0313 section 6.1.2). */
  archived(nick: string, message: XmlElement): Speaker {
    // The room's note comes last: what stands before it was written by the sender.
    const notes = mucUser.all(message);
    const jid = bareOf(notes[notes.length - 1]?.items[0]?.jid);
    const id = occupantId.in(message)?.id;
    const own = id === undefined ? nick === this.nick : id === this.ownId;
    const present = id === undefined ? undefined : [...this.occupants.values()].find((occupant) => occupant.id === id);
    const from = jid ?? (own ? this.account.address : present?.address ?? `${this.address}/${nick}`);
    return { from, nick, outgoing: from === this.account.address };
  }
}
