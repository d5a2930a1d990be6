import { ChevronDown, Link2Off, MailX } from 'lucide';
import { createEffect, createSignal, type JSX, lazy, Match, on, Show, Suspense, Switch } from 'solid-js';
import type { InviteInfo } from '../../core/api';
import type { Route } from '../../stores/route';
import { Invitation } from '../../stores/invitation';
import { localPart } from '../../stores/contacts';
import { suggestUserName } from '../../stores/username';
import { read } from '../adapter';
import { useView } from '../context';
import { Avatar } from '../parts/Avatar';
import { Button } from '../parts/Button';
import { Field } from '../parts/Field';
import { Icon } from '../parts/Icon';
import { NewPassword } from '../parts/NewPassword';
import { FormError, Patiently } from '../parts/states';
import { EntryFrame } from './EntryFrame';
import { warm } from './warm';

const Qr = lazy(async () => ({ default: (await import('../parts/Qr')).Qr }));

/** The page behind an invitation link: who invites you to what, and the shortest way in. */
export default function InvitePage(props: { readonly token: string }): JSX.Element {
  const { app, t } = useView();
  warm(app);
  const invitation = new Invitation(app.core, props.token);
  const state = read(invitation);
  const session = read(app.session);
  const [entering, setEntering] = createSignal(false);
  /** Another account is to be made beside those that are here. */
  const [another, setAnother] = createSignal(false);
  const signedIn = (): boolean => !entering() && !another() && ['connecting', 'online', 'offline'].includes(session().phase);
  const leave = (route: Route): void => app.router.go(route, { replace: true });

  const create = async (displayName: string, userName: string, password: string): Promise<void> => {
    setEntering(true);
    const done = await invitation.accept(displayName, userName, password);
    if (done) leave(done.chat ? { name: 'chat', address: done.chat, details: false } : { name: 'home' });
    else setEntering(false);
  };
  const add = async (): Promise<void> => {
    const done = await invitation.acceptAsContact();
    if (done) leave({ name: 'chat', address: done.chat, details: false });
  };

  return (
    <Switch>
      <Match when={state().status === 'checking' || session().phase === 'starting'}>
        <div class="entry" role="status"><Patiently><p class="entry-wait">{t().invite.checking}</p></Patiently></div>
      </Match>
      <Match when={state().status === 'invalid'}>
        <EntryFrame title={t().invite.invalidTitle} lead={t().invite.invalidText} above={<span class="entry-sign"><Icon of={MailX} /></span>}>
          <Button look="primary" wide onClick={() => leave({ name: 'home' })}>{signedIn() ? t().invite.toChats : t().invite.goSignIn}</Button>
        </EntryFrame>
      </Match>
      <Match when={state().status === 'failed' && state().reason}>
        {(reason) => (
          <EntryFrame title={t().invite.offlineTitle} lead={t().reason(reason())} above={<span class="entry-sign"><Icon of={Link2Off} /></span>}>
            <Button look="primary" wide onClick={() => void invitation.look()}>{t().common.retry}</Button>
          </EntryFrame>
        )}
      </Match>
      <Match when={state().info?.reset !== undefined && state().info}>
        {(info) => <ResetPassword info={info()} invitation={invitation} onDone={() => { app.notices.done('password-changed'); leave({ name: 'home' }); }} onBusy={setEntering} />}
      </Match>
      <Match when={signedIn() && state().info}>
        {(info) => (
          <Show
            when={info().inviter !== undefined && info().inviter !== session().address && info()}
            fallback={(
              <EntryFrame title={t().invite.welcome(info().domain)} lead={info().inviter ? t().invite.own : t().invite.contactNone}>
                <div class="stack">
                  <Button look="primary" wide onClick={() => leave({ name: 'home' })}>{t().invite.toChats}</Button>
                  <Button look="quiet" wide onClick={() => setAnother(true)}>{t().accounts.create}</Button>
                </div>
              </EntryFrame>
            )}
          >
            <EntryFrame
              title={t().invite.contactTitle(nameOf(info()))} lead={t().invite.contactText(session().address ?? '')}
              above={<Avatar address={info().inviter ?? ''} name={nameOf(info())} size="large" />}
            >
              <FormError text={((reason) => reason && t().reason(reason))(state().error)} />
              <div class="stack">
                <Button look="primary" wide busy={state().busy} onClick={() => void add()}>{t().invite.contactAdd(nameOf(info()))}</Button>
                <Button look="quiet" wide onClick={() => leave({ name: 'home' })}>{t().invite.contactSkip}</Button>
                <Button look="quiet" wide onClick={() => setAnother(true)}>{t().accounts.create}</Button>
              </div>
            </EntryFrame>
          </Show>
        )}
      </Match>
      <Match when={state().info}>
        {(info) => <Join info={info()} invitation={invitation} onCreate={create} onSignIn={() => leave({ name: another() ? 'add-account' : 'home' })} />}
      </Match>
    </Switch>
  );
}

/** A link with which somebody who has forgotten the password chooses another one. */
function ResetPassword(props: { readonly info: InviteInfo; readonly invitation: Invitation; readonly onDone: () => void; readonly onBusy: (busy: boolean) => void }): JSX.Element {
  const { t } = useView();
  const state = read(props.invitation);
  const [password, setPassword] = createSignal('');
  let input!: HTMLInputElement;
  const address = (): string => `${props.info.reset ?? ''}@${props.info.domain}`;
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    props.onBusy(true);
    if (await props.invitation.reset(password())) props.onDone();
    else {
      props.onBusy(false);
      input.focus();
    }
  };
  const wrong = (): string | undefined => {
    switch (state().wrong?.password) {
      case 'missing': return t().invite.passwordMissing;
      case 'short': return t().password.atLeast(props.info.minPassword);
      case 'weak': return t().reason({ code: 'password-weak' });
      default: return undefined;
    }
  };
  return (
    <EntryFrame title={t().invite.resetTitle} lead={t().invite.resetText(address())}>
      <form class="form" novalidate onSubmit={(event) => void submit(event)}>
        <input class="hidden" type="text" name="username" autocomplete="username" value={address()} readonly tabindex="-1" aria-hidden="true" />
        <NewPassword
          label={t().settings.password.next} value={password()} onInput={setPassword} minimum={props.info.minPassword} ownWords={[props.info.reset ?? '']} error={wrong()}
          ref={(element) => { input = element; }}
        />
        <FormError text={((reason) => reason && t().reason(reason))(state().error)} />
        <p class="quiet">{t().invite.resetDevices}</p>
        <Button type="submit" look="primary" wide busy={state().busy}>{state().busy ? t().settings.password.busy : t().invite.resetSubmit}</Button>
      </form>
    </EntryFrame>
  );
}

function nameOf(info: InviteInfo): string {
  return info.inviterName ?? localPart(info.inviter ?? info.domain);
}

type JoinProps = {
  readonly info: InviteInfo;
  readonly invitation: Invitation;
  readonly onCreate: (displayName: string, userName: string, password: string) => Promise<void>;
  readonly onSignIn: () => void;
};

function Join(props: JoinProps): JSX.Element {
  const { t } = useView();
  const state = read(props.invitation);
  const [displayName, setDisplayName] = createSignal('');
  const [chosen, setChosen] = createSignal<string>();
  const [password, setPassword] = createSignal('');
  const userName = (): string => chosen() ?? suggestUserName(displayName());
  /** What was wrong with a field is told until it is changed. */
  const [tried, setTried] = createSignal({ displayName: '', userName: '', password: '' });
  const submit = (): void => {
    setTried({ displayName: displayName(), userName: userName(), password: password() });
    void props.onCreate(displayName(), userName(), password());
  };
  let displayNameInput!: HTMLInputElement;
  let userNameInput!: HTMLInputElement;
  let passwordInput!: HTMLInputElement;

  createEffect(on(state, ({ wrong, busy }) => {
    if (busy || !wrong) return;
    (wrong.displayName ? displayNameInput : wrong.userName ? userNameInput : passwordInput).focus();
  }, { defer: true }));

  const title = (): string => {
    if (props.info.firstAccount) return t().invite.firstAccount;
    return props.info.inviter ? t().invite.by(nameOf(props.info)) : t().invite.plain(props.info.domain);
  };
  const lead = (): string => {
    if (props.info.firstAccount) return t().invite.firstAccountText(props.info.domain);
    return props.info.inviter ? t().invite.byText(nameOf(props.info), props.info.domain) : t().invite.plainText;
  };
  const userNameError = (): string | undefined => {
    switch (userName() === tried().userName && state().wrong?.userName) {
      case 'missing': return t().invite.userNameMissing;
      case 'wrong': return t().invite.userNameWrong;
      case 'taken': return t().invite.userNameTaken;
      default: return undefined;
    }
  };
  const passwordError = (): string | undefined => {
    switch (password() === tried().password && state().wrong?.password) {
      case 'missing': return t().invite.passwordMissing;
      case 'short': return t().password.atLeast(props.info.minPassword);
      case 'weak': return t().reason({ code: 'password-weak' });
      default: return undefined;
    }
  };

  return (
    <EntryFrame
      title={title()} lead={lead()}
      above={props.info.inviter ? <Avatar address={props.info.inviter} name={nameOf(props.info)} size="large" /> : undefined}
    >
      <form class="form" novalidate onSubmit={(event) => { event.preventDefault(); submit(); }}>
        <Field
          label={t().invite.displayName} hint={t().invite.displayNameHint} name="name" autocomplete="name" autocapitalize="words"
          value={displayName()} onInput={setDisplayName} maxlength="60"
          error={displayName() === tried().displayName && state().wrong?.displayName ? t().invite.displayNameMissing : undefined}
          ref={(element) => { displayNameInput = element; }}
        />
        <Field
          label={t().invite.userName} hint={t().invite.userNameHint} name="username" autocomplete="username" dir="ltr"
          autocapitalize="none" autocorrect="off" spellcheck={false} maxlength="64"
          value={userName()} onInput={(value) => setChosen(value === '' ? undefined : value)}
          suffix={`@${props.info.domain}`} error={userNameError()} ref={(element) => { userNameInput = element; }}
        />
        <NewPassword
          label={t().invite.password} value={password()} onInput={setPassword} minimum={props.info.minPassword}
          ownWords={[userName(), ...displayName().split(' ')]} error={passwordError()} ref={(element) => { passwordInput = element; }}
        />
        <FormError text={((reason) => reason && t().reason(reason))(state().error)} />
        <Button type="submit" look="primary" wide busy={state().busy}>{state().busy ? t().invite.busy : t().invite.submit}</Button>
      </form>
      <div class="entry-other">
        <button type="button" class="text-button" onClick={() => props.onSignIn()}>{t().invite.signInInstead}</button>
        <details class="entry-native">
          <summary>{t().invite.nativeTitle}<Icon of={ChevronDown} /></summary>
          <p>{t().invite.nativeText}</p>
          <a class="button button-plain button-wide" href={props.info.uri}><span>{t().invite.nativeOpen}</span></a>
          <p>{t().invite.nativeScan}</p>
          <Suspense><Qr text={props.info.uri} label={t().inviteSomebody.code} /></Suspense>
        </details>
      </div>
    </EntryFrame>
  );
}
