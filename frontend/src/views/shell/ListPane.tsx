import { Archive, ArrowLeft, ChevronRight, Search, Settings, SquarePen, UserPlus } from 'lucide';
import { createEffect, createMemo, createSignal, type JSX, on, Show } from 'solid-js';
import { Virtualizer, type VirtualizerHandle } from 'virtua/solid';
import type { Address } from '../../core/api';
import { chatWith } from '../../stores/chats';
import { read } from '../adapter';
import { useView } from '../context';
import { Button, IconButton } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { Menu } from '../parts/Menu';
import { rove } from '../parts/rove';
import { Empty } from '../parts/states';
import { chatItems } from './chatdeeds';
import { FamilyLine } from '../settings/FamilyLine';
import { AccountButton } from './AccountMenu';
import { ChatRow } from './ChatRow';

/** Stands in the list between the chats and the people one has not written to. No address looks like this. */
const peopleHeading = '#people';
/** Leads to the chats that were put away. */
const archiveLine = '#archive';

const isMac = /mac|iphone|ipad/i.test(navigator.platform);

/** Chats, newest first; then people without a chat. */
export function ListPane(): JSX.Element {
  const { app, t, formats } = useView();
  const inbox = read(app.inbox);
  const accounts = read(app.accounts);
  const route = read(app.router);
  const current = (): string | undefined => {
    const now = route();
    return now.name === 'chat' ? now.address : undefined;
  };
  /** The list shows what was put away, also while one of those is read. */
  const [inArchive, setInArchive] = createSignal(false);
  createEffect(on(route, (now) => {
    if (now.name === 'archived') setInArchive(true);
    else if (now.name !== 'chat') setInArchive(false);
  }));
  const lines = createMemo((): readonly string[] => {
    const { chats, people, archived } = inbox();
    if (inArchive()) return archived;
    return [...chats, ...(archived.length > 0 ? [archiveLine] : []), ...(people.length > 0 ? [peopleHeading, ...people] : [])];
  });
  const [menu, setMenu] = createSignal<{ readonly address: Address; readonly anchor: DOMRect }>();
  const leaveArchive = (): void => {
    setInArchive(false);
    if (route().name === 'archived') app.router.go({ name: 'home' });
  };
  const [focused, setFocused] = createSignal<string>();
  const stop = createMemo((): string | undefined => {
    const list = lines();
    return [focused(), current()].find((it) => it !== undefined && list.includes(it)) ?? list.find((it) => it !== peopleHeading && it !== archiveLine);
  });
  let handle: VirtualizerHandle | undefined;
  let scroller!: HTMLDivElement;

  const keys = (event: KeyboardEvent): void => {
    const list = lines();
    if (event.key === 'Home') handle?.scrollToIndex(0);
    if (event.key === 'End') handle?.scrollToIndex(list.length - 1, { align: 'end' });
    rove(event, [...scroller.querySelectorAll<HTMLElement>('.chat-row, .archive-line')]);
  };
  // A row that is made anew between press and release, because something came and the list moved, gets no click: the list does.
  let pressed: HTMLElement | null = null;
  const press = (event: PointerEvent): void => { pressed = event.target instanceof Element ? event.target.closest<HTMLElement>('.chat-row') : null; };
  const click = (event: MouseEvent): void => {
    const address = pressed?.isConnected === false ? pressed.dataset['address'] : undefined;
    if (address !== undefined && !(event.target instanceof Element && event.target.closest('a, button'))) app.router.go({ name: 'chat', address, details: false });
  };
  const List = (list: JSX.HTMLAttributes<HTMLUListElement>): JSX.Element => <ul {...list} role="list" aria-label={t().list.label} />;
  return (
    <nav class="list-pane" aria-label={t().list.label}>
      <header class="pane-head">
        <Show when={inArchive()}><IconButton icon={ArrowLeft} mirror label={t().common.back} onClick={leaveArchive} /></Show>
        <Show when={accounts().length > 1 && !inArchive()}><AccountButton /></Show>
        <h1 tabindex="-1">{inArchive() ? t().arrange.archiveTitle : t().list.title}</h1>
        <IconButton icon={Settings} label={t().list.settings} onClick={() => app.router.go({ name: 'settings', section: undefined })} />
        <IconButton icon={SquarePen} class="not-one-pane" label={t().list.newChat} onClick={() => app.overlays.open({ name: 'new-chat' })} />
      </header>
      <button type="button" class="search-button" onClick={() => app.overlays.open({ name: 'switcher' })}>
        <Icon of={Search} /><span>{t().list.search}</span>
        <kbd class="not-one-pane">{isMac ? '⌘K' : `${t().shortcuts.keys.ctrl} K`}</kbd>
      </button>
      <FamilyLine />
      <div
        ref={scroller} class="list-scroll" onKeyDown={keys} onPointerDown={press} onClick={click}
        onFocusIn={(event) => { const it = event.target instanceof HTMLElement ? event.target.dataset['address'] : undefined; if (it !== undefined) setFocused(it); }}
      >
        <Show when={inbox().requests > 0 && !inArchive()}>
          <a
            class="requests-line" href="/requests" aria-current={route().name === 'requests' ? 'page' : undefined}
            onClick={(event) => { event.preventDefault(); app.router.go({ name: 'requests' }); }}
          >
            <span class="requests-icon"><Icon of={UserPlus} /></span>
            <span class="requests-text">{inbox().invitations + inbox().strangers.length > 0 ? t().list.allRequests(inbox().requests) : t().list.requests(inbox().requests)}</span>
            <span class="badge" aria-hidden="true">{formats().number(inbox().requests)}</span>
            <Icon of={ChevronRight} mirror />
          </a>
        </Show>
        <Virtualizer
          ref={(it) => { handle = it; }} data={lines()} as={List} item="li" itemSize={72} bufferSize={400} startMargin={inbox().requests > 0 && !inArchive() ? 64 : 0}
          keepMounted={stop() === undefined ? [] : [lines().indexOf(stop() ?? '')]}
        >
          {(line) => (
            <Show
              when={line !== peopleHeading && line !== archiveLine}
              fallback={line === archiveLine ? (
                <a class="archive-line" href="/archived" onClick={(event) => { event.preventDefault(); app.router.go({ name: 'archived' }); }}>
                  <Icon of={Archive} /><span>{t().arrange.archived(inbox().archived.length)}</span><Icon of={ChevronRight} mirror />
                </a>
              ) : <h2 class="list-heading">{t().list.people}</h2>}
            >
              <ChatRow onMenu={(address, anchor) => setMenu({ address, anchor })} address={line} current={current() === line} stop={stop() === line} />
            </Show>
          )}
        </Virtualizer>
        <Show when={inArchive()}>
          <p class="archive-hint">{lines().length === 0 ? t().arrange.archiveNone : t().arrange.archiveHint}</p>
        </Show>
        <Show when={lines().length === 0 && inbox().requests === 0 && !inArchive()}>
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
      <Show when={menu()} keyed>
        {({ address, anchor }) => {
          const chat = chatWith(app.chats.get(), app.contacts.get(), address);
          return <Menu label={t().arrange.actions(chat.title)} items={chatItems(app, t(), chat)} anchor={anchor} onClose={() => setMenu(undefined)} />;
        }}
      </Show>
    </nav>
  );
}
