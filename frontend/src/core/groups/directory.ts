/** The public groups of the own server, and what a group says of itself to those who look at it from outside (XEP-0045 section 6). */
import { StanzaError } from '../../xmpp/errors';
import { bareOf, domainOf, formatJid, localOf, parseJid } from '../../xmpp/jid';
import { NS } from '../../xmpp/ns';
import { discoInfo, discoItems } from '../../xmpp/xep0030_disco';
import { readRoomInfo } from '../../xmpp/xep0045_muc';
import { rsm } from '../../xmpp/xep0059_rsm';
import { xml } from '../../xmpp/xml';
import type { Account } from '../account';
import type { Address, GroupInfo, GroupsPage } from '../api';
import { eachLimited } from '../async';
import { fail } from '../reasons';
import type { GroupLinks } from './links';
import { findService } from './wishes';

const PAGE = 20;
const PARALLEL = 6;
const MAX_NAME = 200;
const MAX_TEXT = 500;

export class Directory {
  private service: Address | undefined;

  constructor(private readonly account: Account, private readonly links: Pick<GroupLinks, 'look'>) {}

  /** Where the groups of the own server live; `undefined`: it has none. */
  async home(): Promise<Address | undefined> {
    return this.service ??= await findService(this.account.stream(), domainOf(this.account.address));
  }

  /** The next page behind `after`. Groups that ended or were hidden meanwhile are left out. */
  async page(after?: string): Promise<GroupsPage> {
    const service = await this.home();
    if (service === undefined) return { groups: [] };
    const stream = this.account.stream();
    const answer = await stream.iq('get', xml(NS.discoItems, 'query', {}, rsm.write({ max: PAGE, ...(after !== undefined && { after }) })), service);
    const items = discoItems.in(answer)?.items ?? [];
    const set = rsm.in(answer.child('query', NS.discoItems));
    const found = new Map<Address, GroupInfo>();
    await eachLimited(items.slice(0, 100), PARALLEL, async ({ jid, name }) => {
      const address = bareOf(jid);
      if (address === undefined || !address.includes('@')) return;
      try {
        found.set(address, await this.info(address, name));
      } catch (error) {
        if (!(error instanceof StanzaError)) throw error;
      }
    });
    const groups = items.flatMap(({ jid }) => found.get(bareOf(jid) ?? '') ?? []).filter((group) => group.privacy === 'public');
    const next = items.length >= PAGE && set?.last !== after ? set?.last : undefined;
    return { groups, ...(next !== undefined && { next }) };
  }

  /** Rejects with `not-found` when there is no group, with `not-member` when it shows itself to its members only, and not to who has `key`. */
  async look(text: string, key?: string): Promise<GroupInfo> {
    const jid = parseJid(text.trim().replace(/^xmpp:/i, '').replace(/[?/].*$/, ''));
    if (jid.local === '') throw fail('name-invalid', 'a group has a name before the @');
    const address = formatJid({ ...jid, resource: '' });
    try {
      if (key === undefined) return await this.info(address);
      // Other servers know passwords of rooms, and no links: what it is good for shows when one enters.
      return await this.links.look(address, key) ?? { ...await this.info(address), admits: true };
    } catch (error) {
      if (error instanceof StanzaError && (error.condition === 'forbidden' || error.condition === 'registration-required')) throw fail('not-member', error.message);
      throw error;
    }
  }

  private async info(address: Address, listed?: string): Promise<GroupInfo> {
    const answer = discoInfo.in(await this.account.stream().iq('get', discoInfo.write({ identities: [], features: [], forms: [] }), address));
    const info = answer && readRoomInfo(answer);
    if (!info) throw fail('not-found', 'this is not a group');
    const name = (info.name ?? listed ?? '').trim().slice(0, MAX_NAME);
    return {
      address, name: name === '' ? localOf(address) : name, privacy: info.features.has('muc_membersonly') ? 'private' : 'public',
      ...(info.description !== undefined && { description: info.description.slice(0, MAX_TEXT) }),
      ...(info.people !== undefined && { people: info.people }),
    };
  }
}
