import { AtSign, UsersRound } from 'lucide';
import { createMemo, type JSX, Match, Show, Switch } from 'solid-js';
import type { Address } from '../../core/api';
import { chatWith } from '../../stores/chats';
import { senderName } from '../../stores/groups';
import { formatRoute, type Route } from '../../stores/route';
import { read } from '../adapter';
import { useView } from '../context';
import { Avatar } from '../parts/Avatar';
import { Icon } from '../parts/Icon';
import { Ticks } from '../parts/Marks';

/** One line of the chat list. */
export function ChatRow(props: { readonly address: Address; readonly current: boolean; readonly stop: boolean }): JSX.Element {
  const { app, t, formats, now } = useView();
  const chats = read(app.chats);
  const contacts = read(app.contacts);
  const typing = read(app.typing);
  const names = read(app.memberNames);
  const stored = createMemo(() => chats().get(props.address));
  const contact = createMemo(() => contacts().get(props.address));
  const chat = createMemo(() => {
    stored();
    contact();
    return chatWith(chats(), contacts(), props.address);
  });
  const route = (): Route => ({ name: 'chat', address: props.address, details: false });
  const group = (): boolean => chat().kind === 'group';
  const writing = (): string | undefined => {
    const who = typing().get(props.address);
    if (!who) return undefined;
    return group() ? t().group.typing(formats().list(who.map((one) => senderName(contacts(), one, names().get(props.address)?.get(one)))), who.length) : t().list.typing;
  };
  const open = (event: MouseEvent): void => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    app.router.go(route());
  };
  return (
    <a
      class="chat-row" classList={{ 'chat-row-unread': chat().unread > 0 }} href={formatRoute(route())} data-address={props.address}
      tabindex={props.stop ? 0 : -1} aria-current={props.current ? 'page' : undefined} onClick={open}
    >
      <Avatar address={props.address} name={chat().title} availability={contact()?.availability} group={group()} />
      <span class="chat-row-text">
        <span class="chat-row-top">
          <Show when={group()}><Icon of={UsersRound} class="chat-row-group" /></Show>
          <span class="chat-row-name own-direction" dir="auto">{chat().title}</span>
          <Show when={chat().group}>{(it) => <span class="hidden">, {t().group.count(it().people)},</span>}</Show>
          <Show when={contact()?.availability !== 'offline' && contact()}>{(it) => <span class="hidden">, {t().presence[it().availability]},</span>}</Show>
          <Show when={chat().last}>{(last) => <time datetime={new Date(last().at).toISOString()}>{formats().brief(last().at, now())}</time>}</Show>
        </span>
        <span class="chat-row-bottom">
          <span class="chat-row-preview own-direction" dir="auto">
            <Switch fallback={<span class="quiet">{contact()?.relation === 'pending' ? t().list.pending : t().list.nothingYet}</span>}>
              <Match when={writing()}>{(text) => <span class="is-typing">{text()}</span>}</Match>
              <Match when={chat().draft.trim() !== '' && !props.current}><span class="is-draft">{t().list.draft}</span> {chat().draft}</Match>
              <Match when={chat().last}>
                {(last) => (
                  <>
                    <Show when={last().outgoing}><Ticks state={last().state} /> </Show>
                    <Show when={!last().outgoing && last().from}>
                      {(from) => <span class="chat-row-from">{t().group.says(senderName(contacts(), from(), last().name))} </span>}
                    </Show>
                    {last().file ? t().chat.fileKinds[last().file!] : last().retracted ? t().chat.deleted : last().problem ? t().list.unreadable : last().text}
                  </>
                )}
              </Match>
            </Switch>
          </span>
          <Show when={chat().mentions > 0}>
            <span class="badge badge-mention"><Icon of={AtSign} /><span class="hidden">{t().group.mentions(chat().mentions)}</span></span>
          </Show>
          <Show when={chat().unread > 0}>
            <span class="badge"><span aria-hidden="true">{formats().number(chat().unread)}</span><span class="hidden">{t().list.unread(chat().unread)}</span></span>
          </Show>
        </span>
      </span>
    </a>
  );
}
