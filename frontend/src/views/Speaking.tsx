import { createEffect, createMemo, createResource, createSignal, type JSX, onCleanup, Show } from 'solid-js';
import { type Catalogue, en } from '../i18n/en';
import { formatsFor } from '../i18n/format';
import { chooseLanguage, type Language, localeFor } from '../i18n/languages';
import type { PreferencesStore } from '../stores/preferences';
import { read } from './adapter';
import { SpeechContext } from './context';

const minute = 60_000;

/** Gives its children a language, and the page its colours. While another language is fetched, the page stays in the one it has. */
export function Speaking(props: { readonly preferences: PreferencesStore; readonly children: JSX.Element }): JSX.Element {
  const preferences = read(props.preferences);
  const wished = createMemo((): Language => chooseLanguage(preferences().language, navigator.languages));
  const [words] = createResource(wished, async (language): Promise<{ language: Language; catalogue: Catalogue }> =>
    language.load().then((catalogue) => ({ language, catalogue }), () => ({ language: wished(), catalogue: en })));
  const [now, setNow] = createSignal(Date.now());
  const timer = setInterval(() => setNow(Date.now()), minute);
  onCleanup(() => clearInterval(timer));

  const t = createMemo((): Catalogue => words.latest?.catalogue ?? en);
  const formats = createMemo(() => formatsFor(localeFor(words.latest?.language ?? wished(), navigator.languages), t().time));
  createEffect(() => {
    const language = words.latest?.language;
    if (!language) return;
    document.documentElement.lang = language.tag;
    document.documentElement.dir = language.direction;
  });
  createEffect(() => {
    const { theme, textSize, accent, contrast } = preferences();
    // The same names and values as in `start.js`, which sets them before the first paint.
    const chosen = { theme: theme !== 'system' && theme, text: textSize !== 'normal' && textSize, accent: accent !== 'teal' && accent, contrast: contrast !== 'system' && contrast };
    for (const [name, value] of Object.entries(chosen)) {
      if (value === false) delete document.documentElement.dataset[name];
      else document.documentElement.dataset[name] = value;
    }
  });
  return (
    <Show when={words.latest !== undefined}>
      <SpeechContext.Provider value={{ preferences: props.preferences, t, formats, now }}>{props.children}</SpeechContext.Provider>
    </Show>
  );
}
