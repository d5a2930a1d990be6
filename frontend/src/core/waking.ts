/** One browser, several accounts: being woken (Push API) is said by a page once, and to the server by each of them. */
import type { BrowserSubscription } from './api';
import { log } from './log';
import { reasonOf } from './reasons';
import type { Session } from './session';

export class Waking {
  private subscription: BrowserSubscription | undefined;
  /** Where the server was told to wake this browser, by each session. */
  private readonly told = new WeakMap<Session, string>();

  constructor(private readonly sessions: () => readonly Session[]) {}

  /** `session`: rejects when it cannot be said by this one; the others say it when they can. */
  async enable(subscription: BrowserSubscription, session: Session): Promise<void> {
    this.subscription = subscription;
    await session.webPush.enable(subscription);
    this.told.set(session, subscription.endpoint);
    for (const other of this.sessions()) void this.follow(other);
  }

  async disable(session: Session): Promise<void> {
    this.subscription = undefined;
    for (const other of this.sessions()) {
      this.told.delete(other);
      if (other !== session && other.online) void other.webPush.disable().catch((error: unknown) => log.warn('still to be woken', { code: reasonOf(error).code }));
    }
    await session.webPush.disable();
  }

  /** This session has a connection: it says what it has not said yet. */
  async follow(session: Session): Promise<void> {
    const { subscription } = this;
    if (!subscription || !session.online || this.told.get(session) === subscription.endpoint) return;
    this.told.set(session, subscription.endpoint);
    try {
      await session.webPush.enable(subscription);
    } catch (error) {
      this.told.delete(session);
      log.warn('not to be woken', { code: reasonOf(error).code });
    }
  }
}
