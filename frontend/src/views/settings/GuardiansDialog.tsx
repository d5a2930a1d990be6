import { createSignal, For, type JSX, Show } from 'solid-js';
import type { Address, Child } from '../../core/api';
import { shownName } from '../../stores/contacts';
import { read } from '../adapter';
import { useView } from '../context';
import { Avatar } from '../parts/Avatar';
import { Button } from '../parts/Button';
import { Dialog } from '../parts/Dialog';
import { LocalPeople } from './LocalPeople';
import './family.css';

/** Who decides for a child. For administrators. */
export function GuardiansDialog(props: { readonly child: Child; readonly onClose: () => void }): JSX.Element {
  const { app, t } = useView();
  const contacts = read(app.contacts);
  const session = read(app.session);
  const [people, setPeople] = createSignal<readonly Address[]>(props.child.guardians);
  const [busy, setBusy] = createSignal(false);
  const nameOf = (address: Address): string => (address === session().address ? t().common.you : shownName(contacts().get(address), address));
  const save = async (): Promise<void> => {
    if (busy()) return;
    setBusy(true);
    const done = await app.attempt(() => app.core.setGuardians(props.child.address, people()), 'saved');
    setBusy(false);
    if (done) props.onClose();
  };
  return (
    <Dialog
      title={t().family.guardiansOf(props.child.name)} size="small" onClose={() => props.onClose()}
      actions={(
        <>
          <Button look="quiet" onClick={() => props.onClose()}>{t().common.cancel}</Button>
          <Button look="primary" busy={busy()} onClick={() => void save()}>{t().common.save}</Button>
        </>
      )}
    >
      <div class="section">
        <p class="quiet">{t().family.guardiansOfText(props.child.name)}</p>
        <Show when={people().length > 0} fallback={<p class="quiet">{t().family.guardiansNone}</p>}>
          <ul class="card" role="list">
            <For each={people()}>
              {(person) => (
                <li class="device-line">
                  <Avatar address={person} name={nameOf(person)} size="small" />
                  <span class="device-names"><b><bdi>{nameOf(person)}</bdi></b><small><bdi dir="ltr">{person}</bdi></small></span>
                  <button type="button" class="text-button text-button-danger" aria-label={`${t().family.takeOut}: ${nameOf(person)}`} onClick={() => setPeople(people().filter((one) => one !== person))}>{t().family.takeOut}</button>
                </li>
              )}
            </For>
          </ul>
        </Show>
        <LocalPeople
          label={t().family.addGuardian} action={t().family.add} except={[...people(), props.child.address]}
          onAdd={(address) => { setPeople([...people().filter((one) => one !== address), address]); return Promise.resolve(true); }}
        />
      </div>
    </Dialog>
  );
}
