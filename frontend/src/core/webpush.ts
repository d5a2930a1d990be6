/** Being woken while no page is open: the server's own push service for browsers, enabled as any other (XEP-0357). */
import { readMeta, writeMeta } from '../db/meta';
import { StanzaError } from '../xmpp/errors';
import { domainOf } from '../xmpp/jid';
import { pushKey, subscribe, subscribed, unsubscribe, type PushSubscription } from '../xmpp/kith_webpush';
import { disablePush, enablePush } from '../xmpp/xep0357_push';
import type { Account } from './account';
import type { Address } from './api';
import { fail } from './reasons';

export class WebPush {
  constructor(private readonly account: Account) {}

  /** The key to subscribe with; `undefined`: this server wakes no browsers. */
  async key(): Promise<string | undefined> {
    try {
      const answer = pushKey.in(await this.account.stream().iq('get', pushKey.write({ key: '' }), this.service));
      return answer?.key === '' ? undefined : answer?.key;
    } catch (error) {
      if (error instanceof StanzaError) return undefined;
      throw error;
    }
  }

  /** From now on this browser is woken. Doing it again renews it. */
  async enable(subscription: PushSubscription): Promise<void> {
    const { account, service } = this;
    const node = subscribed.in(await account.stream().iq('set', subscribe.write(subscription), service))?.node;
    if (node === undefined) throw fail('server', 'no node');
    // The server forgets the one that this program had before.
    await account.stream().iq('set', enablePush.write({ jid: service, node }));
    await writeMeta(account.db, 'pushNode', node);
  }

  async disable(): Promise<void> {
    const { account, service } = this;
    const node = await readMeta(account.db, 'pushNode');
    if (node === undefined || node === '') return;
    await account.stream().iq('set', disablePush.write({ jid: service, node }));
    await account.stream().iq('set', unsubscribe.write({ node }), service);
    await writeMeta(account.db, 'pushNode', '');
  }

  private get service(): Address {
    return `push.${domainOf(this.account.address)}`;
  }
}
