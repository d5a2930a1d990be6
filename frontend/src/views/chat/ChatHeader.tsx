import { ArrowLeft, Info } from 'lucide';
import { createMemo, type JSX } from 'solid-js';
import type { Chat, Contact } from '../../core/api';
import { senderName } from '../../stores/groups';
import { read } from '../adapter';
import { useView } from '../context';
import { Avatar } from '../parts/Avatar';
import { IconButton } from '../parts/Button';
import { lockIcons } from '../parts/Marks';

export function ChatHeader(props: { readonly chat: Chat; readonly contact: Contact | undefined }): JSX.Element {
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
  return (
    <header class="chat-head">
      <IconButton class="only-one-pane" icon={ArrowLeft} mirror label={t().common.back} onClick={() => app.router.go({ name: 'home' })} />
      <h1 class="chat-head-title">
      <button type="button" class="chat-head-who" onClick={toggleDetails} aria-expanded={detailsOpen()} title={label()}>
        <Avatar address={props.chat.id} name={props.chat.title} size="small" availability={props.contact?.availability} group={props.chat.kind === 'group'} />
        <span class="chat-head-names">
          <span class="chat-head-name own-direction" dir="auto">{props.chat.title}</span>
          <span class="chat-head-status own-direction" dir="auto" classList={{ 'is-typing': typing().has(props.chat.id) }}>{status()}</span>
        </span>
      </button>
      </h1>
      <IconButton
        class={`chat-lock lock-${props.chat.lock}`} icon={lockIcons[props.chat.lock]} label={t().lock[props.chat.lock]}
        onClick={() => app.overlays.open({ name: 'lock', address: props.chat.id })}
      />
      <IconButton icon={Info} label={label()} aria-pressed={detailsOpen()} onClick={toggleDetails} />
    </header>
  );
}
