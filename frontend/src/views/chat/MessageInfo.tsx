import { createMemo, For, type JSX, Show } from 'solid-js';
import type { Message } from '../../core/api';
import { senderName } from '../../stores/groups';
import { Resource } from '../../stores/resource';
import { read } from '../adapter';
import { useView } from '../context';
import { Dialog } from '../parts/Dialog';
import { LockMark, Ticks } from '../parts/Marks';
import { Findings } from './Findings';

/** When, how far, how protected. */
export default function MessageInfo(props: { readonly message: Message }): JSX.Element {
  const { app, t, formats } = useView();
  const chats = read(app.chats);
  const contacts = read(app.contacts);
  const called = read(app.memberNames);
  const group = (): boolean => chats().get(props.message.chat)?.kind === 'group';
  const readers = new Resource(() => (group() && props.message.outgoing ? app.core.readers(props.message.chat, props.message.id) : Promise.resolve([])));
  const state = read(readers);
  const edits = new Resource(() => (props.message.edited ? app.core.editsOf(props.message.chat, props.message.id) : Promise.resolve([])));
  const editState = read(edits);
  const versions = createMemo(() => {
    const now = editState();
    return now.status === 'ready' ? now.value : [];
  });
  const readBy = createMemo((): string => {
    const now = state();
    const names = now.status === 'ready' ? now.value.map((who) => senderName(contacts(), who, called().get(props.message.chat)?.get(who))) : [];
    return names.length > 0 ? formats().list(names) : t().group.readByNone;
  });
  return (
    <Dialog title={t().messageInfo.title} size="small" onClose={() => app.overlays.close()}>
      <blockquote class="info-text" dir="auto">{props.message.text}</blockquote>
      <dl class="facts">
        <dt>{t().messageInfo.sent}</dt>
        <dd>{formats().full(props.message.at)}</dd>
        <Show when={group() && !props.message.outgoing}>
          <dt>{t().messageInfo.device}</dt>
          <dd><bdi>{senderName(contacts(), props.message.from, props.message.name)}</bdi> <bdi dir="ltr" class="quiet address">{props.message.from}</bdi></dd>
        </Show>
        <Show when={group() && props.message.outgoing && state().status === 'ready'}>
          <dt>{t().group.readBy}</dt>
          <dd><bdi>{readBy()}</bdi></dd>
        </Show>
        <dt>{t().messageInfo.state}</dt>
        <dd><Show when={props.message.outgoing}><Ticks state={props.message.state} silent /> </Show>{t().chat.state[props.message.state]}</dd>
        <dt>{t().messageInfo.lock}</dt>
        <dd><LockMark lock={props.message.lock} silent /> {t().messageInfo.lockText[props.message.lock]}<Show when={props.message.level === 1}> <small class="quiet">{t().messageInfo.older}</small></Show></dd>
        <Show when={!group() && props.message.device}>
          {(device) => <><dt>{t().messageInfo.device}</dt><dd>{t().lock.device(String(device()))}</dd></>}
        </Show>
        <Show when={props.message.reason}>
          {(reason) => <><dt>{t().messageInfo.why}</dt><dd>{t().reason(reason())}</dd></>}
        </Show>
      </dl>
      <Findings message={props.message} />
      <Show when={versions().length > 0}>
        <h3>{t().chat.editsTitle}</h3>
        <ul class="edits" role="list">
          <For each={versions()}>{(version) => <li><time datetime={new Date(version.at).toISOString()}>{formats().full(version.at)}</time><p dir="auto">{version.text}</p></li>}</For>
        </ul>
      </Show>
    </Dialog>
  );
}
