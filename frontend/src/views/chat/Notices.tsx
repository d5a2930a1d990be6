import { Ban, ShieldAlert, TriangleAlert, UserPlus } from 'lucide';
import { type JSX, Match, Switch } from 'solid-js';
import type { Chat, Contact } from '../../core/api';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
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
        <div class="chat-notice chat-notice-serious" role="alert">
          <Icon of={ShieldAlert} />
          <p>{t().chat.newDeviceBar(props.chat.title)}</p>
          <Button look="primary" onClick={() => app.overlays.open({ name: 'lock', address: props.chat.id })}>{t().chat.check}</Button>
        </div>
      </Match>
      <Match when={props.contact?.relation === 'request'}>
        <div class="chat-notice">
          <Icon of={UserPlus} />
          <p>{t().chat.requestBar(props.chat.title)}</p>
          <Button look="quiet" onClick={() => void attempt(() => core.block(props.chat.id), 'blocked')}>{t().requests.block}</Button>
          <Button look="quiet" onClick={() => void attempt(() => core.declineContact(props.chat.id), 'declined')}>{t().requests.decline}</Button>
          <Button look="primary" onClick={() => void attempt(() => core.acceptContact(props.chat.id), 'contact-added')}>{t().requests.accept}</Button>
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
