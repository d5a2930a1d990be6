import type { Commands, GroupInfo, Reason } from '../core/api';
import { Cell } from './cell';
import { score } from './fuzzy';
import { reasonOf } from './reason';

export interface DirectoryState {
  readonly groups: readonly GroupInfo[];
  readonly busy: boolean;
  /** All of them are here. */
  readonly complete: boolean;
  readonly reason?: Reason;
}

/** Pages that are fetched for a search, at most. */
const maxPages = 25;

/** The public groups of the server, fetched page by page. */
export class DirectoryStore extends Cell<DirectoryState> {
  readonly #core: Pick<Commands, 'publicGroups'>;
  #next: string | undefined;

  constructor(core: Pick<Commands, 'publicGroups'>) {
    super({ groups: [], busy: false, complete: false });
    this.#core = core;
  }

  async more(): Promise<void> {
    const { groups, busy, complete } = this.get();
    if (busy || complete) return;
    this.set({ groups, busy: true, complete: false });
    try {
      const page = await this.#core.publicGroups(this.#next);
      this.#next = page.next;
      const known = new Set(groups.map((group) => group.address));
      this.set({ groups: [...groups, ...page.groups.filter((group) => !known.has(group.address))], busy: false, complete: page.next === undefined });
    } catch (error) {
      this.set({ groups, busy: false, complete: false, reason: reasonOf(error) });
    }
  }

  /** Whoever searches, searches in all of them. */
  async all(): Promise<void> {
    for (let pages = 0; pages < maxPages && !this.get().complete && !this.get().busy; pages++) {
      await this.more();
      if (this.get().reason) return;
    }
  }
}

/** Those that fit to what was typed, the best first. */
export function matching(groups: readonly GroupInfo[], query: string): readonly GroupInfo[] {
  if (query.trim() === '') return groups;
  return groups
    .map((group) => ({ group, points: Math.max(score(query, group.name), score(query, group.address), group.description?.toLocaleLowerCase().includes(query.trim().toLocaleLowerCase()) === true ? 0.1 : 0) }))
    .filter(({ points }) => points > 0)
    .sort((a, b) => b.points - a.points)
    .map(({ group }) => group);
}
