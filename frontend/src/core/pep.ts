/** Personal eventing (XEP-0163): one's own nodes, those of contacts, and what they announce. */
import { StanzaError } from '../xmpp/errors';
import { bareOf } from '../xmpp/jid';
import { NS } from '../xmpp/ns';
import type { FormValues } from '../xmpp/xep0004_form';
import {
  configureRequest, deleteRequest, event, itemsRequest, publishRequest, pubsub, retractRequest, type PubsubItem,
} from '../xmpp/xep0060_pubsub';
import type { XmlElement } from '../xmpp/xml';
import type { Account } from './account';
import type { Address } from './api';

/** Items that were published, and the ids of those that are gone. `null`: the whole node is gone. */
export type PepListener = (from: Address, items: readonly PubsubItem[] | null, retracted: readonly string[]) => Promise<void>;

const PRECONDITION = `{${NS.pubsubErrors}}precondition-not-met`;

export class Pep {
  private readonly listeners = new Map<string, PepListener>();

  constructor(private readonly account: Account) {}

  on(node: string, listener: PepListener): void {
    this.listeners.set(node, listener);
  }

  /** The nodes whose news we want, for our capabilities. */
  get nodes(): readonly string[] {
    return [...this.listeners.keys()];
  }

  /** True when the message was an event; it is dispatched only if it speaks for the owner of the node. */
  async event(message: XmlElement): Promise<boolean> {
    const news = event.in(message);
    if (!news) return false;
    const from = message.attrs['from'];
    const owner = from === undefined ? this.account.address : bareOf(from);
    // PEP events come from bare addresses; anything else is somebody's own invention.
    if (owner === undefined || (from !== undefined && from.includes('/'))) return true;
    const node = news.items?.node ?? news.deleted?.node ?? news.purged?.node;
    const listener = node === undefined ? undefined : this.listeners.get(node);
    if (!listener) return true;
    if (news.items) await listener(owner, news.items.items, news.items.retracted.map((item) => item.id));
    else await listener(owner, null, []);
    return true;
  }

  /** Publishes an own item. A node that was made with other options is reconfigured. */
  async publish(node: string, id: string, payload: XmlElement, options: FormValues): Promise<void> {
    const stream = this.account.stream();
    try {
      await stream.iq('set', publishRequest(node, id, payload, options));
    } catch (error) {
      if (!(error instanceof StanzaError) || error.specific !== PRECONDITION) throw error;
      await stream.iq('set', configureRequest(node, options));
      await stream.iq('set', publishRequest(node, id, payload, options));
    }
  }

  /** Items of a node; none when there is no such node. Rejects when the owner does not let us see them. */
  async items(owner: Address, node: string, which: { id?: string; max?: number } = {}): Promise<readonly PubsubItem[]> {
    try {
      const result = await this.account.stream().iq('get', itemsRequest(node, which), owner);
      const answer = pubsub.in(result)?.items;
      return answer?.node === node ? answer.items : [];
    } catch (error) {
      if (error instanceof StanzaError && (error.condition === 'item-not-found' || error.condition === 'feature-not-implemented')) return [];
      throw error;
    }
  }

  async retract(node: string, id: string): Promise<void> {
    await this.account.stream().iq('set', retractRequest(node, id));
  }

  async deleteNode(node: string): Promise<void> {
    await this.account.stream().iq('set', deleteRequest(node));
  }
}
