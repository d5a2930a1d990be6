import { createMemo, createSignal, type JSX, Show } from 'solid-js';
import type { Address } from '../../core/api';
import { muteTimes, mutedFor, type MuteTime } from '../../stores/arrange';
import { chatWith } from '../../stores/chats';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Choice } from '../parts/Choice';
import { Dialog } from '../parts/Dialog';
import { Switch } from '../parts/Switch';

/** For how long nothing is to be told of a chat. */
export default function MuteDialog(props: { readonly address: Address }): JSX.Element {
  const { app, t } = useView();
  const chats = read(app.chats);
  const chat = createMemo(() => chatWith(chats(), app.contacts.get(), props.address));
  const [time, setTime] = createSignal<MuteTime>('hours');
  const [except, setExcept] = createSignal(true);
  const group = (): boolean => chat().kind === 'group';
  const mute = (): void => {
    const { address } = props, muted = mutedFor(time(), app.clock.now(), group() && except());
    app.overlays.close();
    void app.attempt(() => app.core.arrangeChat(address, { muted }));
  };
  return (
    <Dialog
      title={t().arrange.muteTitle(chat().title)} size="small" onClose={() => app.overlays.close()}
      actions={(
        <>
          <Button look="quiet" onClick={() => app.overlays.close()}>{t().common.cancel}</Button>
          <Button look="primary" onClick={mute}>{t().arrange.muteAction}</Button>
        </>
      )}
    >
      <p>{t().arrange.muteText}</p>
      <Choice legend={t().arrange.muteFor} value={time()} options={muteTimes.map((value) => ({ value, label: t().arrange[value] }))} onChange={setTime} />
      <Show when={group()}><Switch label={t().arrange.exceptMentions} on={except()} onChange={setExcept} /></Show>
    </Dialog>
  );
}
