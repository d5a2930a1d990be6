import { createEffect, createSignal, type JSX, on, Show } from 'solid-js';
import { localPart, domainPart } from '../../stores/contacts';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Field, PasswordField } from '../parts/Field';
import { FormError } from '../parts/states';
import { EntryFrame } from './EntryFrame';

/** Name and password. Also shown when the server no longer accepts what this browser has: the reason is told first. */
export default function SignInPage(): JSX.Element {
  const { app, t } = useView();
  const session = read(app.session);
  const domain = read(app.domain);
  const state = read(app.signIn);
  const locked = (): boolean => session().phase === 'locked';
  const known = (): string => {
    const address = session().address;
    if (!address) return '';
    return domainPart(address) === domain() ? localPart(address) : address;
  };
  const [address, setAddress] = createSignal(known());
  const [password, setPassword] = createSignal('');
  let addressInput!: HTMLInputElement;
  let passwordInput!: HTMLInputElement;

  createEffect(on(state, (now) => {
    if (now.busy) return;
    if (now.wrong?.address) addressInput.focus();
    else if (now.wrong?.password || now.reason?.code === 'credentials') {
      passwordInput.focus();
      passwordInput.select();
    }
  }, { defer: true }));

  const addressError = (): string | undefined => {
    switch (state().wrong?.address) {
      case 'missing': return t().signIn.addressMissing;
      case 'wrong': return t().signIn.addressWrong;
      default: return undefined;
    }
  };
  return (
    <EntryFrame
      title={locked() ? t().signIn.lockedTitle : t().signIn.title}
      lead={locked()
        ? session().reason?.code === 'conflict' ? t().signIn.replacedText : t().signIn.lockedText
        : t().entry.tagline}
    >
      <form class="form" novalidate onSubmit={(event) => { event.preventDefault(); void app.signIn.submit(address(), password()); }}>
        <Field
          label={t().signIn.address} name="username" autocomplete="username" autocapitalize="none" autocorrect="off" spellcheck={false} dir="ltr"
          value={address()} onInput={setAddress} readonly={locked()} autofocus={!locked()}
          suffix={address().includes('@') ? undefined : `@${domain()}`}
          error={addressError()} ref={(element) => { addressInput = element; }}
        />
        <PasswordField
          label={t().signIn.password} name="password" autocomplete="current-password"
          value={password()} onInput={setPassword} autofocus={locked()}
          error={state().wrong?.password ? t().signIn.passwordMissing : undefined}
          ref={(element) => { passwordInput = element; }}
        />
        <FormError text={((reason) => reason && t().reason(reason))(state().reason)} />
        <Button type="submit" look="primary" wide busy={state().busy}>{state().busy ? t().signIn.busy : t().signIn.submit}</Button>
      </form>
      <Show when={locked()} fallback={<><p class="entry-note">{t().signIn.otherDevice}</p><p class="entry-note">{t().signIn.noAccount}</p></>}>
        <Button look="quiet" wide onClick={() => app.overlays.open({ name: 'sign-out' })}>{t().signIn.lockedForget}</Button>
      </Show>
    </EntryFrame>
  );
}
