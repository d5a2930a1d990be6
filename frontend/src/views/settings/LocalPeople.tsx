import { createMemo, createSignal, createUniqueId, For, type JSX } from 'solid-js';
import type { Address } from '../../core/api';
import { completeAddress, domainPart, shownName } from '../../stores/contacts';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Field } from '../parts/Field';

/** Names somebody who has an account on this server: by name, or by address; contacts are offered. */
export function LocalPeople(props: { readonly label: string; readonly action: string; readonly except: readonly Address[]; readonly onAdd: (address: Address) => Promise<boolean> }): JSX.Element {
  const { app, t } = useView();
  const contacts = read(app.contacts);
  const session = read(app.session);
  const [typed, setTyped] = createSignal('');
  const [wrong, setWrong] = createSignal(false);
  const [busy, setBusy] = createSignal(false);
  const id = createUniqueId();
  const domain = (): string => domainPart(session().address ?? '');
  const offered = createMemo(() => [...contacts().keys(), session().address ?? ''].filter((address) => domainPart(address) === domain() && !props.except.includes(address)));
  const add = async (event: Event): Promise<void> => {
    event.preventDefault();
    const address = completeAddress(typed(), domain());
    setWrong(address === undefined || domainPart(address) !== domain());
    if (address === undefined || wrong() || busy()) return;
    setBusy(true);
    if (await props.onAdd(address)) setTyped('');
    setBusy(false);
  };
  return (
    <form class="local-people" onSubmit={(event) => void add(event)}>
      <Field
        label={props.label} value={typed()} onInput={(value) => { setTyped(value); setWrong(false); }} list={id} autocomplete="off" autocapitalize="none" spellcheck={false}
        suffix={typed().includes('@') ? undefined : `@${domain()}`} error={wrong() ? t().family.notHere(domain()) : undefined} dir="ltr"
      />
      <datalist id={id}><For each={offered()}>{(address) => <option value={address}>{shownName(contacts().get(address), address)}</option>}</For></datalist>
      <Button type="submit" busy={busy()} disabled={typed().trim() === ''}>{props.action}</Button>
    </form>
  );
}
