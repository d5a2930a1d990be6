import { createSignal, type JSX, Show } from 'solid-js';
import type { Address } from '../../core/api';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Choice } from '../parts/Choice';
import { Dialog } from '../parts/Dialog';
import { Field } from '../parts/Field';
import { PeoplePicker } from './PeoplePicker';

const nobody: ReadonlySet<Address> = new Set();

/** A name and some people: that is a group. A public one needs nobody yet. */
export default function NewGroupDialog(props: { readonly public: boolean }): JSX.Element {
  const { app, t } = useView();
  const session = read(app.session);
  const [privacy, setPrivacy] = createSignal<'private' | 'public'>(props.public ? 'public' : 'private');
  const [about, setAbout] = createSignal('');
  const [name, setName] = createSignal('');
  const [chosen, setChosen] = createSignal<readonly Address[]>([]);
  const [busy, setBusy] = createSignal(false);
  const [missing, setMissing] = createSignal(false);
  let field!: HTMLInputElement;
  const create = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy()) return;
    if (name().trim() === '') {
      setMissing(true);
      field.focus();
      return;
    }
    setBusy(true);
    let address: Address | undefined;
    await app.attempt(async () => { address = await app.core.createGroup(name(), privacy() === 'public' ? [] : chosen(), privacy() === 'public' ? { public: true, description: about() } : undefined); });
    setBusy(false);
    if (address === undefined) return;
    app.overlays.close();
    app.router.go({ name: 'chat', address, details: false });
  };
  return (
    <Dialog
      title={t().group.new} onClose={() => app.overlays.close()}
      actions={(
        <>
          <Button look="quiet" onClick={() => app.overlays.close()}>{t().common.cancel}</Button>
          <Button look="primary" type="submit" form="new-group" busy={busy()}>{busy() ? t().group.creating : t().group.create}</Button>
        </>
      )}
    >
      <form id="new-group" class="group-form" onSubmit={(event) => void create(event)}>
        <Show when={session().role !== 'limited'} fallback={<p class="quiet">{t().group.newText}</p>}>
          <Choice<'private' | 'public'>
            legend={t().rooms.kind} value={privacy()} onChange={setPrivacy}
            options={[
              { value: 'private', label: t().rooms.private, hint: t().rooms.privateHint },
              { value: 'public', label: t().rooms.public, hint: t().rooms.publicHint },
            ]}
          />
        </Show>
        <Field
          label={t().group.name} value={name()} onInput={(value) => { setName(value); setMissing(false); }} maxlength="100" autocomplete="off" autofocus
          enterkeyhint="next" error={missing() ? t().group.nameMissing : undefined} ref={(element) => { field = element; }}
        />
        <Show when={privacy() === 'public'}>
          <Field label={t().rooms.about} hint={t().rooms.aboutHint} value={about()} onInput={setAbout} maxlength="500" autocomplete="off" enterkeyhint="done" />
        </Show>
      </form>
      <Show when={privacy() === 'private'}>
        <h3>{t().group.people}</h3>
        <PeoplePicker chosen={chosen()} onChange={setChosen} except={nobody} empty={t().group.noContacts} />
      </Show>
    </Dialog>
  );
}
