/**
 * Children, their guardians, and circles (`kith:guardian:0`, `kith:circle:0`). A guardian decides on what a child's account
 * asks for and is asked; administrators look after circles by commands of the server (XEP-0050).
 */
import { bareOf, domainOf } from '../xmpp/jid';
import { circles as circlesCodec } from '../xmpp/kith_circle';
import { asked, changed, children as childrenCodec, decide as decideCodec, decided, guardians as guardiansCodec, type GuardianRequest } from '../xmpp/kith_guardian';
import { NS } from '../xmpp/ns';
import { StanzaError } from '../xmpp/errors';
import { submit, type FormValues } from '../xmpp/xep0004_form';
import { command } from '../xmpp/xep0050_commands';
import type { XmlElement } from '../xmpp/xml';
import type { Account } from './account';
import type { Address, Circle, Family as Whole, FamilyRequest } from './api';
import { fail } from './reasons';

const NODE = `${NS.kithCircle}#`;

export interface FamilyWorld {
  role(): 'admin' | 'member' | 'limited' | undefined;
  nameOf(person: Address): string;
}

export class Family {
  constructor(private readonly account: Account, private readonly world: FamilyWorld) {}

  /** What the server says of requests and decisions is news, not a chat; false: it is something else. */
  message(stanza: XmlElement): boolean {
    if (!isNotice(stanza, this.account.address)) return false;
    const answer = decided.in(stanza);
    if (answer) this.account.hub.emit('family', { decided: { address: answer.jid, approved: answer.answer === 'approved' } });
    else if (asked.in(stanza) ?? changed.in(stanza)) this.account.hub.emit('family', {});
    return true;
  }

  async load(): Promise<Whole> {
    const role = this.world.role();
    const [children, own, circles] = await Promise.all([this.children(role === 'admin'), this.guardians(), this.circles(role === 'admin')]);
    return { children, ...own, circles };
  }

  private async children(all: boolean): Promise<Whole['children']> {
    const answer = childrenCodec.in(await this.ask(childrenCodec.write({ ...(all && { all: true }), children: [] })));
    return (answer?.children ?? []).map((child) => {
      const guardians = addresses(child.guardians.map((one) => one.jid));
      return {
        address: child.jid, name: this.world.nameOf(child.jid), guardians,
        mayDecide: guardians.includes(this.account.address),
        requests: child.requests.map(requestOf),
        approved: child.approved.map(({ jid, kind, by }) => ({ address: jid, kind: kindOf(kind), ...(by !== undefined && { by }) })),
      };
    });
  }

  private async guardians(): Promise<Pick<Whole, 'guardians' | 'waiting'>> {
    if (this.world.role() !== 'limited') return { guardians: [], waiting: [] };
    const answer = guardiansCodec.in(await this.ask(guardiansCodec.write({ guardians: [], requests: [] })));
    return { guardians: addresses(answer?.guardians.map((one) => one.jid) ?? []), waiting: answer?.requests.map(requestOf) ?? [] };
  }

  /** A server without any of this has nobody to tell of. */
  private async ask(payload: XmlElement): Promise<XmlElement | undefined> {
    try {
      return await this.account.stream().iq('get', payload);
    } catch (error) {
      if (error instanceof StanzaError && (error.condition === 'service-unavailable' || error.condition === 'feature-not-implemented')) return undefined;
      throw error;
    }
  }

  async decide(child: Address, address: Address, answer: 'approve' | 'deny' | 'revoke', kind: 'contact' | 'group'): Promise<void> {
    await this.account.stream().iq('set', decideCodec.write({ child, jid: address, answer, kind: kind === 'group' ? 'room' : 'contact' }));
    this.account.hub.emit('family', {});
  }

  async setGuardians(child: Address, people: readonly Address[]): Promise<void> {
    await this.account.stream().iq('set', guardiansCodec.write({ child, guardians: people.map((jid) => ({ jid })), requests: [] }));
    this.account.hub.emit('family', {});
  }

  // ── circles ──

  /** The own ones; for administrators all. */
  private async circles(all: boolean): Promise<readonly Circle[]> {
    if (all) {
      const found = await this.everyCircle();
      if (found) return found;
    }
    const answer = circlesCodec.in(await this.ask(circlesCodec.write({ circles: [] })));
    return (answer?.circles ?? []).map(({ id, name, room, members }) => ({ id, name, group: room, members: addresses(members.map((member) => member.jid)) }));
  }

  private async everyCircle(): Promise<readonly Circle[] | undefined> {
    const domain = domainOf(this.account.address);
    try {
      const [table, choice] = await Promise.all(['list', 'join'].map((node) => this.account.stream().iq('set', command.write({ node: NODE + node, action: 'execute' }), domain)));
      // The table is for people; which circle is which for the server stands in the form that asks for one.
      const ids = new Map(optionsOf(choice, 'circle').map(({ value, label }) => [label, value]));
      return itemsOf(table).flatMap((item) => {
        const name = item.get('name')?.[0], room = item.get('room')?.[0];
        const id = name === undefined ? undefined : ids.get(name);
        return name === undefined || room === undefined || id === undefined ? [] : [{ id, name, group: room, members: addresses(item.get('members') ?? []) }];
      });
    } catch (error) {
      if (error instanceof StanzaError && (error.condition === 'item-not-found' || error.condition === 'forbidden')) return undefined;
      throw error;
    }
  }

  addCircle(name: string): Promise<void> {
    const plain = name.trim().replace(/\s+/g, ' ');
    if (plain === '') return Promise.reject(fail('name-invalid', 'a circle needs a name'));
    return this.run('add', { name: plain });
  }

  renameCircle(id: string, name: string): Promise<void> {
    const plain = name.trim().replace(/\s+/g, ' ');
    if (plain === '') return Promise.reject(fail('name-invalid', 'a circle needs a name'));
    return this.run('rename', { circle: id, name: plain });
  }

  removeCircle(id: string): Promise<void> {
    return this.run('remove', { circle: id });
  }

  join(id: string, people: readonly Address[]): Promise<void> {
    return this.run('join', { circle: id, members: people });
  }

  leave(id: string, person: Address): Promise<void> {
    return this.run('leave', { circle: id, members: [person] });
  }

  private async run(node: string, values: FormValues): Promise<void> {
    await this.account.stream().iq('set', command.write({ node: NODE + node, action: 'complete', form: submit(NODE + node, values) }), domainOf(this.account.address));
    this.account.hub.emit('family', {});
  }
}

/** Whether it is the own server that tells of children and guardians. */
export function isNotice(message: XmlElement, self: Address): boolean {
  return message.attrs['from'] === domainOf(self) && message.elements.some((element) => element.ns === NS.kithGuardian);
}

const kindOf = (kind: 'contact' | 'room'): FamilyRequest['kind'] => (kind === 'room' ? 'group' : 'contact');

function requestOf({ jid, kind, direction, at, nick, by, text }: GuardianRequest): FamilyRequest {
  const from = by === undefined ? undefined : bareOf(by);
  return {
    address: jid, kind: kindOf(kind), direction, at,
    ...(nick !== undefined && nick !== '' && { name: nick }), ...(from !== undefined && { by: from }), ...(text !== undefined && text !== '' && { text }),
  };
}

function addresses(jids: readonly string[]): Address[] {
  return jids.map((jid) => bareOf(jid)).filter((jid) => jid !== undefined);
}

const formOf = (answer: XmlElement | undefined): XmlElement | undefined => answer?.child('command', NS.commands)?.child('x', NS.form);

/** The rows of a table (XEP-0004 section 3.4), by the names of their columns. */
function itemsOf(answer: XmlElement | undefined): Map<string, string[]>[] {
  return (formOf(answer)?.elements ?? []).filter((element) => element.is(NS.form, 'item')).map((item) => new Map(item.elements.map((field) => [
    field.attrs['var'] ?? '', field.elements.filter((value) => value.is(NS.form, 'value')).map((value) => value.text),
  ])));
}

function optionsOf(answer: XmlElement | undefined, name: string): { readonly value: string; readonly label: string }[] {
  const field = formOf(answer)?.elements.find((element) => element.is(NS.form, 'field') && element.attrs['var'] === name);
  return (field?.elements ?? []).filter((element) => element.is(NS.form, 'option'))
    .map((option) => ({ value: option.child('value', NS.form)?.text ?? '', label: option.attrs['label'] ?? '' }));
}
