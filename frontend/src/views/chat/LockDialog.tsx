import { QrCode } from 'lucide';
import { createMemo, type JSX, Show } from 'solid-js';
import type { Address } from '../../core/api';
import { chatWith } from '../../stores/chats';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Dialog } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import { lockIcons } from '../parts/Marks';
import { DeviceList } from './DeviceList';
import './lock.css';

/** What the lock of a chat means, and whose devices it is for. */
export default function LockDialog(props: { readonly address: Address }): JSX.Element {
  const { app, t } = useView();
  const chats = read(app.chats);
  const contacts = read(app.contacts);
  const session = read(app.session);
  const chat = createMemo(() => chatWith(chats(), contacts(), props.address));
  return (
    <Dialog title={t().lock.title(chat().title)} onClose={() => app.overlays.close()}>
      <div class={`lock-state lock-${chat().lock}`}>
        <span class="lock-state-icon"><Icon of={lockIcons[chat().lock]} /></span>
        <div>
          <b>{t().lock[chat().lock]}</b>
          <p>{t().lock.text[chat().lock](chat().title)}</p>
        </div>
      </div>
      <Show when={chat().lock === 'encrypted'}>
        <div class="lock-verify">
          <p>{t().lock.verifyHint(chat().title)}</p>
          <Button icon={QrCode} look="primary" onClick={() => app.overlays.open({ name: 'verify', address: props.address })}>{t().lock.verify}</Button>
        </div>
      </Show>
      <h3>{t().lock.devicesOf(chat().title)}</h3>
      <DeviceList address={props.address} />
      <p class="quiet">{t().lock.distrustHint}</p>
      <Show when={session().address}>
        {(own) => (
          <>
            <h3>{t().lock.ownDevices}</h3>
            <DeviceList address={own()} />
          </>
        )}
      </Show>
    </Dialog>
  );
}
