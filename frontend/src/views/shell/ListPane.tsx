import { ChevronRight, Search, Settings, SquarePen, UserPlus } from 'lucide';
import { createMemo, createSignal, type JSX, Show } from 'solid-js';
import { Virtualizer, type VirtualizerHandle } from 'virtua/solid';
import { read } from '../adapter';
import { useView } from '../context';
import { Button, IconButton } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { rove } from '../parts/rove';
import { Empty } from '../parts/states';
import { ChatRow } from './ChatRow';

/** Stands in the list between the chats and the people one has not written to. No address looks like this. */
const peopleHeading = '#people';

const isMac = /mac|iphone|ipad/i.test(navigator.platform);

/** Chats, newest first; then people without a chat. */
export function ListPane(): JSX.Element {
  const { app, t, formats } = useView();
  const inbox = read(app.inbox);
  const route = read(app.router);
  const current = (): string | undefined => {
    const now = route();
    return now.name === 'chat' ? now.address : undefined;
  };
  const lines = createMemo((): readonly string[] => {
    const { chats, people } = inbox();
    return people.length > 0 ? [...chats, peopleHeading, ...people] : chats;
  });
  const [focused, setFocused] = createSignal<string>();
  const stop = createMemo((): string | undefined => {
    const list = lines();
    return [focused(), current()].find((it) => it !== undefined && list.includes(it)) ?? list.find((it) => it !== peopleHeading);
  });
  let handle: VirtualizerHandle | undefined;
  let scroller!: HTMLDivElement;

  const keys = (event: KeyboardEvent): void => {
    const list = lines();
    if (event.key === 'Home') handle?.scrollToIndex(0);
    if (event.key === 'End') handle?.scrollToIndex(list.length - 1, { align: 'end' });
    rove(event, [...scroller.querySelectorAll<HTMLElement>('.chat-row')]);
  };
  const List = (list: JSX.HTMLAttributes<HTMLUListElement>): JSX.Element => <ul {...list} role="list" aria-label={t().list.label} />;
  return (
    <nav class="list-pane" aria-label={t().list.label}>
      <header class="pane-head">
        <h1 tabindex="-1">{t().list.title}</h1>
        <IconButton icon={Settings} label={t().list.settings} onClick={() => app.router.go({ name: 'settings', section: undefined })} />
        <IconButton icon={SquarePen} class="not-one-pane" label={t().list.newChat} onClick={() => app.overlays.open({ name: 'new-chat' })} />
      </header>
      <button type="button" class="search-button" onClick={() => app.overlays.open({ name: 'switcher' })}>
        <Icon of={Search} /><span>{t().list.search}</span>
        <kbd class="not-one-pane">{isMac ? '⌘K' : `${t().shortcuts.keys.ctrl} K`}</kbd>
      </button>
      <div
        ref={scroller} class="list-scroll" onKeyDown={keys}
        onFocusIn={(event) => { const it = event.target instanceof HTMLElement ? event.target.dataset['address'] : undefined; if (it !== undefined) setFocused(it); }}
      >
        <Show when={inbox().requests > 0}>
          <a
            class="requests-line" href="/requests" aria-current={route().name === 'requests' ? 'page' : undefined}
            onClick={(event) => { event.preventDefault(); app.router.go({ name: 'requests' }); }}
          >
            <span class="requests-icon"><Icon of={UserPlus} /></span>
            <span class="requests-text">{inbox().invitations > 0 ? t().list.allRequests(inbox().requests) : t().list.requests(inbox().requests)}</span>
            <span class="badge" aria-hidden="true">{formats().number(inbox().requests)}</span>
            <Icon of={ChevronRight} mirror />
          </a>
        </Show>
        <Virtualizer
          ref={(it) => { handle = it; }} data={lines()} as={List} item="li" itemSize={72} bufferSize={400} startMargin={inbox().requests > 0 ? 64 : 0}
          keepMounted={stop() === undefined ? [] : [lines().indexOf(stop() ?? '')]}
        >
          {(line) => (
            <Show when={line !== peopleHeading} fallback={<h2 class="list-heading">{t().list.people}</h2>}>
              <ChatRow address={line} current={current() === line} stop={stop() === line} />
            </Show>
          )}
        </Virtualizer>
        <Show when={lines().length === 0 && inbox().requests === 0}>
          <div class="only-one-pane">
            <Empty icon={UserPlus} title={t().list.emptyTitle} text={t().list.emptyText}>
              <Button look="primary" icon={UserPlus} onClick={() => app.overlays.open({ name: 'invite' })}>{t().list.emptyAction}</Button>
            </Empty>
          </div>
        </Show>
      </div>
      <Show when={lines().length > 0}>
        <Button look="primary" icon={SquarePen} class="new-chat-float only-one-pane" onClick={() => app.overlays.open({ name: 'new-chat' })}>{t().list.newChat}</Button>
      </Show>
    </nav>
  );
}
