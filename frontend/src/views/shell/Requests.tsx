import { ArrowLeft, Flag, UserCheck } from 'lucide';
import { createMemo, For, type JSX, Show } from 'solid-js';
import { chatWith } from '../../stores/chats';
import { requests, shownName } from '../../stores/contacts';
import { invitations, senderName } from '../../stores/groups';
import { formatRoute } from '../../stores/route';
import { read } from '../adapter';
import { useView } from '../context';
import { Avatar } from '../parts/Avatar';
import { Button, IconButton } from '../parts/Button';
import { Empty } from '../parts/states';

/** People who would like to be contacts. */
export default function Requests(): JSX.Element {
  const { app, t } = useView();
  const contacts = read(app.contacts);
  const chats = read(app.chats);
  const waiting = createMemo(() => requests(contacts()));
  const inbox = read(app.inbox);
  const strangers = createMemo(() => inbox().strangers.map((address) => chatWith(chats(), contacts(), address)));
  const groups = createMemo(() => invitations(chats()));
  const home = (): void => app.router.go({ name: 'home' });
  return (
    <main class="page" id="main" tabindex="-1">
      <header class="pane-head">
        <IconButton class="only-one-pane" icon={ArrowLeft} mirror label={t().common.back} onClick={home} />
        <h1 tabindex="-1">{t().requests.title}</h1>
      </header>
      <div class="page-body">
        <Show when={waiting().length + groups().length + strangers().length > 0} fallback={<Empty icon={UserCheck} title={t().requests.none}><Button onClick={home}>{t().requests.toChats}</Button></Empty>}>
          <ul class="requests" role="list">
            <For each={waiting()}>
              {(contact) => {
                const name = (): string => shownName(contact, contact.address);
                return (
                  <li class="card request">
                    <Avatar address={contact.address} name={name()} />
                    <div class="request-text">
                      <h2><bdi>{name()}</bdi></h2>
                      <p class="quiet"><bdi dir="ltr" class="address">{contact.address}</bdi></p>
                      <Show when={contact.requestText}><blockquote dir="auto">{contact.requestText}</blockquote></Show>
                    </div>
                    <div class="request-actions">
                      <Button look="quiet" icon={Flag} onClick={() => app.overlays.open({ name: 'report', address: contact.address })}>{t().report.action}</Button>
                      <Button look="quiet" onClick={() => void app.attempt(() => app.core.block(contact.address), 'blocked')}>{t().requests.block}</Button>
                      <Button onClick={() => void app.attempt(() => app.core.declineContact(contact.address), 'declined')}>{t().requests.decline}</Button>
                      <Button look="primary" onClick={() => void app.attempt(() => app.core.acceptContact(contact.address), 'contact-added')}>{t().requests.accept}</Button>
                    </div>
                  </li>
                );
              }}
            </For>
            <For each={strangers()}>
              {(chat) => (
                <li class="card request">
                  <Avatar address={chat.id} name={chat.title} />
                  <div class="request-text">
                    <h2><bdi>{chat.title}</bdi></h2>
                    <p class="quiet"><bdi dir="ltr" class="address">{chat.id}</bdi></p>
                    <p class="quiet">{t().requests.wrote}</p>
                    <Show when={chat.last}>
                      {(last) => <blockquote dir="auto" class="request-words">{last().location ? t().location.kind : last().sticker ? t().sticker.kind : last().voice ? t().voice.kind : last().file ? t().chat.fileKinds[last().file!] : last().problem ? t().list.unreadable : last().text}</blockquote>}
                    </Show>
                    <a class="request-look" href={formatRoute({ name: 'chat', address: chat.id, details: false })} onClick={(event) => { event.preventDefault(); app.router.go({ name: 'chat', address: chat.id, details: false }); }}>{t().requests.look}</a>
                  </div>
                  <div class="request-actions">
                    <Button look="quiet" icon={Flag} onClick={() => app.overlays.open({ name: 'report', address: chat.id })}>{t().report.action}</Button>
                    <Button look="quiet" onClick={() => void app.attempt(() => app.core.block(chat.id), 'blocked')}>{t().requests.block}</Button>
                    <Button onClick={() => void app.attempt(() => app.core.arrangeChat(chat.id, { archived: true, unread: false }), 'declined')}>{t().requests.decline}</Button>
                    <Button look="primary" onClick={() => void app.attempt(() => app.core.addContact(chat.id), 'request-sent')}>{t().requests.accept}</Button>
                  </div>
                </li>
              )}
            </For>
            <For each={groups()}>
              {(chat) => (
                <li class="card request">
                  <Avatar address={chat.id} name={chat.title} group />
                  <div class="request-text">
                    <h2><bdi>{chat.title}</bdi></h2>
                    <p class="quiet">{t().group.invitation}</p>
                    <p>{t().group.invitedBy(senderName(contacts(), chat.group?.invitedBy ?? '', undefined))} <bdi dir="ltr" class="quiet address">{chat.group?.invitedBy}</bdi></p>
                    <Show when={chat.group?.note}><blockquote dir="auto">{chat.group?.note}</blockquote></Show>
                  </div>
                  <div class="request-actions">
                    <Button look="quiet" onClick={() => void app.attempt(async () => { await app.core.declineGroup(chat.id); await app.core.block(chat.group?.invitedBy ?? ''); }, 'blocked')}>{t().requests.block}</Button>
                    <Button onClick={() => void app.attempt(() => app.core.declineGroup(chat.id), 'declined')}>{t().group.decline}</Button>
                    <Button look="primary" onClick={() => void app.attempt(() => app.core.enterGroup(chat.id))}>{t().group.join}</Button>
                  </div>
                </li>
              )}
            </For>
          </ul>
          <p class="quiet">{t().requests.hint}</p>
        </Show>
      </div>
    </main>
  );
}
