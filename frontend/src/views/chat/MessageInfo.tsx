import { type JSX, Show } from 'solid-js';
import type { Message } from '../../core/api';
import { useView } from '../context';
import { Dialog } from '../parts/Dialog';
import { LockMark, Ticks } from '../parts/Marks';

/** When, how far, how protected. */
export default function MessageInfo(props: { readonly message: Message }): JSX.Element {
  const { app, t, formats } = useView();
  return (
    <Dialog title={t().messageInfo.title} size="small" onClose={() => app.overlays.close()}>
      <blockquote class="info-text" dir="auto">{props.message.text}</blockquote>
      <dl class="facts">
        <dt>{t().messageInfo.sent}</dt>
        <dd>{formats().full(props.message.at)}</dd>
        <dt>{t().messageInfo.state}</dt>
        <dd><Show when={props.message.outgoing}><Ticks state={props.message.state} silent /> </Show>{t().chat.state[props.message.state]}</dd>
        <dt>{t().messageInfo.lock}</dt>
        <dd><LockMark lock={props.message.lock} silent /> {t().messageInfo.lockText[props.message.lock]}</dd>
        <Show when={props.message.device}>
          {(device) => <><dt>{t().messageInfo.device}</dt><dd>{t().lock.device(String(device()))}</dd></>}
        </Show>
        <Show when={props.message.reason}>
          {(reason) => <><dt>{t().messageInfo.why}</dt><dd>{t().reason(reason())}</dd></>}
        </Show>
      </dl>
    </Dialog>
  );
}
