/**
 * Messages that go after a time (XEP-0466): for who wrote them from when they were sent, for who gets them from when they
 * were read. What is gone is gone here; what others keep nobody can promise.
 */
import { chatRange, remove, update, type NewMessage } from '../db/messages';
import { dequeue } from '../db/outbox';
import type { ChatRecord, Store, Tx } from '../db/schema';
import type { Account } from './account';
import type { Address } from './api';
import { Effects } from './effects';
import type { Chats } from './chats';
import { MAX_TIMER } from './content';
import { log } from './log';
import { fail, reasonOf } from './reasons';

const STORES: readonly Store[] = ['messages', 'chats', 'outbox', 'files'];
/** What goes within so short a time goes together. */
const GATHER = 500;
const MAX_WAIT = 3_600_000;
/** After a failure it is tried again. */
const RETRY = 60_000;
const BATCH = 200;

export interface EphemeralWorld {
  /** Tells everybody in a chat how long messages are kept from now on. */
  announce(chat: Address, seconds: number): Promise<unknown>;
}

export class Ephemeral {
  private stopped = false;
  /** When it is looked next. */
  private due: { readonly at: number; readonly cancel: () => void } | undefined;

  constructor(private readonly account: Account, private readonly chats: Chats, private readonly world: EphemeralWorld) {}

  async setTimer(chat: Address, seconds: number): Promise<void> {
    if (!Number.isInteger(seconds) || seconds < 0 || seconds > MAX_TIMER) throw fail('internal', 'no such time');
    if ((this.chats.of(chat).timer?.seconds ?? 0) === seconds) return;
    await this.world.announce(chat, seconds);
  }

  /** Takes away what is over, and looks again when the next one is. */
  async sweep(): Promise<void> {
    this.due?.cancel();
    this.due = undefined;
    if (this.stopped) return;
    const now = this.account.platform.clock.now();
    const next = await this.account.db.read(['messages'], async (tx) => (await tx.objectStore('messages').index('expires').openCursor())?.value.expires);
    if (next === undefined) return;
    if (next > now + GATHER) {
      this.later(Math.min(MAX_WAIT, next - now));
      return;
    }
    const effects = new Effects();
    await this.account.db.write(STORES, async (tx) => {
      for (const message of await tx.objectStore('messages').index('expires').getAll(IDBKeyRange.upperBound(now + GATHER), BATCH)) {
        if (message.state === 'sending') {
          // It was not sent yet: its time has not begun.
          const [kept, chat] = await update(tx, message, { expires: now + (message.timer ?? 0) * 1000 });
          effects.message(kept);
          effects.chat(chat);
          continue;
        }
        await dequeue(tx, message.id);
        await tx.objectStore('files').delete(message.id);
        effects.chat(await remove(tx, message));
        effects.removed(message);
      }
    });
    effects.tell(this.chats, this.account.hub.emit);
    this.later(GATHER);
  }

  /** Something was stored or read that may go. */
  wake(): void {
    this.later(GATHER);
  }

  /** The account is closed here. */
  stop(): void {
    this.stopped = true;
    this.due?.cancel();
  }

  private later(ms: number): void {
    if (this.stopped) return;
    const { clock } = this.account.platform;
    const at = clock.now() + ms;
    if (this.due && this.due.at <= at) return;
    this.due?.cancel();
    this.due = { at, cancel: clock.after(ms, () => {
      this.due = undefined;
      void this.sweep().catch((error: unknown) => {
        log.warn('old messages not removed', { code: reasonOf(error).code });
        this.later(RETRY);
      });
    }) };
  }
}

/** An old message out of the archive was read long ago; `undefined`: its time is over. */
export function aged(message: NewMessage, now: number): NewMessage | undefined {
  if (message.timer === undefined) return message;
  const expires = message.at + message.timer * 1000;
  return expires <= now ? undefined : { ...message, expires };
}

/** What was read begins to go. Part of the transaction that moves the read position. */
export async function startTimers(tx: Tx, effects: Effects, chat: ChatRecord, upTo: number, now: number): Promise<boolean> {
  if (chat.timer === undefined) return false;
  let started = false;
  for (const message of await tx.objectStore('messages').index('incoming').getAll(chatRange(chat.id, chat.readUpTo, upTo, { from: true }))) {
    if (message.timer === undefined || message.expires !== undefined) continue;
    const [kept] = await update(tx, message, { expires: now + message.timer * 1000 });
    effects.message(kept);
    started = true;
  }
  return started;
}
