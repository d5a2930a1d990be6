import { Search } from 'lucide';
import { createEffect, createMemo, createSignal, For, type JSX, on, Show } from 'solid-js';
import type { Address } from '../../core/api';
import { chatWith } from '../../stores/chats';
import { findChats } from '../../stores/switcher';
import { read } from '../adapter';
import { useView } from '../context';
import { Avatar } from '../parts/Avatar';
import { Dialog } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import './switcher.css';

/** Type a few letters, press Enter, be there. A combobox over a list, by the ARIA practices. */
export default function Switcher(): JSX.Element {
  const { app, t, formats } = useView();
  const chats = read(app.chats);
  const contacts = read(app.contacts);
  const [query, setQuery] = createSignal('');
  const [at, setAt] = createSignal(0);
  const found = createMemo(() => findChats(query(), chats(), contacts()));
  createEffect(on(query, () => setAt(0)));
  let list!: HTMLUListElement;
  createEffect(() => list.querySelector(`#switcher-${at()}`)?.scrollIntoView({ block: 'nearest' }));

  const open = (address: Address | undefined): void => {
    if (address === undefined) return;
    app.overlays.close();
    app.router.go({ name: 'chat', address, details: false });
  };
  const keys = (event: KeyboardEvent): void => {
    const last = found().length - 1;
    switch (event.key) {
      case 'ArrowDown': setAt(Math.min(last, at() + 1)); break;
      case 'ArrowUp': setAt(Math.max(0, at() - 1)); break;
      case 'Enter': if (event.isComposing) return; open(found()[at()]); break;
      default: return;
    }
    event.preventDefault();
  };
  return (
    <Dialog title={t().switcher.title} bare onClose={() => app.overlays.close()}>
      <div class="switcher">
        <div class="switcher-field">
          <Icon of={Search} />
          <input
            type="text" role="combobox" aria-expanded="true" aria-controls="switcher-list" aria-autocomplete="list" autocomplete="off" spellcheck={false} enterkeyhint="go"
            aria-activedescendant={found().length > 0 ? `switcher-${at()}` : undefined} aria-label={t().switcher.title}
            placeholder={t().switcher.placeholder} value={query()} onInput={(event) => setQuery(event.currentTarget.value)} onKeyDown={keys} autofocus
          />
        </div>
        <ul ref={list} id="switcher-list" role="listbox" aria-label={t().switcher.title}>
          <For each={found()}>
            {(address, i) => {
              const chat = createMemo(() => chatWith(chats(), contacts(), address));
              return (
                <li
                  id={`switcher-${i()}`} role="option" aria-selected={at() === i()} class="switcher-line"
                  onPointerMove={() => setAt(i())} onClick={() => open(address)}
                >
                  <Avatar address={address} name={chat().title} size="small" availability={contacts().get(address)?.availability} group={chat().kind === 'group'} />
                  <span class="switcher-text">
                    <bdi>{chat().title}</bdi>
                    <small><Show when={chat().group} fallback={<bdi dir="ltr">{address}</bdi>}>{(it) => t().group.count(it().people)}</Show></small>
                  </span>
                  <Show when={chat().unread > 0}>
                    <span class="badge"><span aria-hidden="true">{formats().number(chat().unread)}</span><span class="hidden">{t().list.unread(chat().unread)}</span></span>
                  </Show>
                </li>
              );
            }}
          </For>
        </ul>
        <Show when={found().length === 0}><p class="switcher-none">{t().switcher.none}</p></Show>
        <p class="hidden" role="status">{t().switcher.results(found().length)}</p>
      </div>
    </Dialog>
  );
}
