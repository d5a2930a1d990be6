import { Ban, EyeOff, LockOpen, LogOut, ShieldAlert, TriangleAlert, UserPlus, UsersRound } from 'lucide';
import { createSignal, type JSX, Match, Show, Switch } from 'solid-js';
import type { Chat, Contact, Group } from '../../core/api';
import { isStranger } from '../../stores/chats';
import { senderName } from '../../stores/groups';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Confirm } from '../parts/Dialog';
import { Icon } from '../parts/Icon';

type Props = { readonly chat: Chat; readonly contact: Contact | undefined; readonly untrusted: boolean };

/** What must be known or decided before writing here; the most important one thing. */
export function Notices(props: Props): JSX.Element {
  const { app, t } = useView();
  const session = read(app.session);
  const { core, attempt } = app;
  return (
    <Switch>
      <Match when={props.contact?.blocked}>
        <div class="chat-notice">
          <Icon of={Ban} />
          <p>{t().chat.blockedBar(props.chat.title)}</p>
          <Button onClick={() => void attempt(() => core.unblock(props.chat.id), 'unblocked')}>{t().chat.unblock}</Button>
        </div>
      </Match>
      <Match when={session().cryptoError}>
        <div class="chat-notice chat-notice-serious" role="alert">
          <Icon of={TriangleAlert} />
          <p>{t().chat.cryptoBroken}</p>
          <Button onClick={() => location.reload()}>{t().common.reload}</Button>
        </div>
      </Match>
      <Match when={props.untrusted}>
        <Untrusted chat={props.chat} />
      </Match>
      <Match when={props.chat.optOut && !props.contact?.blocked && props.contact?.relation !== 'request' && !isStranger(props.chat, props.contact)}><OptOutNotice chat={props.chat} /></Match>
      <Match when={props.chat.group}>{(group) => <GroupNotice chat={props.chat} group={group()} />}</Match>
      <Match when={props.contact?.relation === 'request'}>
        <div class="chat-notice">
          <Icon of={UserPlus} />
          <p>{t().chat.requestBar(props.chat.title)}</p>
          <Button look="quiet" onClick={() => void attempt(() => core.block(props.chat.id), 'blocked')}>{t().requests.block}</Button>
          <Button look="quiet" onClick={() => void attempt(() => core.declineContact(props.chat.id), 'declined')}>{t().requests.decline}</Button>
          <Button look="primary" onClick={() => void attempt(() => core.acceptContact(props.chat.id), 'contact-added')}>{t().requests.accept}</Button>
        </div>
      </Match>
      <Match when={isStranger(props.chat, props.contact)}>
        <div class="chat-notice">
          <Icon of={UserPlus} />
          <p>{t().chat.strangerAsk(props.chat.title)}</p>
          <Button look="quiet" onClick={() => app.overlays.open({ name: 'report', address: props.chat.id })}>{t().report.action}</Button>
          <Button look="quiet" onClick={() => void attempt(() => core.block(props.chat.id), 'blocked')}>{t().requests.block}</Button>
          <Button look="primary" onClick={() => void attempt(() => core.addContact(props.chat.id), 'request-sent')}>{t().requests.accept}</Button>
        </div>
      </Match>
      <Match when={!props.contact || props.contact.relation === 'none'}>
        <div class="chat-notice">
          <Icon of={UserPlus} />
          <p>{t().chat.strangerBar(props.chat.title)}</p>
          <Button look="quiet" onClick={() => void attempt(() => core.block(props.chat.id), 'blocked')}>{t().requests.block}</Button>
          <Button onClick={() => void attempt(() => core.addContact(props.chat.id), 'request-sent')}>{t().chat.add}</Button>
        </div>
      </Match>
    </Switch>
  );
}

/** A new device must be looked at before anything is sent. */
export function Untrusted(props: { readonly chat: Chat }): JSX.Element {
  const { app, t } = useView();
  return (
    <div class="chat-notice chat-notice-serious" role="alert">
      <Icon of={ShieldAlert} />
      <p>{t().chat.newDeviceBar(props.chat.title)}</p>
      <Button look="primary" onClick={() => app.overlays.open({ name: 'lock', address: props.chat.id })}>{t().chat.check}</Button>
    </div>
  );
}

/** The other side wants to be written to without encryption: asked first, and said as long as it is so. */
function OptOutNotice(props: { readonly chat: Chat }): JSX.Element {
  const { app, t } = useView();
  const { core, attempt } = app;
  const [asking, setAsking] = createSignal(false);
  const agree = (): void => {
    setAsking(false);
    void attempt(() => core.answerOptOut(props.chat.id, true));
  };
  return (
    <Show
      when={props.chat.optOut?.agreed}
      fallback={(
        <div class="chat-notice chat-notice-serious" role="alert">
          <Icon of={LockOpen} />
          <p>{t().optOut.bar(props.chat.title)}<Show when={props.chat.optOut?.reason}>{(reason) => <> <span dir="auto">{t().optOut.reason(reason())}</span></>}</Show></p>
          <Button look="quiet" onClick={() => setAsking(true)}>{t().optOut.agree}</Button>
          <Button look="primary" onClick={() => void attempt(() => core.answerOptOut(props.chat.id, false))}>{t().optOut.keep}</Button>
          <Show when={asking()}>
            <Confirm
              title={t().optOut.agreeTitle} text={t().optOut.agreeText(props.chat.title)} action={t().optOut.agree} danger
              onConfirm={agree} onCancel={() => setAsking(false)}
            />
          </Show>
        </div>
      )}
    >
      <div class="chat-notice">
        <Icon of={LockOpen} />
        <p>{t().optOut.openBar(props.chat.title)}</p>
        <Button onClick={() => void attempt(() => core.answerOptOut(props.chat.id, false))}>{t().optOut.again}</Button>
      </div>
    </Show>
  );
}

/** What must be known of a group before writing there. */
function GroupNotice(props: { readonly chat: Chat; readonly group: Group }): JSX.Element {
  const { app, t, formats } = useView();
  const { core, attempt } = app;
  const contacts = read(app.contacts);
  const names = read(app.memberNames);
  const nameOf = (address: string): string => senderName(contacts(), address, names().get(props.chat.id)?.get(address));
  const over = (): string | undefined => {
    switch (props.group.state) {
      case 'left': return t().group.leftBar;
      case 'removed': return t().group.removedBar;
      case 'banned': return t().group.bannedBar;
      case 'ended': return t().group.endedBar;
      default: return undefined;
    }
  };
  const cannotRead = (): string => formats().list(props.group.cannotRead.map(nameOf));
  return (
    <Switch>
      <Match when={props.group.state === 'invited'}>
        <div class="chat-notice">
          <Icon of={UsersRound} />
          <p>{t().group.invitedBar(nameOf(props.group.invitedBy ?? ''))}</p>
          <Button look="quiet" onClick={() => void attempt(() => core.declineGroup(props.chat.id), 'declined').then((done) => done && app.router.go({ name: 'home' }))}>{t().group.decline}</Button>
          <Button look="primary" onClick={() => void attempt(() => core.enterGroup(props.chat.id))}>{t().group.join}</Button>
        </div>
      </Match>
      <Match when={over()}>
        {(text) => (
          <div class="chat-notice">
            <Icon of={LogOut} mirror />
            <p>{text()}<Show when={props.group.note}> <bdi>“{props.group.note}”</bdi></Show></p>
          </div>
        )}
      </Match>
      <Match when={props.group.state === 'out'}>
        <div class="chat-notice">
          <Icon of={LogOut} mirror />
          <p>{t().group.outBar}</p>
          <Button onClick={() => void attempt(() => core.enterGroup(props.chat.id))}>{t().group.outAction}</Button>
        </div>
      </Match>
      <Match when={props.group.state === 'here' && props.group.privacy === 'private' && props.group.people === 1}>
        <div class="chat-notice">
          <Icon of={UserPlus} />
          <p>{t().group.alone}</p>
          <Show when={props.group.may.add}>
            <Button onClick={() => app.overlays.open({ name: 'add-members', address: props.chat.id })}>{t().group.add}</Button>
          </Show>
        </div>
      </Match>
      <Match when={props.group.state === 'here' && props.group.cannotRead.length > 0}>
        <div class="chat-notice">
          <Icon of={EyeOff} />
          <p>{t().group.cannotRead(cannotRead(), props.group.cannotRead.length)}</p>
        </div>
      </Match>
    </Switch>
  );
}
