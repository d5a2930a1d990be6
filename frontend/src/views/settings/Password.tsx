import { createSignal, type JSX } from 'solid-js';
import { localPart } from '../../stores/contacts';
import { PasswordChange } from '../../stores/passwordchange';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { PasswordField } from '../parts/Field';
import { NewPassword } from '../parts/NewPassword';
import { FormError } from '../parts/states';

export function Password(): JSX.Element {
  const { app, t } = useView();
  const session = read(app.session);
  const change = new PasswordChange(app.core);
  const state = read(change);
  const [current, setCurrent] = createSignal('');
  const [next, setNext] = createSignal('');
  const own = (): string => localPart(session().address ?? '');
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!await change.submit(current(), next(), [own(), session().displayName ?? ''])) return;
    setCurrent('');
    setNext('');
    app.notices.done('password-changed');
  };
  const nextError = (): string | undefined => {
    switch (state().wrong?.next) {
      case 'missing': return t().settings.password.nextMissing;
      case 'short': return t().password.atLeast(change.minimum);
      case 'weak': return t().reason({ code: 'password-weak' });
      default: return undefined;
    }
  };
  return (
    <form class="form" novalidate onSubmit={(event) => void submit(event)}>
      <input class="hidden" type="text" name="username" autocomplete="username" value={session().address ?? ''} readonly tabindex="-1" aria-hidden="true" />
      <PasswordField
        label={t().settings.password.current} value={current()} onInput={setCurrent} autocomplete="current-password" name="current-password"
        error={((it) => (it === 'missing' ? t().settings.password.currentMissing : it === 'wrong' ? t().settings.password.currentWrong : undefined))(state().wrong?.current)}
      />
      <NewPassword label={t().settings.password.next} value={next()} onInput={setNext} minimum={change.minimum} ownWords={[own()]} error={nextError()} />
      <FormError text={((reason) => reason && t().reason(reason))(state().reason)} />
      <p class="quiet">{t().settings.password.text}</p>
      <div class="line line-end"><Button type="submit" look="primary" busy={state().busy}>{state().busy ? t().settings.password.busy : t().settings.password.submit}</Button></div>
    </form>
  );
}
