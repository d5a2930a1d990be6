import { type Accessor, createContext, useContext } from 'solid-js';
import type { Catalogue } from '../i18n/en';
import type { Formats } from '../i18n/format';
import type { App } from '../stores/app';
import type { PreferencesStore } from '../stores/preferences';

/** How the app speaks: texts, formats, the time by the minute. There even where nothing else works. */
export interface Speech {
  readonly preferences: PreferencesStore;
  readonly t: Accessor<Catalogue>;
  readonly formats: Accessor<Formats>;
  readonly now: Accessor<number>;
}

export const SpeechContext = createContext<Speech>();
export const AppContext = createContext<App>();

export function useSpeech(): Speech {
  const speech = useContext(SpeechContext);
  if (!speech) throw new Error('views: used outside of a language');
  return speech;
}

/** What every view of the app may use: speech and the stores. */
export function useView(): Speech & { readonly app: App } {
  const app = useContext(AppContext);
  if (!app) throw new Error('views: used outside of the app');
  return { ...useSpeech(), app };
}
