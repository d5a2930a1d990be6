import { Cell } from './cell';
import { fold } from './fuzzy';

export interface Emoji {
  readonly unicode: string;
  readonly group: number;
  readonly label: string;
  /** Folded words by which it is found. */
  readonly words: string;
}

/** The groups of emojibase, without the one for parts of others. */
export const emojiGroups = [0, 1, 3, 4, 5, 6, 7, 8, 9] as const;
export type EmojiGroup = (typeof emojiGroups)[number];

/** What a reaction takes one tap for. */
export const quickReactions = ['👍', '❤️', '😂', '😮', '😢', '🙏'] as const;

/** The languages in which emoji have names. */
const lists = {
  de: () => import('virtual:emoji-de'),
  en: () => import('virtual:emoji-en'),
  es: () => import('virtual:emoji-es'),
  fr: () => import('virtual:emoji-fr'),
  uk: () => import('virtual:emoji-uk'),
};

const loaded = new Map<string, Promise<readonly Emoji[]>>();

/** All emoji, with their names in this language where there are some. Fetched once. */
export function emojiIn(language: string): Promise<readonly Emoji[]> {
  const known = language in lists ? language as keyof typeof lists : 'en';
  let data = loaded.get(known);
  if (!data) {
    data = lists[known]().then(({ default: rows }) =>
      rows.map(([unicode, group, label, tags]) => ({ unicode, group, label, words: fold(`${label} ${tags}`) })));
    loaded.set(known, data);
    data.catch(() => loaded.delete(known));
  }
  return data;
}

/** Those of which every word of the query begins a word, best first. */
export function findEmoji(all: readonly Emoji[], query: string): readonly Emoji[] {
  const wanted = fold(query.trim()).split(/\s+/u).filter((word) => word !== '');
  if (wanted.length === 0) return all;
  const found = all.filter(({ words }) => wanted.every((word) => words.startsWith(word) || words.includes(` ${word}`)));
  const first = wanted[0] ?? '';
  return found.sort((a, b) => Number(b.words.startsWith(first)) - Number(a.words.startsWith(first)));
}

const storageKey = 'kith-emoji';
const keep = 24;

/** What was used lately, newest first; kept in this browser. */
export class RecentEmoji extends Cell<readonly string[]> {
  readonly #storage: Pick<Storage, 'getItem' | 'setItem'>;

  constructor(storage: Pick<Storage, 'getItem' | 'setItem'>) {
    super(read(storage));
    this.#storage = storage;
  }

  used(emoji: string): void {
    this.update((before) => [emoji, ...before.filter((one) => one !== emoji)].slice(0, keep));
    try {
      this.#storage.setItem(storageKey, JSON.stringify(this.get()));
    } catch {
      // Then they are known until the page is closed.
    }
  }
}

function read(storage: Pick<Storage, 'getItem'>): readonly string[] {
  try {
    const value: unknown = JSON.parse(storage.getItem(storageKey) ?? '[]');
    return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string' && one.length <= 40).slice(0, keep) : [];
  } catch {
    return [];
  }
}

/** One's reactions after one of them was tapped: it is given, or taken back. */
export function toggled(own: readonly string[], emoji: string): readonly string[] {
  return own.includes(emoji) ? own.filter((one) => one !== emoji) : [...own, emoji];
}
