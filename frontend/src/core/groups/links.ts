/** Links into private groups: handing them out, and finding out where one leads. */
import type { GroupRecord } from '../../db/schema';
import { StanzaError } from '../../xmpp/errors';
import { bareOf, localOf } from '../../xmpp/jid';
import { groupLink, groupLinks, lookedAt, lookWith, makeLink, renewLink, revokeLink, type GroupLinkElement } from '../../xmpp/kith_grouplink';
import type { Account } from '../account';
import type { Address, GroupInfo, GroupLink } from '../api';
import { fail } from '../reasons';
import type { Groups } from './groups';

const MAX_NAME = 200;
const MAX_TEXT = 500;

export class GroupLinks {
  constructor(private readonly account: Account, private readonly groups: Groups) {}

  /** Those that work now, the newest first. Of links that other devices have made one sees that they are there. */
  async list(group: Address): Promise<readonly GroupLink[]> {
    const record = this.groups.known(group);
    const answer = groupLinks.in(await this.account.stream().iq('get', groupLinks.write({ links: [] }), group));
    if (!answer) throw fail('server', 'no list of links');
    const { links } = answer;
    const kept = (record.links ?? []).filter(({ id }) => links.some((link) => link.id === id));
    if (kept.length !== (record.links ?? []).length) await this.keep(group, kept);
    return [...links].sort((a, b) => b.made - a.made).map((link) => this.view(group, link, kept));
  }

  /** `seconds`: how long it works; `max`: how many may come by it. */
  async make(group: Address, options: { readonly seconds?: number; readonly max?: number }): Promise<GroupLink> {
    const record = this.groups.known(group);
    const made = groupLink.in(await this.account.stream().iq('set', makeLink.write(options), group));
    if (made?.token === undefined) throw fail('server', 'no link');
    const kept = [...(record.links ?? []), { id: made.id, token: made.token }];
    await this.keep(group, kept);
    return this.view(group, made, kept);
  }

  /** It works from now on for as long as it did at first, or for `seconds`. */
  async renew(group: Address, id: string, seconds?: number): Promise<GroupLink> {
    const renewed = groupLink.in(await this.account.stream().iq('set', renewLink.write({ id, ...(seconds !== undefined && { seconds }) }), group));
    if (!renewed) throw fail('server', 'no link');
    return this.view(group, renewed, this.groups.known(group).links ?? []);
  }

  async revoke(group: Address, id: string): Promise<void> {
    try {
      await this.account.stream().iq('set', revokeLink.write({ id }), group);
    } catch (error) {
      // It is over already.
      if (!(error instanceof StanzaError) || error.condition !== 'item-not-found') throw error;
    }
    await this.keep(group, (this.groups.known(group).links ?? []).filter((link) => link.id !== id));
  }

  /** What a link leads to; `undefined` when the group knows nothing of links. Rejects with `group-link-invalid`. */
  async look(group: Address, token: string): Promise<GroupInfo | undefined> {
    try {
      const answer = lookedAt.in(await this.account.stream().iq('get', lookWith.write({ token }), group));
      if (!answer) return undefined;
      const name = (answer.name ?? '').trim().slice(0, MAX_NAME);
      return {
        address: group, name: name === '' ? localOf(group) : name, privacy: 'private', admits: true, members: answer.people,
        ...(answer.description !== undefined && { description: answer.description.slice(0, MAX_TEXT) }),
      };
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error;
      switch (error.condition) {
        case 'service-unavailable': case 'feature-not-implemented': case 'bad-request': return undefined;
        case 'registration-required': throw fail('group-link-invalid', error.message);
        default: throw error;
      }
    }
  }

  private keep(group: Address, links: NonNullable<GroupRecord['links']>): Promise<void> {
    return this.groups.change(group, ({ links: _, ...record }) => (links.length === 0 ? record : { ...record, links }));
  }

  private view(group: Address, { id, by, expires, uses, max }: GroupLinkElement, kept: NonNullable<GroupRecord['links']>): GroupLink {
    const token = kept.find((link) => link.id === id)?.token;
    return {
      id, by: bareOf(by) ?? by, expires, uses,
      ...(max !== undefined && { max }),
      ...(token !== undefined && { url: `${this.account.platform.origin}/g/${pathOf(group)}#${token}`, uri: `xmpp:${pathOf(group)}?join;password=${token}` }),
    };
  }
}

const pathOf = (group: Address): string => encodeURIComponent(group).replaceAll('%40', '@');
