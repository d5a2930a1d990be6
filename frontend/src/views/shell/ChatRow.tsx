import { Archive, ArchiveRestore, AtSign, BellOff, Ellipsis, Mail, MailOpen, Pin, UsersRound } from 'lucide';
import { createMemo, type JSX, Match, onCleanup, onMount, Show, Switch } from 'solid-js';
import type { Address, MessagePreview } from '../../core/api';
import { deedOfKey } from '../../stores/arrange';
import { chatWith } from '../../stores/chats';
import { senderName } from '../../stores/groups';
import { formatRoute, type Route } from '../../stores/route';
import { read } from '../adapter';
import { useView } from '../context';
import { Avatar } from '../parts/Avatar';
import { IconButton } from '../parts/Button';
import { hold } from '../parts/hold';
import { Icon } from '../parts/Icon';
import { Ticks } from '../parts/Marks';
import { doWithChat } from './chatdeeds';
import { swipable } from './swipe';

/** One line of the chat list. */
export function ChatRow(props: { readonly address: Address; readonly current: boolean; readonly stop: boolean; readonly onMenu: (address: Address, anchor: DOMRect) => void }): JSX.Element {
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
  /** What was said last, in a line. */
  const said = (last: MessagePreview): string => {
    if (last.optOut) return last.outgoing ? t().optOut.own : t().optOut.by(last.from === undefined ? chat().title : senderName(contacts(), last.from, last.name));
    if (last.timerSet === 0) return last.outgoing ? t().timer.offOwn : t().timer.offBy(last.from === undefined ? chat().title : senderName(contacts(), last.from, last.name));
    if (last.timerSet !== undefined) return t().timer.on(formats().duration(last.timerSet));
    if (last.poll) return `📊 ${last.text}`;
    if (last.location) return last.text === '' ? `📍 ${t().location.kind}` : `📍 ${last.text}`;
    if (last.sticker) return last.text === '' ? t().sticker.kind : t().sticker.named(last.text);
    if (last.voice) return `🎤 ${t().voice.kind}`;
    if (last.file) return last.text === '' ? t().chat.fileKinds[last.file] : `${t().chat.fileKinds[last.file]}: ${last.text}`;
    if (last.retracted) return t().chat.deleted;
    return last.problem ? t().list.unreadable : last.text;
  };
  const open = (event: MouseEvent): void => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    app.router.go(route());
  };
  /** Only what is in the list can be arranged: not the people one has not written to. */
  const arranged = (): boolean => stored() !== undefined && (chat().last !== undefined || group() || chat().draft !== '' || chat().marked === true || chat().pinned === true);
  const openMenu = (anchor: DOMRect): void => { if (arranged()) props.onMenu(props.address, anchor); };
  let row!: HTMLAnchorElement;
  onMount(() => {
    const stop = swipable(row, {
      toStart: () => { if (arranged()) doWithChat(app, chat(), chat().archived ? 'unarchive' : 'archive'); },
      toEnd: () => { if (arranged()) doWithChat(app, chat(), chat().unread > 0 || chat().marked ? 'markRead' : 'markUnread'); },
    });
    onCleanup(stop);
    onCleanup(hold(row, () => openMenu(row.getBoundingClientRect())));
  });
  const keys = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey || !arranged()) return;
    const deed = event.shiftKey ? undefined : deedOfKey(event.key.toLowerCase(), chat());
    if (deed) doWithChat(app, chat(), deed);
    else if (event.key === 'ContextMenu' || (event.shiftKey && event.key === 'F10')) openMenu(row.getBoundingClientRect());
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="chat-line">
      <span class="chat-swipe chat-swipe-end" aria-hidden="true"><Icon of={chat().unread > 0 || chat().marked ? MailOpen : Mail} />{chat().unread > 0 || chat().marked ? t().arrange.swipeRead : t().arrange.swipeUnread}</span>
      <span class="chat-swipe chat-swipe-start" aria-hidden="true">{chat().archived ? t().arrange.unarchive : t().arrange.swipeArchive}<Icon of={chat().archived ? ArchiveRestore : Archive} /></span>
      <a
        ref={row} class="chat-row" classList={{ 'chat-row-unread': (chat().unread > 0 && !chat().muted) || chat().marked === true, 'chat-row-muted': chat().muted !== undefined }} href={formatRoute(route())} data-address={props.address}
        tabindex={props.stop ? 0 : -1} aria-current={props.current ? 'page' : undefined} onClick={open} onKeyDown={keys}
        onContextMenu={(event) => {
          if (event.shiftKey || !arranged()) return;
          event.preventDefault();
          openMenu(event.clientX === 0 && event.clientY === 0 ? row.getBoundingClientRect() : new DOMRect(event.clientX, event.clientY, 0, 0));
        }}
      >
        <Avatar address={props.address} name={chat().title} availability={contact()?.availability} group={group()} />
        <span class="chat-row-text">
          <span class="chat-row-top">
            <Show when={group()}><Icon of={UsersRound} class="chat-row-group" /></Show>
            <span class="chat-row-name own-direction" dir="auto">{chat().title}</span>
            <Show when={chat().group}>{(it) => <span class="hidden">, {t().group.count(it().people)},</span>}</Show>
            <Show when={contact()?.availability !== 'offline' && contact()}>{(it) => <span class="hidden">, {t().presence[it().availability]},</span>}</Show>
            <Show when={chat().muted}><span class="chat-row-sign" title={t().arrange.muted}><Icon of={BellOff} /><span class="hidden">, {t().arrange.muted},</span></span></Show>
            <Show when={chat().pinned}><span class="chat-row-sign" title={t().arrange.pinned}><Icon of={Pin} /><span class="hidden">, {t().arrange.pinned},</span></span></Show>
            <Show when={chat().last}>{(last) => <time datetime={new Date(last().at).toISOString()}>{formats().brief(last().at, now())}</time>}</Show>
          </span>
          <span class="chat-row-bottom">
            <span class="chat-row-preview own-direction" dir="auto">
              <Switch fallback={<span class="quiet">{contact()?.relation === 'pending' ? t().list.pending : t().list.nothingYet}</span>}>
                <Match when={writing()}>{(text) => <span class="is-typing">{text()}</span>}</Match>
                <Match when={(chat().draft.trim() !== '' || chat().draftReply !== undefined || (chat().draftFiles ?? 0) > 0 || chat().draftVoice) && !props.current}>
                  <span class="is-draft">{t().list.draft}</span> <Show when={(chat().draftFiles ?? 0) > 0}>📎 </Show><Show when={chat().draftVoice}>🎤 </Show>{chat().draft}
                </Match>
                <Match when={chat().last}>
                  {(last) => (
                    <>
                      <Show when={last().outgoing}><Ticks state={last().state} /> </Show>
                      <Show when={!last().outgoing && last().timerSet === undefined && !last().optOut && last().from}>
                        {(from) => <><bdi class="chat-row-from">{t().group.says(senderName(contacts(), from(), last().name))}</bdi> </>}
                      </Show>
                      {said(last())}
                    </>
                  )}
                </Match>
              </Switch>
            </span>
            <Show when={chat().mentions > 0}>
              <span class="badge badge-mention"><Icon of={AtSign} /><span class="hidden">{t().group.mentions(chat().mentions)}</span></span>
            </Show>
            <Show when={chat().unread > 0}>
              <span class="badge" classList={{ 'badge-quiet': chat().muted !== undefined }}><span aria-hidden="true">{formats().number(chat().unread)}</span><span class="hidden">{t().list.unread(chat().unread)}</span></span>
            </Show>
            <Show when={chat().marked && chat().unread === 0}><span class="badge badge-marked"><span class="hidden">{t().arrange.marked}</span></span></Show>
          </span>
        </span>
      </a>
      <Show when={arranged()}>
        <IconButton class="chat-more" icon={Ellipsis} tabindex="-1" label={t().arrange.actions(chat().title)} onClick={(event) => openMenu(event.currentTarget.getBoundingClientRect())} />
      </Show>
    </div>
  );
}
