import { createEffect, createSignal, For, type JSX, on, Show, untrack } from 'solid-js';
import { formatUri } from '../../stores/uri';
import { localPart, domainPart } from '../../stores/contacts';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Field, PasswordField } from '../parts/Field';
import { FormError } from '../parts/states';
import { AccountFace, accountLabel } from '../shell/AccountMenu';
import { EntryFrame } from './EntryFrame';
import { warm } from './warm';

/**
 * Name and password. Also shown when the server no longer accepts what this browser has: the reason is told first.
 * `adding`: another account beside those that are here.
 */
export default function SignInPage(props: { readonly adding?: boolean }): JSX.Element {
  const { app, t } = useView();
  warm(app);
  const session = read(app.session);
  const domain = read(app.domain);
  const state = read(app.signIn);
  const route = read(app.router);
  /** A link into a private group led here: it is open again when one is signed in. */
  const group = (): { address: string; key: string } | undefined => {
    const now = route();
    return now.name === 'group' && now.key !== undefined ? { address: now.address, key: now.key } : undefined;
  };
  const accounts = read(app.accounts);
  const locked = (): boolean => !props.adding && session().phase === 'locked';
  const others = () => accounts().filter((account) => account.address !== session().address);
  const known = (): string => {
    const address = session().address;
    if (!address || props.adding) return '';
    return domainPart(address) === domain() ? localPart(address) : address;
  };
  const [address, setAddress] = createSignal(known());
  const [password, setPassword] = createSignal('');
  let addressInput!: HTMLInputElement;
  let passwordInput!: HTMLInputElement;

  if (untrack(() => props.adding) && !state().busy) app.signIn.reset();

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
      title={props.adding ? t().accounts.addTitle : locked() ? t().signIn.lockedTitle : t().signIn.title}
      lead={props.adding ? t().accounts.addText : locked()
        ? session().reason?.code === 'conflict' ? t().signIn.replacedText : t().signIn.lockedText
        : group() ? t().groupLink.signIn : t().entry.tagline}
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
      <Show when={locked()} fallback={(
        <Show when={group()} fallback={<><p class="entry-note">{t().signIn.otherDevice}</p><p class="entry-note">{t().signIn.noAccount}</p></>}>
          {(it) => (
            <>
              <p class="entry-note">{t().groupLink.noAccount}</p>
              <a class="button button-quiet button-wide" href={formatUri(it().address, it().key)}><span>{t().groupLink.openElsewhere}</span></a>
            </>
          )}
        </Show>
      )}
      >
        <Button look="quiet" wide onClick={() => app.overlays.open({ name: 'sign-out' })}>{others().length > 0 ? t().settings.signOut : t().signIn.lockedForget}</Button>
        <Show when={others().length > 0}>
          <section class="account-list">
            <h2 class="entry-note">{t().accounts.others}</h2>
            <For each={others()}>
              {(account) => (
                <button type="button" class="account-line" aria-label={accountLabel(t, account)} onClick={() => void app.attempt(async () => { await app.accounts.switch(account.address); })}>
                  <AccountFace account={account} />
                </button>
              )}
            </For>
          </section>
        </Show>
      </Show>
      <Show when={props.adding}>
        <Button look="quiet" wide onClick={() => app.router.up()}>{t().common.cancel}</Button>
      </Show>
    </EntryFrame>
  );
}
