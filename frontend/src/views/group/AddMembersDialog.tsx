import { createMemo, createSignal, type JSX, Show } from 'solid-js';
import type { Address } from '../../core/api';
import { Resource } from '../../stores/resource';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Dialog } from '../parts/Dialog';
import { PeoplePicker } from './PeoplePicker';

/** Takes contacts into a group. */
export default function AddMembersDialog(props: { readonly address: Address }): JSX.Element {
  const { app, t } = useView();
  const members = new Resource(() => app.core.members(props.address));
  const state = read(members);
  const [chosen, setChosen] = createSignal<readonly Address[]>([]);
  const [busy, setBusy] = createSignal(false);
  const there = createMemo((): ReadonlySet<Address> => {
    const now = state();
    return new Set(now.status === 'ready' ? now.value.map((member) => member.address) : []);
  });
  const add = async (): Promise<void> => {
    if (chosen().length === 0) return;
    setBusy(true);
    const done = await app.attempt(() => app.core.addMembers(props.address, chosen()), 'invited');
    setBusy(false);
    if (done) app.overlays.close();
  };
  return (
    <Dialog
      title={t().group.add} onClose={() => app.overlays.close()}
      actions={(
        <>
          <Button look="quiet" onClick={() => app.overlays.close()}>{t().common.cancel}</Button>
          <Button look="primary" busy={busy()} disabled={chosen().length === 0} onClick={() => void add()}>{busy() ? t().group.adding : t().group.add}</Button>
        </>
      )}
    >
      <Show when={state().status === 'ready'}>
        <PeoplePicker chosen={chosen()} onChange={setChosen} except={there()} empty={t().group.addNone} autofocus />
      </Show>
    </Dialog>
  );
}
