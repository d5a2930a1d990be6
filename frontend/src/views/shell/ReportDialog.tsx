import { createMemo, createSignal, type JSX } from 'solid-js';
import type { Address, Report } from '../../core/api';
import { chatWith } from '../../stores/chats';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Choice } from '../parts/Choice';
import { Dialog } from '../parts/Dialog';
import { Field } from '../parts/Field';

/** Blocks somebody and tells those who look after the server why. */
export default function ReportDialog(props: { readonly address: Address }): JSX.Element {
  const { app, t } = useView();
  const chats = read(app.chats);
  const contacts = read(app.contacts);
  const name = createMemo(() => chatWith(chats(), contacts(), props.address).title);
  const [reason, setReason] = createSignal<Report['reason']>('spam');
  const [note, setNote] = createSignal('');
  const send = (): void => {
    const { address } = props, report = { reason: reason(), text: note() };
    app.overlays.close();
    void app.attempt(() => app.core.block(address, report), 'reported');
  };
  return (
    <Dialog
      title={t().report.title(name())} size="small" onClose={() => app.overlays.close()}
      actions={(
        <>
          <Button look="quiet" onClick={() => app.overlays.close()}>{t().common.cancel}</Button>
          <Button look="danger" onClick={send}>{t().report.send}</Button>
        </>
      )}
    >
      <p>{t().report.text}</p>
      <Choice
        legend={t().report.why} value={reason()} onChange={setReason}
        options={(['spam', 'abuse'] as const).map((value) => ({ value, label: t().report[value] }))}
      />
      <Field label={t().report.note} value={note()} onInput={setNote} maxlength="1000" autocomplete="off" />
    </Dialog>
  );
}
