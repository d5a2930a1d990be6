/** What was read: told to the sender (XEP-0333) and to one's own devices (XEP-0490), and heard from both. */
import { findByOrigin, findByStanzaId, getMessage, lastIncoming, outgoingUpTo, unreadAbove, update } from '../db/messages';
import { archiveId, archiveKey, originKey, type ChatRecord, type MessageRecord, type Tx } from '../db/schema';
import { StanzaError } from '../xmpp/errors';
import { bareOf } from '../xmpp/jid';
import { NS } from '../xmpp/ns';
import { store } from '../xmpp/xep0334_hints';
import { displayed } from '../xmpp/xep0333_markers';
import { MDS_OPTIONS, mdsDisplayed } from '../xmpp/xep0490_mds';
import type { PubsubItem } from '../xmpp/xep0060_pubsub';
import { xml } from '../xmpp/xml';
import type { Account, SessionPart } from './account';
import type { Address } from './api';
import type { Chats } from './chats';
import { Effects } from './effects';
import { startTimers } from './ephemeral';
import { log } from './log';
import type { Pep } from './pep';
import { reasonOf } from './reasons';

export interface ReadWorld {
  /** May this contact know what was read? */
  mayTell(chat: Address): boolean;
  /** The server turns one message into both notices (XEP-0490 section 4.5). */
  assisted(): boolean;
  /** The other members of a group. */
  members(chat: Address): readonly Address[];
  /** Messages were read that go after a while. */
  timersStarted(): void;
}

export class ReadState implements SessionPart {
  constructor(private readonly account: Account, private readonly chats: Chats, private readonly pep: Pep, private readonly world: ReadWorld) {
    pep.on(NS.mds, (from, items) => (from === account.address && items ? this.synced(items) : Promise.resolve()));
  }

  /** Everything up to this position was shown here. */
  async markRead(chat: Address, order: number): Promise<void> {
    const before = this.chats.get(chat);
    if (!before || order <= before.readUpTo) return;
    const effects = new Effects();
    await this.account.db.write(['messages', 'chats'], async (tx) => {
      const record = await tx.objectStore('chats').get(chat);
      if (!record || order <= record.readUpTo) return;
      const message = await lastIncoming(tx, chat, order);
      const untold = message && message.order > record.readUpTo
        ? { ...(message.stanzaId !== undefined && { stanzaId: message.stanzaId }), ...(message.markable === true && message.wireId !== undefined && { wireId: message.wireId }) }
        : record.untoldRead;
      effects.chat(await this.moveTo(tx, effects, record, Math.min(order, record.top), untold));
    });
    effects.tell(this.chats, this.account.hub.emit);
    await this.tell(chat);
  }

  // ── session ──

  async caughtUp(initial: boolean): Promise<void> {
    try {
      await this.synced(await this.pep.items(this.account.address, NS.mds), initial);
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error;
    }
    for (const chat of this.chats.addresses) {
      const record = this.chats.get(chat);
      // In a group it is told once one is in it.
      if (record?.untoldRead && record.kind === 'direct') await this.tell(chat);
    }
  }

  /** One is in this group again: what could not be told there is told now. */
  async resume(chat: Address): Promise<void> {
    if (this.chats.get(chat)?.untoldRead) await this.tell(chat);
  }

  /** Tells whoever should know; what cannot be told now is told when we are back. */
  private async tell(chat: Address): Promise<void> {
    const untold = this.chats.get(chat)?.untoldRead;
    if (!untold || !this.account.online) return;
    const stream = this.account.stream();
    const group = this.chats.of(chat).kind === 'group';
    const stanzaId = untold.stanzaId === undefined ? undefined : archiveId(untold.stanzaId);
    // In a group a message is known by its id in the group's archive (XEP-0333 section 4).
    const shown = group && untold.wireId !== undefined ? stanzaId : untold.wireId;
    const position = stanzaId === undefined ? undefined : mdsDisplayed.write({ stanzaId: { id: stanzaId, by: group ? chat : this.account.address } });
    const marker = shown !== undefined && this.world.mayTell(chat) ? displayed.write({ id: shown }) : undefined;
    const assisted = marker !== undefined && position !== undefined && this.world.assisted();
    const told = (): void => {
      void this.chats.modify(chat, (record) => (sameRead(record.untoldRead, untold) ? withoutUntold(record) : undefined))
        .catch((error: unknown) => log.warn('read state not stored', { code: reasonOf(error).code }));
    };
    if (marker) {
      stream.send(xml(NS.client, 'message', { to: chat, type: group ? 'groupchat' : 'chat', id: crypto.randomUUID() },
        marker, assisted && position, store.write({})), position && !assisted ? undefined : told);
    }
    if (position && !assisted) {
      await this.pep.publish(NS.mds, chat, position, MDS_OPTIONS).then(told, (error: unknown) => {
        // A server without private nodes: there is nobody to tell.
        if (error instanceof StanzaError && error.type !== 'wait') told();
      });
    } else if (!marker) {
      told();
    }
  }

  /** Another own device says how far it has read (XEP-0490); before our own messages of that time may be here. */
  private async synced(items: readonly PubsubItem[], initial = false): Promise<void> {
    const positions: [Address, string][] = [];
    for (const item of items) {
      const chat = bareOf(item.id);
      const id = mdsDisplayed.read(item.payload)?.stanzaId;
      const by = id && bareOf(id.by);
      if (chat !== undefined && id && (by === this.account.address || by === chat)) positions.push([chat, archiveKey(this.account.address, by, id.id)]);
    }
    if (positions.length === 0) return;
    const effects = new Effects();
    await this.account.db.write(['messages', 'chats'], async (tx) => {
      for (const [chat, stanzaId] of positions) {
        const record = await tx.objectStore('chats').get(chat);
        if (!record) continue;
        const message = await findByStanzaId(tx, stanzaId);
        if (!message) {
          // Not here yet, or older than anything here: then it says nothing.
          await tx.objectStore('chats').put({ ...record, awaitedRead: stanzaId });
        } else if (message.chat === chat && (initial || message.order > record.readUpTo)) {
          // On a new device everything counted as read until now; this is the first word about it.
          effects.chat(await this.moveTo(tx, effects, record, message.order, undefined));
        }
      }
    });
    effects.tell(this.chats, this.account.hub.emit);
  }

  /** A position that was waited for has arrived with its message. */
  async resolveAwaited(tx: Tx, effects: Effects, chat: Address): Promise<void> {
    const record = await tx.objectStore('chats').get(chat);
    if (record?.awaitedRead === undefined) return;
    const message = await findByStanzaId(tx, record.awaitedRead);
    if (message && message.order > record.readUpTo) effects.chat(await this.moveTo(tx, effects, record, message.order, undefined));
  }

  /** The other side has displayed our messages up to this one (XEP-0333). */
  readonly byPeer = async (tx: Tx, effects: Effects, chat: Address, id: string): Promise<void> => {
    const message = await findByOrigin(tx, originKey(this.account.address, id));
    const record = await tx.objectStore('chats').get(chat);
    if (!message || !record || message.chat !== chat || message.order <= record.peerRead) return;
    await tx.objectStore('chats').put({ ...record, peerRead: message.order });
    await this.nowRead(tx, effects, chat, message.order, record.peerRead);
    effects.chat(await tx.objectStore('chats').get(chat));
  };

  /** Somebody in a group has displayed everything up to a message (XEP-0333); oneself, with another device, too. */
  readonly byMember = async (tx: Tx, effects: Effects, chat: Address, from: Address, id: string): Promise<void> => {
    const message = await findByStanzaId(tx, archiveKey(this.account.address, chat, id));
    const record = await tx.objectStore('chats').get(chat);
    if (!message || !record || message.chat !== chat) return;
    if (from === this.account.address) {
      if (message.order > record.readUpTo) effects.chat(await this.moveTo(tx, effects, record, message.order, undefined));
      return;
    }
    if ((record.readers?.[from] ?? -Infinity) >= message.order) return;
    const readers = { ...record.readers, [from]: message.order };
    const others = this.world.members(chat);
    const all = Math.min(...others.map((member) => readers[member] ?? -Infinity));
    const peerRead = others.length > 0 && all > record.peerRead ? all : record.peerRead;
    await tx.objectStore('chats').put({ ...record, readers, peerRead });
    if (peerRead > record.peerRead) await this.nowRead(tx, effects, chat, peerRead, record.peerRead);
    effects.chat(await tx.objectStore('chats').get(chat));
  };

  /** The members of a group who have read one of its messages, as far as they say. */
  async readers(chat: Address, id: string): Promise<Address[]> {
    const message = await this.account.db.read(['messages'], (tx) => getMessage(tx, id));
    if (!message || message.chat !== chat) return [];
    return Object.entries(this.chats.of(chat).readers ?? {})
      .filter(([member, order]) => order >= message.order && member !== message.from).map(([member]) => member);
  }

  /** Own messages up to a position were read. */
  private async nowRead(tx: Tx, effects: Effects, chat: Address, order: number, above: number): Promise<void> {
    for (const earlier of await outgoingUpTo(tx, chat, order, above)) {
      if (earlier.state !== 'sent' && earlier.state !== 'delivered') continue;
      const [next]: readonly [MessageRecord, unknown] = await update(tx, earlier, { state: 'read' });
      effects.message(next);
    }
  }

  /** Another own device has sent a marker: it has read their messages up to this one. */
  readonly byOwnDevice = async (tx: Tx, effects: Effects, chat: Address, id: string): Promise<void> => {
    const message = await findByOrigin(tx, originKey(chat, id));
    const record = await tx.objectStore('chats').get(chat);
    if (!message || !record || message.chat !== chat || message.order <= record.readUpTo) return;
    effects.chat(await this.moveTo(tx, effects, record, message.order, undefined));
  };

  /** Another own device has written: whoever answers has read what was there, also in programs that say nothing of it. */
  readonly byAnswer = async (tx: Tx, effects: Effects, chat: Address, order: number): Promise<void> => {
    const record = await tx.objectStore('chats').get(chat);
    if (!record || order <= record.readUpTo) return;
    const { awaitedRead, untoldRead } = record;
    const moved = await this.moveTo(tx, effects, record, order, untoldRead);
    const next: ChatRecord = { ...moved, ...(awaitedRead !== undefined && { awaitedRead }) };
    await tx.objectStore('chats').put(next);
    effects.chat(next);
  };

  private async moveTo(tx: Tx, effects: Effects, record: ChatRecord, order: number, untold: ChatRecord['untoldRead']): Promise<ChatRecord> {
    if (await startTimers(tx, effects, record, order, this.account.platform.clock.now())) effects.after(() => this.world.timersStarted());
    const { awaitedRead: _, untoldRead: __, ...rest } = (await tx.objectStore('chats').get(record.id)) ?? record;
    const next: ChatRecord = {
      ...rest, readUpTo: order, ...(await unreadAbove(tx, record.id, order)), ...(untold && { untoldRead: untold }),
    };
    await tx.objectStore('chats').put(next);
    return next;
  }
}

function withoutUntold({ untoldRead: _, ...record }: ChatRecord): ChatRecord {
  return record;
}

function sameRead(a: ChatRecord['untoldRead'], b: ChatRecord['untoldRead']): boolean {
  return a?.stanzaId === b?.stanzaId && a?.wireId === b?.wireId;
}

