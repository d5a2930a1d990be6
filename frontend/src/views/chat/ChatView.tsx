import { createEffect, createMemo, createSignal, type JSX, lazy, on, onCleanup, onMount, Show, untrack } from 'solid-js';
import type { Address } from '../../core/api';
import { chatWith, isStranger } from '../../stores/chats';
import { authorOf, mayWrite } from '../../stores/groups';
import { read } from '../adapter';
import { attention } from '../attention';
import { useView } from '../context';
import { ChatHeader } from './ChatHeader';
import { Composer } from './Composer';
import { MessageList } from './MessageList';
import { Notices } from './Notices';
import { PinBanner } from './PinBanner';
import { SearchBar } from './SearchBar';
import { inWords } from './words';
import './chat.css';

const Details = lazy(() => import('./Details'));
const GroupDetails = lazy(() => import('./GroupDetails'));

/** One chat: who it is with, what was written, where to write. */
export default function ChatView(props: { readonly address: Address; readonly details: boolean }): JSX.Element {
  const { app, t } = useView();
  const { core } = app;
  const chats = read(app.chats);
  const contacts = read(app.contacts);
  const chat = createMemo(() => chatWith(chats(), contacts(), props.address));
  const contact = createMemo(() => contacts().get(props.address));
  const conversation = app.conversations.of(props.address);
  const state = read(conversation);
  const looking = attention();
  const [untrusted, setUntrusted] = createSignal(false);

  onMount(() => {
    void conversation.enter();
    if (chat().kind === 'group') void app.memberNames.load(props.address);
  });
  onCleanup(() => conversation.leave());
  createEffect(() => conversation.setActive(looking()));
  const session = read(app.session);
  createEffect(on(() => session().phase === 'online', (online) => { if (online) void conversation.connected(); }));
  const news = read(app.deviceNews);
  // A device that is new to somebody whose devices were verified must be looked at; a decision ends that.
  createEffect(on(() => news().get(props.address), (change) => {
    setUntrusted(change?.news === 'key-changed');
    // A stranger's server would learn that one looks.
    if (untrusted() || !contact() || untrack(() => isStranger(chat(), contact()))) return;
    let latest = true;
    onCleanup(() => { latest = false; });
    void core.devices(props.address).then((all) => latest && setUntrusted(all.some((device) => device.trust === 'undecided' && !device.stale)), () => undefined);
  }));

  const [searching, setSearching] = createSignal(false);
  const search = (): void => {
    setSearching(true);
    document.querySelector<HTMLElement>('.chat-search input')?.focus();
  };
  const endSearch = (): void => {
    setSearching(false);
    (document.getElementById('composer') ?? document.querySelector<HTMLElement>('.chat-head-who'))?.focus({ preventScroll: true });
  };
  // The browser's own search sees only what is on the screen.
  const pressed = (event: KeyboardEvent): void => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== 'f' || document.querySelector('dialog[open]')) return;
    event.preventDefault();
    search();
  };
  document.addEventListener('keydown', pressed);
  onCleanup(() => document.removeEventListener('keydown', pressed));

  const arrived = createMemo(() => {
    const message = state().arrived;
    return message ? t().chat.arrived(authorOf(contacts(), chat(), message), inWords(t(), message)) : '';
  });
  return (
    <>
      <main class="chat" id="main" aria-label={t().chat.with(chat().title)}>
        <ChatHeader chat={chat()} contact={contact()} onSearch={search} />
        <Show when={searching()}><SearchBar conversation={conversation} onClose={endSearch} /></Show>
        <PinBanner conversation={conversation} chat={chat()} />
        <MessageList conversation={conversation} chat={chat()} looking={looking()} />
        <Notices chat={chat()} contact={contact()} untrusted={untrusted()} />
        <Show when={mayWrite(chat(), contact())}>
          <Composer conversation={conversation} chat={chat()} untrusted={untrusted()} onUntrusted={() => setUntrusted(true)} />
        </Show>
        <div class="hidden" role="log" aria-live="polite" aria-relevant="additions">
          <Show when={arrived()} keyed>{(text) => <p>{text}</p>}</Show>
        </div>
      </main>
      <Show when={props.details}>
        <Show when={chat().kind === 'group'} fallback={<Details address={props.address} />}><GroupDetails address={props.address} /></Show>
      </Show>
    </>
  );
}
