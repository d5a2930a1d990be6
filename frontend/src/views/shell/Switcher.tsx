import { MessageSquareText, Search } from 'lucide';
import { createEffect, createMemo, createSignal, For, type JSX, on, Show } from 'solid-js';
import type { Address, FoundMessage } from '../../core/api';
import { chatWith } from '../../stores/chats';
import { senderName } from '../../stores/groups';
import { MessageSearch } from '../../stores/search';
import { findChats } from '../../stores/switcher';
import { read } from '../adapter';
import { useView } from '../context';
import { Avatar } from '../parts/Avatar';
import { Dialog } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import { Marked } from '../parts/Marked';
import './switcher.css';

/** So many chats are enough when messages are found as well. */
const chatsBesideMessages = 6;

/** Type a few letters, press Enter, be there: a chat, a person, or what was said. A combobox over a list, by the ARIA practices. */
export default function Switcher(): JSX.Element {
  const { app, t, formats, now } = useView();
  const chats = read(app.chats);
  const contacts = read(app.contacts);
  const names = read(app.memberNames);
  const search = new MessageSearch(app.core, app.clock);
  const state = read(search);
  const [query, setQuery] = createSignal('');
  const [at, setAt] = createSignal(0);
  const messages = (): readonly FoundMessage[] => state().messages;
  const found = createMemo(() => {
    const all = findChats(query(), chats(), contacts());
    return messages().length > 0 ? all.slice(0, chatsBesideMessages) : all;
  });
  const count = (): number => found().length + messages().length + (state().more ? 1 : 0);
  createEffect(on(query, (text) => {
    setAt(0);
    search.ask(text);
  }));
  let list!: HTMLUListElement;
  createEffect(() => list.querySelector(`#switcher-${at()}`)?.scrollIntoView({ block: 'nearest' }));

  const open = (address: Address): void => {
    app.overlays.close();
    app.router.go({ name: 'chat', address, details: false });
  };
  const show = (message: FoundMessage): void => {
    app.overlays.close();
    void app.conversations.of(message.chat).aim(message);
    app.router.go({ name: 'chat', address: message.chat, details: false });
  };
  const choose = (index: number): void => {
    const chat = found()[index];
    const message = messages()[index - found().length];
    if (chat !== undefined) open(chat);
    else if (message) show(message);
    else if (state().more && index === count() - 1) void search.more();
  };
  const keys = (event: KeyboardEvent): void => {
    const last = count() - 1;
    switch (event.key) {
      case 'ArrowDown': setAt(Math.max(0, Math.min(last, at() + 1))); break;
      case 'ArrowUp': setAt(Math.max(0, at() - 1)); break;
      case 'PageDown': setAt(Math.max(0, Math.min(last, at() + 5))); break;
      case 'PageUp': setAt(Math.max(0, at() - 5)); break;
      case 'Enter': if (event.isComposing) return; choose(at()); break;
      default: return;
    }
    event.preventDefault();
  };
  const who = (message: FoundMessage): string => (message.outgoing ? t().common.you : senderName(contacts(), message.from, message.name ?? names().get(message.chat)?.get(message.from)));
  return (
    <Dialog title={t().switcher.title} bare onClose={() => app.overlays.close()}>
      <div class="switcher">
        <div class="switcher-field">
          <Icon of={Search} />
          <input
            type="text" role="combobox" aria-expanded="true" aria-controls="switcher-list" aria-autocomplete="list" autocomplete="off" spellcheck={false} enterkeyhint="go"
            aria-activedescendant={count() > 0 ? `switcher-${at()}` : undefined} aria-label={t().switcher.title}
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
          <Show when={messages().length > 0}>
            <li role="presentation" class="switcher-heading"><Icon of={MessageSquareText} />{t().find.messages}</li>
          </Show>
          <For each={messages()}>
            {(message, i) => {
              const place = (): number => found().length + i();
              const chat = createMemo(() => chatWith(chats(), contacts(), message.chat));
              return (
                <li
                  id={`switcher-${place()}`} role="option" aria-selected={at() === place()} class="switcher-line switcher-message"
                  onPointerMove={() => setAt(place())} onClick={() => show(message)}
                >
                  <Avatar address={message.chat} name={chat().title} size="small" group={chat().kind === 'group'} />
                  <span class="switcher-text">
                    <span class="switcher-where"><bdi>{chat().title}</bdi><time datetime={new Date(message.at).toISOString()}>{formats().brief(message.at, now())}</time></span>
                    <small dir="auto"><Show when={chat().kind === 'group' || message.outgoing}>{t().group.says(who(message))} </Show><Marked text={message.text} marks={message.marks} /></small>
                  </span>
                </li>
              );
            }}
          </For>
          <Show when={state().more}>
            <li
              id={`switcher-${count() - 1}`} role="option" aria-selected={at() === count() - 1} class="switcher-line switcher-more"
              onPointerMove={() => setAt(count() - 1)} onClick={() => void search.more()}
            >
              {t().find.more}
            </li>
          </Show>
        </ul>
        <Show when={count() === 0 && !state().busy}><p class="switcher-none">{t().switcher.none}</p></Show>
        <Show when={query().trim() !== ''}><p class="switcher-hint">{t().find.here}</p></Show>
        <p class="hidden" role="status">{state().busy ? '' : t().switcher.results(count())}</p>
      </div>
    </Dialog>
  );
}
