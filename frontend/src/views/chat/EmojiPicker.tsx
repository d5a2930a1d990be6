import { Search } from 'lucide';
import { createMemo, createSignal, For, type JSX, onMount, Show } from 'solid-js';
import { type Emoji, type EmojiGroup, emojiGroups, emojiIn, findEmoji } from '../../stores/emoji';
import { Resource } from '../../stores/resource';
import { read } from '../adapter';
import { useView } from '../context';
import { moveInGrid } from '../parts/gridkeys';
import { Icon } from '../parts/Icon';
import { Failed, Patiently } from '../parts/states';
import './panel.css';
import './emoji.css';

/** All emoji by group, found by name. Only what can be seen is painted. */
export default function EmojiPicker(props: { readonly onChoose: (emoji: string) => void }): JSX.Element {
  const { app, t } = useView();
  const all = new Resource(() => emojiIn(document.documentElement.lang.slice(0, 2)));
  const state = read(all);
  const recent = read(app.recentEmoji);
  const [query, setQuery] = createSignal('');
  const list = createMemo((): readonly Emoji[] => {
    const now = state();
    return now.status === 'ready' ? now.value : [];
  });
  const found = createMemo(() => findEmoji(list(), query()));
  const failed = () => {
    const now = state();
    return now.status === 'failed' ? now.reason : undefined;
  };
  let field!: HTMLInputElement;
  let grid!: HTMLDivElement;
  onMount(() => field.focus({ preventScroll: true }));
  const choose = (emoji: string): void => {
    app.recentEmoji.used(emoji);
    props.onChoose(emoji);
  };
  /** By arrows over the grid as it lies on the screen. */
  const keys = (event: KeyboardEvent): void => {
    const buttons = [...grid.querySelectorAll<HTMLElement>('.emoji')];
    if (event.target === field) {
      if (event.key === 'ArrowDown') buttons[0]?.focus();
      else if (event.key === 'Enter' && query().trim() !== '' && found()[0]) choose(found()[0]?.unicode ?? '');
      else return;
      event.preventDefault();
      return;
    }
    moveInGrid(event, grid, buttons, () => field.focus());
  };
  const Group = (group: { readonly title: string; readonly of: readonly Pick<Emoji, 'unicode' | 'label'>[] }): JSX.Element => (
    <section class="emoji-group">
      <h2>{group.title}</h2>
      <div class="emoji-grid">
        <For each={group.of}>{(emoji) => <button type="button" class="panel-cell emoji" aria-label={emoji.label} title={emoji.label} onClick={() => choose(emoji.unicode)}>{emoji.unicode}</button>}</For>
      </div>
    </section>
  );
  const labelled = (unicode: string): Pick<Emoji, 'unicode' | 'label'> => list().find((emoji) => emoji.unicode === unicode) ?? { unicode, label: unicode };
  const inGroup = (group: EmojiGroup): readonly Emoji[] => list().filter((emoji) => emoji.group === group);
  return (
    <div class="panel" onKeyDown={keys}>
      <div class="emoji-search">
        <Icon of={Search} />
        <input
          ref={field} type="search" autocomplete="off" spellcheck={false} enterkeyhint="search" aria-label={t().chat.emojiSearch} placeholder={t().chat.emojiSearch}
          value={query()} onInput={(event) => setQuery(event.currentTarget.value)}
        />
      </div>
      <div ref={grid} class="panel-list" tabindex="-1">
        <Show
          when={list().length > 0}
          fallback={<Show when={failed()} fallback={<Patiently><p class="quiet" role="status">{t().common.loading}</p></Patiently>}>{(reason) => <Failed reason={reason()} onRetry={() => void all.load()} />}</Show>}
        >
          <Show
            when={query().trim() === ''}
            fallback={(
              <Show when={found().length > 0} fallback={<p class="quiet panel-none" role="status">{t().chat.emojiNone}</p>}>
                <div class="emoji-grid">
                  <For each={found().slice(0, 200)}>{(emoji) => <button type="button" class="panel-cell emoji" aria-label={emoji.label} title={emoji.label} onClick={() => choose(emoji.unicode)}>{emoji.unicode}</button>}</For>
                </div>
              </Show>
            )}
          >
            <Show when={recent().length > 0}><Group title={t().chat.emojiRecent} of={recent().map(labelled)} /></Show>
            <For each={emojiGroups}>{(group) => <Group title={t().chat.emojiGroups[group]} of={inGroup(group)} />}</For>
          </Show>
        </Show>
      </div>
    </div>
  );
}
