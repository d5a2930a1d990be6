import { createMemo, createSignal, type JSX, Show } from 'solid-js';
import type { Address } from '../../core/api';
import { chatWith } from '../../stores/chats';
import { sortedMembers } from '../../stores/groups';
import { Resource } from '../../stores/resource';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Choice } from '../parts/Choice';
import { Dialog } from '../parts/Dialog';

/** Leaving; the last owner says who looks after the group then. */
export default function LeaveDialog(props: { readonly address: Address }): JSX.Element {
  const { app, t } = useView();
  const chats = read(app.chats);
  const contacts = read(app.contacts);
  const title = createMemo(() => chatWith(chats(), contacts(), props.address).title);
  const members = new Resource(() => app.core.members(props.address));
  const state = read(members);
  const [wish, setWish] = createSignal<Address>();
  const [busy, setBusy] = createSignal(false);
  const others = createMemo(() => {
    const now = state();
    return now.status === 'ready' ? sortedMembers(now.value).filter((member) => !member.self && member.role !== 'guest') : [];
  });
  const needsHeir = createMemo(() => {
    const now = state();
    const owners = now.status === 'ready' ? now.value.filter((member) => member.role === 'owner') : [];
    return owners.length === 1 && owners[0]?.self === true;
  });
  const heir = (): Address | undefined => (needsHeir() ? wish() ?? others()[0]?.address : undefined);
  const leave = async (): Promise<void> => {
    if (busy()) return;
    setBusy(true);
    const done = await app.attempt(() => app.core.leaveGroup(props.address, heir()), 'left-group');
    setBusy(false);
    if (!done) return;
    app.overlays.close();
    app.router.go({ name: 'home' });
  };
  return (
    <Dialog
      title={t().group.leaveTitle(title())} alert size="small" onClose={() => app.overlays.close()}
      actions={(
        <>
          <Button look="quiet" autofocus onClick={() => app.overlays.close()}>{t().common.cancel}</Button>
          <Button look="danger" busy={busy()} disabled={state().status === 'loading'} onClick={() => void leave()}>{t().group.leave}</Button>
        </>
      )}
    >
      <p>{needsHeir() && others().length === 0 ? t().group.leaveLast : t().group.leaveText}</p>
      <Show when={needsHeir() && others().length > 0}>
        <Choice
          legend={t().group.leaveHeir} value={heir() ?? ''} onChange={setWish}
          options={others().map((member) => ({ value: member.address, label: member.name }))}
        />
      </Show>
    </Dialog>
  );
}
