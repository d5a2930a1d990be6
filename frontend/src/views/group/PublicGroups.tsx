import { ArrowLeft, Plus, Search, Users, UsersRound } from 'lucide';
import { createEffect, createMemo, createSignal, For, type JSX, on, Show } from 'solid-js';
import type { Address } from '../../core/api';
import { completeAddress } from '../../stores/contacts';
import { DirectoryStore, matching } from '../../stores/directory';
import { read } from '../adapter';
import { useView } from '../context';
import { Avatar } from '../parts/Avatar';
import { Button, IconButton } from '../parts/Button';
import { Field } from '../parts/Field';
import { Icon } from '../parts/Icon';
import { rove } from '../parts/rove';
import { Empty, Failed, Patiently } from '../parts/states';
import './group.css';

/** The public groups of the server: looking around, and going in. */
export default function PublicGroups(): JSX.Element {
  const { app, t } = useView();
  const session = read(app.session);
  const chats = read(app.chats);
  const directory = new DirectoryStore(app.core);
  const state = read(directory);
  const [query, setQuery] = createSignal('');
  const found = createMemo(() => matching(state().groups, query()));
  /** An address was typed rather than a name. */
  const address = createMemo((): Address | undefined => (query().includes('@') ? completeAddress(query(), '') : undefined));
  const inside = (group: Address): boolean => {
    const now = chats().get(group)?.group?.state;
    return now === 'here' || now === 'joining' || now === 'out';
  };
  const open = (group: Address): void =>
    app.router.go(inside(group) ? { name: 'chat', address: group, details: false } : { name: 'group', address: group });
  createEffect(on(() => session().phase, (phase) => { if (phase === 'online' && state().groups.length === 0) void directory.more(); }));
  createEffect(on(() => query().trim() !== '', (searching) => { if (searching) void directory.all(); }, { defer: true }));
  let list!: HTMLUListElement;
  return (
    <main class="page" id="main" tabindex="-1">
      <header class="pane-head">
        <IconButton class="only-one-pane" icon={ArrowLeft} mirror label={t().common.back} onClick={() => app.router.up()} />
        <h1 tabindex="-1">{t().rooms.title}</h1>
        <Button class="not-one-pane" look="quiet" icon={Plus} onClick={() => app.overlays.open({ name: 'new-group', public: true })}>{t().rooms.make}</Button>
        <IconButton class="only-one-pane" icon={Plus} label={t().rooms.make} onClick={() => app.overlays.open({ name: 'new-group', public: true })} />
      </header>
      <div class="page-body">
        <p class="quiet">{t().rooms.text}</p>
        <Field
          label={t().rooms.search} value={query()} onInput={setQuery} autocomplete="off" autocapitalize="none" spellcheck={false} enterkeyhint="search"
          after={<span class="field-icon"><Icon of={Search} /></span>}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || event.isComposing) return;
            const to = address() ?? found()[0]?.address;
            if (to !== undefined) open(to);
          }}
        />
        <Show when={address()}>
          {(it) => (
            <div class="card">
              <button type="button" class="nav-line" onClick={() => open(it())}>
                <span class="round-icon"><Icon of={UsersRound} /></span>
                <span class="nav-line-text"><span>{t().rooms.goTo(it())}</span><small>{t().group.joinHint}</small></span>
              </button>
            </div>
          )}
        </Show>
        <Show
          when={found().length > 0}
          fallback={(
            <Show when={address() === undefined}>
              <Show when={state().reason} fallback={<Nothing busy={state().busy || !state().complete} searching={query().trim() !== ''} />}>
                {(reason) => <Failed reason={reason()} onRetry={() => void directory.more()} />}
              </Show>
            </Show>
          )}
        >
          <ul ref={list} class="card room-list" role="list" aria-label={t().rooms.title} onKeyDown={(event) => rove(event, [...list.querySelectorAll<HTMLElement>('button')])}>
            <For each={found()}>
              {(group) => (
                <li>
                  <button type="button" class="nav-line" onClick={() => open(group.address)}>
                    <Avatar address={group.address} name={group.name} group />
                    <span class="nav-line-text">
                      <b><bdi>{group.name}</bdi></b>
                      <Show when={group.description}><small class="room-about" dir="auto">{group.description}</small></Show>
                      <small class="room-count"><Icon of={Users} />{group.people === undefined ? '' : t().rooms.people(group.people)}<Show when={inside(group.address)}> · {t().rooms.inside}</Show></small>
                    </span>
                  </button>
                </li>
              )}
            </For>
          </ul>
          <Show when={!state().complete && query().trim() === ''}>
            <div class="line line-centre"><Button busy={state().busy} onClick={() => void directory.more()}>{state().busy ? t().common.loading : t().rooms.more}</Button></div>
          </Show>
        </Show>
        <p class="hidden" role="status">{query().trim() === '' ? '' : t().switcher.results(found().length)}</p>
      </div>
    </main>
  );
}

function Nothing(props: { readonly busy: boolean; readonly searching: boolean }): JSX.Element {
  const { app, t } = useView();
  return (
    <Show when={!props.busy} fallback={<Patiently><p class="quiet" role="status">{t().common.loading}</p></Patiently>}>
      <Show when={!props.searching} fallback={<p class="quiet">{t().rooms.notFound}</p>}>
        <Empty icon={Users} title={t().rooms.none} text={t().rooms.noneText}>
          <Button look="primary" icon={Plus} onClick={() => app.overlays.open({ name: 'new-group', public: true })}>{t().rooms.make}</Button>
        </Empty>
      </Show>
    </Show>
  );
}
