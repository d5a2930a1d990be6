import { createEffect, type JSX, lazy, Match, on, Show, Suspense, Switch } from 'solid-js';
import type { App } from '../stores/app';
import { read } from './adapter';
import { attention } from './attention';
import { AppContext, useView } from './context';
import { createLayers, LayersContext } from './layers';
import { Contained } from './parts/Contained';
import { Mark } from './parts/Mark';
import { Patiently } from './parts/states';
import { Toasts } from './parts/Toasts';
import { notifications } from './shell/notifications';
import { Speaking } from './Speaking';

const InvitePage = lazy(() => import('./entry/InvitePage'));
const LinkPage = lazy(() => import('./entry/LinkPage'));
const SignInPage = lazy(() => import('./entry/SignIn'));
const main = () => import('./shell/Main');
const Main = lazy(main);
const SignOut = lazy(() => import('./settings/SignOut'));

export function Root(props: { readonly app: App }): JSX.Element {
  return (
    <Speaking preferences={props.app.preferences}>
      <AppContext.Provider value={props.app}>
        <LayersContext.Provider value={createLayers()}>
          <Contained><Place /></Contained>
          <Telling />
          <Toasts />
        </LayersContext.Provider>
      </AppContext.Provider>
    </Speaking>
  );
}

/** Notifications come wherever one is in the app, as long as there is an account to which somebody can write. */
function Telling(): JSX.Element {
  const { app, t } = useView();
  const accounts = read(app.accounts);
  const Told = (): JSX.Element => {
    notifications(app, t, attention());
    return undefined;
  };
  return <Show when={accounts().length > 0}><Told /></Show>;
}

/** The first choice: an invitation, the way in, or the app. */
function Place(): JSX.Element {
  const { app } = useView();
  const session = read(app.session);
  const route = read(app.router);
  const signingIn = read(app.signIn);
  const overlay = read(app.overlays);
  const token = (): string | undefined => {
    const now = route();
    return now.name === 'invite' ? now.token : undefined;
  };
  const link = (): string | undefined => {
    const now = route();
    return now.name === 'link' ? now.token : undefined;
  };
  const outside = (): boolean => session().phase === 'none' || session().phase === 'locked' || signingIn().busy;
  const adding = (): boolean => route().name === 'add-account' && session().phase !== 'none';
  createEffect(on(token, () => app.overlays.close(), { defer: true }));
  if (app.accounts.likely) main().catch(() => undefined); // while the core opens what is kept
  createEffect(() => { if (signingIn().busy) main().catch(() => undefined); }); // it is there when one is in
  return (
    <Suspense fallback={<Splash />}>
      <Switch fallback={<Main />}>
        <Match when={token()} keyed>{(it) => <InvitePage token={it} />}</Match>
        <Match when={session().phase === 'starting'}><Splash /></Match>
        <Match when={link()} keyed>{(it) => <LinkPage token={it} />}</Match>
        <Match when={adding()}><SignInPage adding /></Match>
        <Match when={outside()}>
          <SignInPage />
          <Show when={overlay()?.name === 'sign-out'}><SignOut /></Show>
        </Match>
      </Switch>
    </Suspense>
  );
}

/** Nothing at first; the mark when starting takes long. */
function Splash(): JSX.Element {
  const { t } = useView();
  return (
    <main class="splash">
      <h1 class="hidden">{t().app}</h1>
      <div role="status" aria-label={t().common.loading}><Patiently><Mark /></Patiently></div>
    </main>
  );
}
