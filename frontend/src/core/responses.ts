/** What follows from messages that came in: receipts, notifications, and the upkeep of sessions. */
import type { Version } from '../crypto/engine';
import type { MessageRecord } from '../db/schema';
import { NS } from '../xmpp/ns';
import { received } from '../xmpp/xep0184_receipts';
import { store } from '../xmpp/xep0334_hints';
import { xml } from '../xmpp/xml';
import type { Account } from './account';
import type { Address } from './api';
import type { Chats } from './chats';
import type { Contacts } from './contacts';
import { PLACE_SIGN, saidIn } from './deeds';
import { log } from './log';
import type { Encryptor } from './omemo/encryptor';
import type { Keys } from './omemo/keys';
import { reasonOf } from './reasons';
import type { Mode } from './receiver';

const MAX_NOTIFIED = 300;

interface Owed {
  readonly to: Address;
  readonly type: string;
  /** Was handed to the present session, which resends it when it is resumed. */
  sent: boolean;
}

export class Responses {
  private readonly healed = new Set<string>();
  /** Receipts that the server has not taken yet, by the id of the message. */
  private readonly owed = new Map<string, Owed>();

  constructor(
    private readonly account: Account,
    private readonly chats: Chats,
    private readonly contacts: Contacts,
    private readonly keys: Keys,
    private readonly encryptor: Encryptor,
  ) {}

  /** A new session: what was tried in the last one may be tried again. */
  reset(): void {
    this.healed.clear();
    for (const receipt of this.owed.values()) receipt.sent = false;
  }

  /** Everything that was missed is here: what an earlier session took with it is said again. */
  caughtUp(): void {
    this.sendOwed();
  }

  /** A receipt says that we are here: only to those who may know (XEP-0184 section 8). */
  receipt(to: Address, id: string, type: string): void {
    if (!this.contacts.trusts(to)) return;
    const receipt: Owed = { to, type, sent: false };
    this.owed.set(id, receipt);
    if (this.account.online) this.send(id, receipt);
  }

  private sendOwed(): void {
    if (!this.account.online) return;
    for (const [id, receipt] of this.owed) if (!receipt.sent) this.send(id, receipt);
  }

  private send(id: string, receipt: Owed): void {
    const { to, type } = receipt;
    this.account.stream().send(xml(NS.client, 'message', { to, type, id: crypto.randomUUID() }, received.write({ id }), store.write({})), () => {
      if (this.owed.get(id) === receipt) this.owed.delete(id);
    });
    receipt.sent = true;
  }

  /** New messages that nobody is looking at: one notification for each chat. */
  arrived(messages: readonly MessageRecord[], mode: Mode): void {
    if (mode !== 'live' && mode !== 'catchup') return;
    for (const [chat, message] of new Map(messages.filter((one) => this.isTold(one)).map((one) => [one.chat, one]))) {
      if (this.account.hub.looksAt(chat) || this.contacts.isBlocked(message.from)) continue;
      if ((this.chats.get(chat)?.readUpTo ?? 0) >= message.order) continue;
      // What strangers write is not shown before the person has looked at them.
      const { kind, title } = this.chats.view(chat);
      const text = saidIn(message).slice(0, MAX_NOTIFIED);
      const facts = { account: this.account.address, chat, title, ...(text === PLACE_SIGN && { location: true as const }) };
      if (kind === 'group') this.account.hub.emit('notify', { ...facts, text: `${this.nameOf(message)}: ${text}` });
      else this.account.hub.emit('notify', this.contacts.isKnown(chat) ? { ...facts, text } : { account: this.account.address, chat, title, text: '' });
    }
  }

  /** Of what is muted nothing is told, save what names the own person where that is wanted. */
  private isTold({ chat, mentionIn, timerSet }: MessageRecord): boolean {
    if (timerSet !== undefined) return false;
    const { muted } = this.chats.view(chat);
    return muted === undefined || (muted.exceptMentions === true && mentionIn !== undefined);
  }

  private nameOf({ from, nick }: MessageRecord): string {
    return this.contacts.isKnown(from) ? this.contacts.name(from) : nick ?? this.contacts.name(from);
  }

  /** Prekeys were used, or empty messages are owed. */
  upkeep(): void {
    void this.keys.upkeep().catch((error: unknown) => log.warn('upkeep failed', { code: reasonOf(error).code }));
  }

  /** One attempt per device and session: a message that cannot be read must not become an endless exchange. */
  heal(who: Address, device: number, version: Version, broken: boolean): void {
    const key = `${who}/${device}/${version}`;
    if (this.healed.has(key) || !this.account.online) return;
    this.healed.add(key);
    void this.encryptor.renew(who, device, version, broken).catch((error: unknown) => log.warn('session not renewed', { code: reasonOf(error).code }));
  }
}
