import type { Address, Core, Events } from '../core/api';
import { Cell } from './cell';

type Names = ReadonlyMap<Address, string>;

const none: Names = new Map();

/** What the people of the groups that were looked at are called there: for those who are nobody's contacts. */
export class MemberNames extends Cell<ReadonlyMap<Address, Names>> {
  readonly #core: Pick<Core, 'members'>;
  /** What was asked for last, by group. */
  readonly #asked = new Map<Address, object>();

  constructor(core: Pick<Core, 'members'>) {
    super(new Map());
    this.#core = core;
  }

  of(group: Address): Names {
    return this.get().get(group) ?? none;
  }

  /** Asks for the names of a group that is being looked at. */
  async load(group: Address): Promise<void> {
    const asking = {};
    this.#asked.set(group, asking);
    try {
      const members = await this.#core.members(group);
      if (this.#asked.get(group) !== asking) return;
      this.update((all) => new Map(all).set(group, new Map(members.map((member) => [member.address, member.name]))));
    } catch {
      // Then they are called by their addresses.
    }
  }

  apply({ chat }: Events['members']): void {
    if (this.get().has(chat)) void this.load(chat);
  }

  clear(): void {
    this.#asked.clear();
    this.set(new Map());
  }
}
