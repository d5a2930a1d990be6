import { createSignal, type JSX } from 'solid-js';
import { Leaving } from '../../stores/leaving';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Dialog } from '../parts/Dialog';
import { PasswordField } from '../parts/Field';
import { FormError } from '../parts/states';

/** Says what goes, and asks for the password before it does. */
export default function DeleteAccount(): JSX.Element {
  const { app, t } = useView();
  const session = read(app.session);
  const leaving = new Leaving(app.core);
  const state = read(leaving);
  const address = session().address ?? '';
  const [password, setPassword] = createSignal('');
  let field!: HTMLInputElement;
  const go = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (await leaving.submit(password())) {
      app.overlays.close();
      app.router.go({ name: 'home' }, { replace: true });
      app.notices.done('account-deleted');
    } else if (state().wrong) {
      field.focus();
      field.select();
    }
  };
  const wrong = (): string | undefined => {
    switch (state().wrong) {
      case 'missing': return t().settings.password.currentMissing;
      case 'wrong': return t().settings.password.currentWrong;
      default: return undefined;
    }
  };
  return (
    <Dialog
      title={t().settings.data.askTitle} alert size="small" onClose={() => app.overlays.close()}
      actions={(
        <>
          <Button look="quiet" onClick={() => app.overlays.close()}>{t().common.cancel}</Button>
          <Button look="danger" type="submit" form="delete-account" busy={state().busy}>{state().busy ? t().settings.data.deleting : t().settings.data.delete}</Button>
        </>
      )}
    >
      <form id="delete-account" class="form" novalidate onSubmit={(event) => void go(event)}>
        <p>{t().settings.data.askText(address)}</p>
        <ul class="plain-list">
          <li>{t().settings.data.askServer}</li>
          <li>{t().settings.data.askHere}</li>
          <li>{t().settings.data.askOthers}</li>
        </ul>
        <input class="hidden" type="text" name="username" autocomplete="username" value={address} readonly tabindex="-1" aria-hidden="true" />
        <PasswordField
          label={t().settings.data.password} value={password()} onInput={setPassword} autocomplete="current-password" name="current-password" autofocus
          error={wrong()} ref={(element) => { field = element; }}
        />
        <FormError text={((reason) => reason && t().reason(reason))(state().reason)} />
      </form>
    </Dialog>
  );
}
