/** What was read: told to the sender (XEP-0333) and to one's own devices (XEP-0490), and heard from both. */
import { countUnread, findByOrigin, findByStanzaId, lastIncoming, outgoingUpTo, update } from '../db/messages';
import { originKey, type ChatRecord, type Tx } from '../db/schema';
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
import { log } from './log';
import type { Pep } from './pep';
import { reasonOf } from './reasons';

export interface ReadWorld {
  /** May this contact know what was read? */
  mayTell(chat: Address): boolean;
  /** The server turns one message into both notices (XEP-0490 section 4.5). */
  assisted(): boolean;
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
      effects.chat(await this.moveTo(tx, record, Math.min(order, record.top), untold));
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
      if (this.chats.get(chat)?.untoldRead) await this.tell(chat);
    }
  }

  /** Tells whoever should know; what cannot be told now is told when we are back. */
  private async tell(chat: Address): Promise<void> {
    const untold = this.chats.get(chat)?.untoldRead;
    if (!untold || !this.account.online) return;
    const stream = this.account.stream();
    const { stanzaId, wireId } = untold;
    const position = stanzaId === undefined ? undefined : mdsDisplayed.write({ stanzaId: { id: stanzaId, by: this.account.address } });
    const marker = wireId !== undefined && this.world.mayTell(chat) ? displayed.write({ id: wireId }) : undefined;
    const assisted = marker !== undefined && position !== undefined && this.world.assisted();
    const told = (): void => {
      void this.chats.modify(chat, (record) => (sameRead(record.untoldRead, untold) ? withoutUntold(record) : undefined))
        .catch((error: unknown) => log.warn('read state not stored', { code: reasonOf(error).code }));
    };
    if (marker) {
      stream.send(xml(NS.client, 'message', { to: chat, type: 'chat', id: crypto.randomUUID() },
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
      if (chat !== undefined && id && bareOf(id.by) === this.account.address) positions.push([chat, id.id]);
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
          effects.chat(await this.moveTo(tx, record, message.order, undefined));
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
    if (message && message.order > record.readUpTo) effects.chat(await this.moveTo(tx, record, message.order, undefined));
  }

  /** The other side has displayed our messages up to this one (XEP-0333). */
  readonly byPeer = async (tx: Tx, effects: Effects, chat: Address, id: string): Promise<void> => {
    const message = await findByOrigin(tx, originKey(this.account.address, id));
    const record = await tx.objectStore('chats').get(chat);
    if (!message || !record || message.chat !== chat || message.order <= record.peerRead) return;
    await tx.objectStore('chats').put({ ...record, peerRead: message.order });
    for (const earlier of await outgoingUpTo(tx, chat, message.order, record.peerRead)) {
      if (earlier.state !== 'sent' && earlier.state !== 'delivered') continue;
      const [next] = await update(tx, earlier, { state: 'read' });
      effects.message(next);
    }
    effects.chat(await tx.objectStore('chats').get(chat));
  };

  /** Another own device has sent a marker: it has read their messages up to this one. */
  readonly byOwnDevice = async (tx: Tx, effects: Effects, chat: Address, id: string): Promise<void> => {
    const message = await findByOrigin(tx, originKey(chat, id));
    const record = await tx.objectStore('chats').get(chat);
    if (!message || !record || message.chat !== chat || message.order <= record.readUpTo) return;
    effects.chat(await this.moveTo(tx, record, message.order, undefined));
  };

  private async moveTo(tx: Tx, record: ChatRecord, order: number, untold: ChatRecord['untoldRead']): Promise<ChatRecord> {
    const { awaitedRead: _, untoldRead: __, ...rest } = record;
    const next: ChatRecord = {
      ...rest, readUpTo: order, unread: await countUnread(tx, record.id, order), ...(untold && { untoldRead: untold }),
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

