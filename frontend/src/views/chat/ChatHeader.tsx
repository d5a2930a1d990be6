import { ArrowLeft, Bell, BellOff, ChartBar, EllipsisVertical, Info, Search, Timer } from 'lucide';
import { createMemo, createSignal, type JSX, Show } from 'solid-js';
import type { Chat, Contact } from '../../core/api';
import { mayWrite, senderName } from '../../stores/groups';
import { read } from '../adapter';
import { useView } from '../context';
import { Avatar } from '../parts/Avatar';
import { IconButton } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { lockIcons } from '../parts/Marks';
import { Menu, type MenuItem } from '../parts/Menu';

export function ChatHeader(props: { readonly chat: Chat; readonly contact: Contact | undefined; readonly onSearch: () => void }): JSX.Element {
  const { app, t, formats } = useView();
  const contacts = read(app.contacts);
  const names = read(app.memberNames);
  const typing = read(app.typing);
  const route = read(app.router);
  const status = createMemo((): string => {
    const writing = typing().get(props.chat.id);
    const { group } = props.chat;
    if (group) {
      if (writing) return t().group.typing(formats().list(writing.map((who) => senderName(contacts(), who, names().get(props.chat.id)?.get(who)))), writing.length);
      if (group.state === 'joining') return t().group.joining;
      return group.privacy === 'public' ? t().group.publicCount(group.people) : t().group.count(group.people);
    }
    if (writing) return t().list.typing;
    if (!props.contact || props.contact.relation === 'none' || props.contact.relation === 'request') return props.chat.id;
    if (props.contact.relation === 'pending') return t().list.pending;
    return props.contact.status && props.contact.availability !== 'offline'
      ? `${t().presence[props.contact.availability]} · ${props.contact.status}`
      : t().presence[props.contact.availability];
  });
  const detailsOpen = (): boolean => {
    const now = route();
    return now.name === 'chat' && now.details;
  };
  const label = (): string => (props.chat.kind === 'group' ? t().group.details : t().chat.details);
  const toggleDetails = (): void => {
    if (detailsOpen()) app.router.up();
    else app.router.go({ name: 'chat', address: props.chat.id, details: true });
  };
  const [menu, setMenu] = createSignal<DOMRect>();
  const items = (): readonly MenuItem[] => [
    { label: t().find.inChat, icon: Search, run: () => props.onSearch() },
    ...(mayWrite(props.chat, props.contact) ? [
      { label: t().timer.title, icon: Timer, run: () => app.overlays.open({ name: 'timer', address: props.chat.id }) },
      { label: t().poll.ask, icon: ChartBar, run: () => app.overlays.open({ name: 'poll', address: props.chat.id }) },
    ] : []),
    ...(props.chat.muted
      ? [{ label: t().arrange.unmute, icon: Bell, run: () => void app.attempt(() => app.core.arrangeChat(props.chat.id, { muted: null })) }]
      : [{ label: t().arrange.mute, icon: BellOff, run: () => app.overlays.open({ name: 'mute', address: props.chat.id }) }]),
    { label: label(), icon: Info, run: toggleDetails },
  ];
  return (
    <header class="chat-head">
      <IconButton class="only-one-pane" icon={ArrowLeft} mirror label={t().common.back} onClick={() => app.router.go({ name: props.chat.archived ? 'archived' : 'home' })} />
      <h1 class="chat-head-title">
      <button type="button" class="chat-head-who" onClick={toggleDetails} aria-expanded={detailsOpen()} title={label()}>
        <Avatar address={props.chat.id} name={props.chat.title} size="small" availability={props.contact?.availability} group={props.chat.kind === 'group'} />
        <span class="chat-head-names">
          <span class="chat-head-name own-direction" dir="auto">{props.chat.title}</span>
          <span class="chat-head-status own-direction" dir="auto" classList={{ 'is-typing': typing().has(props.chat.id) }}>
            <Show when={props.chat.timer}>
              {(seconds) => <span class="chat-head-timer" title={t().timer.on(formats().duration(seconds()))}><Icon of={Timer} /><span class="hidden">{t().timer.on(formats().duration(seconds()))}, </span><span aria-hidden="true">{formats().duration(seconds())} · </span></span>}
            </Show>
            {status()}
          </span>
        </span>
      </button>
      </h1>
      <IconButton
        class={`chat-lock lock-${props.chat.lock}`} icon={lockIcons[props.chat.lock]} label={t().lock[props.chat.lock]}
        onClick={() => app.overlays.open({ name: 'lock', address: props.chat.id })}
      />
      <IconButton class="not-one-pane" icon={Search} label={t().find.inChat} onClick={() => props.onSearch()} />
      <IconButton class="not-one-pane" icon={Info} label={label()} aria-pressed={detailsOpen()} onClick={toggleDetails} />
      <IconButton icon={EllipsisVertical} label={t().find.menu} aria-haspopup="menu" aria-expanded={menu() !== undefined} onClick={(event) => setMenu(event.currentTarget.getBoundingClientRect())} />
      <Show when={menu()}>{(anchor) => <Menu label={t().find.menu} items={items()} anchor={anchor()} onClose={() => setMenu(undefined)} />}</Show>
    </header>
  );
}
