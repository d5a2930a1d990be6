import { createMemo, createSignal, type JSX, untrack } from 'solid-js';
import type { Address } from '../../core/api';
import { chatWith } from '../../stores/chats';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Choice } from '../parts/Choice';
import { Dialog } from '../parts/Dialog';

const times = [0, 30, 300, 3_600, 28_800, 86_400, 604_800, 2_419_200];

/** For how long messages are kept in a chat. */
export default function TimerDialog(props: { readonly address: Address }): JSX.Element {
  const { app, t, formats } = useView();
  const chats = read(app.chats);
  const chat = createMemo(() => chatWith(chats(), app.contacts.get(), props.address));
  const [chosen, setChosen] = createSignal(String(untrack(() => chat().timer ?? 0)));
  const offered = (): readonly number[] => [...new Set([...times, untrack(() => chat().timer ?? 0)])].sort((a, b) => a - b);
  const save = (): void => {
    const { address } = props, seconds = Number(chosen());
    app.overlays.close();
    void app.attempt(() => app.core.setTimer(address, seconds));
  };
  return (
    <Dialog
      title={t().timer.title} size="small" onClose={() => app.overlays.close()}
      actions={(
        <>
          <Button look="quiet" onClick={() => app.overlays.close()}>{t().common.cancel}</Button>
          <Button look="primary" onClick={save}>{t().common.save}</Button>
        </>
      )}
    >
      <p>{t().timer.text}</p>
      <Choice
        legend={t().timer.after} value={chosen()} onChange={setChosen}
        options={offered().map((seconds) => ({ value: String(seconds), label: seconds === 0 ? t().timer.off : formats().duration(seconds) }))}
      />
    </Dialog>
  );
}
