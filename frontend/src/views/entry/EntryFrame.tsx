import { Languages } from 'lucide';
import { For, type JSX, Show } from 'solid-js';
import { chooseLanguage, languages } from '../../i18n/languages';
import { read } from '../adapter';
import { useSpeech } from '../context';
import { Icon } from '../parts/Icon';
import { Mark } from '../parts/Mark';
import './entry.css';

/** The page around everything one sees before one is in: a mark, a card, the choice of language. */
export function EntryFrame(props: { readonly title: string; readonly lead?: JSX.Element; readonly above?: JSX.Element; readonly children?: JSX.Element }): JSX.Element {
  const { preferences: store, t } = useSpeech();
  const preferences = read(store);
  return (
    <div class="entry">
      <main class="entry-card" id="main">
        <Show when={props.above} fallback={<Mark />}>{props.above}</Show>
        <h1>{props.title}</h1>
        <Show when={props.lead}><p class="entry-lead">{props.lead}</p></Show>
        {props.children}
      </main>
      <footer class="entry-foot">
        <label class="entry-language">
          <Icon of={Languages} />
          <span class="hidden">{t().entry.language}</span>
          <select value={chooseLanguage(preferences().language, navigator.languages).tag} onChange={(event) => store.change({ language: event.currentTarget.value })}>
            <For each={languages}>{(language) => <option value={language.tag} lang={language.tag}>{language.name}</option>}</For>
          </select>
        </label>
      </footer>
    </div>
  );
}
