/** Who is writing (XEP-0085). */
import { NS } from '../xmpp/ns';
import { chatState } from '../xmpp/xep0085_chatstates';
import { noStore } from '../xmpp/xep0334_hints';
import { xml } from '../xmpp/xml';
import type { Account } from './account';
import type { Address } from './api';

/** Somebody who has not said anything for so long is not writing any more. */
const EXPIRES = 30_000;

export class Typing {
  /** How to end each: by chat, then by who is writing there. */
  private readonly theirs = new Map<Address, Map<Address, () => void>>();
  private readonly ours = new Set<Address>();

  /** `way`: how to tell those in this chat; `undefined`: they are not to know, or nobody is there. */
  constructor(private readonly account: Account, private readonly way: (chat: Address) => 'chat' | 'groupchat' | undefined) {}

  /** Somebody started or stopped. */
  received(chat: Address, from: Address, typing: boolean): void {
    let there = this.theirs.get(chat);
    const cancel = there?.get(from);
    if (!typing && !cancel) return;
    cancel?.();
    if (!there) this.theirs.set(chat, there = new Map());
    if (typing) there.set(from, this.account.platform.clock.after(EXPIRES, () => this.received(chat, from, false)));
    else there.delete(from);
    if (typing === (cancel !== undefined)) return;
    this.account.hub.emit('typing', { chat, from, typing });
  }

  /** We started or stopped. Said only to those who may know, and only while both are there. */
  set(chat: Address, typing: boolean): void {
    if (typing === this.ours.has(chat)) return;
    if (typing) this.ours.add(chat);
    else this.ours.delete(chat);
    const type = this.account.online ? this.way(chat) : undefined;
    if (type === undefined) return;
    this.account.stream().send(xml(NS.client, 'message', { to: chat, type },
      chatState(typing ? 'composing' : 'paused'), noStore.write({})));
  }

  /** A message was sent; it says "active" itself. */
  sent(chat: Address): void {
    this.ours.delete(chat);
  }

  /** Nobody is known to be writing any more. */
  clear(): void {
    for (const [chat, there] of this.theirs) for (const from of there.keys()) this.received(chat, from, false);
    this.ours.clear();
  }
}
