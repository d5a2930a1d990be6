import type { Catalogue } from './en';
import { en } from './en';

/** A language that the app speaks completely. Another one is a file like `de.ts` and a line here. */
export interface Language {
  readonly tag: string;
  /** In its own words. */
  readonly name: string;
  readonly direction: 'ltr' | 'rtl';
  load(): Promise<Catalogue>;
}

export const english: Language = { tag: 'en', name: 'English', direction: 'ltr', load: () => Promise.resolve(en) };

export const languages: readonly Language[] = [
  english,
  { tag: 'de', name: 'Deutsch', direction: 'ltr', load: async () => (await import('./de')).de },
  { tag: 'es', name: 'Español', direction: 'ltr', load: async () => (await import('./es')).es },
  { tag: 'fr', name: 'Français', direction: 'ltr', load: async () => (await import('./fr')).fr },
  { tag: 'uk', name: 'Українська', direction: 'ltr', load: async () => (await import('./uk')).uk },
  { tag: 'ar', name: 'العربية', direction: 'rtl', load: async () => (await import('./ar')).ar },
];

const base = (tag: string): string => tag.toLowerCase().split('-')[0] ?? tag;

/** The language for a wish (`system` or a tag) and what the browser prefers, best first. */
export function chooseLanguage(wish: string, preferred: readonly string[]): Language {
  for (const tag of wish === 'system' ? preferred : [wish, ...preferred]) {
    const found = languages.find((language) => language.tag === base(tag));
    if (found) return found;
  }
  return english;
}

/** The locale for dates and numbers: the person's own variant of the language ("en-GB") where there is one. */
export function localeFor(language: Language, preferred: readonly string[]): string {
  return preferred.find((tag) => base(tag) === language.tag) ?? language.tag;
}
