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
  private readonly theirs = new Map<Address, () => void>();
  private readonly ours = new Set<Address>();

  constructor(private readonly account: Account, private readonly mayTell: (chat: Address) => boolean) {}

  /** They started or stopped. */
  received(chat: Address, typing: boolean): void {
    const cancel = this.theirs.get(chat);
    if (!typing && !cancel) return;
    cancel?.();
    this.theirs.delete(chat);
    if (typing) this.theirs.set(chat, this.account.platform.clock.after(EXPIRES, () => this.received(chat, false)));
    if (typing === (cancel !== undefined)) return;
    this.account.hub.emit('typing', { chat, typing });
  }

  /** We started or stopped. Said only to those who may know, and only while both are there. */
  set(chat: Address, typing: boolean): void {
    if (typing === this.ours.has(chat)) return;
    if (typing) this.ours.add(chat);
    else this.ours.delete(chat);
    if (!this.account.online || !this.mayTell(chat)) return;
    this.account.stream().send(xml(NS.client, 'message', { to: chat, type: 'chat' },
      chatState(typing ? 'composing' : 'paused'), noStore.write({})));
  }

  /** A message was sent; it says "active" itself. */
  sent(chat: Address): void {
    this.ours.delete(chat);
  }

  /** Nobody is known to be writing any more. */
  clear(): void {
    for (const chat of [...this.theirs.keys()]) this.received(chat, false);
    this.ours.clear();
  }
}
