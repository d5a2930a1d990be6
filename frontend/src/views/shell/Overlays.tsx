import { type JSX, lazy, Match, Suspense, Switch } from 'solid-js';
import type { Overlay } from '../../stores/overlays';
import { read } from '../adapter';
import { useView } from '../context';

const Invite = lazy(() => import('./InviteDialog'));
const Lock = lazy(() => import('../chat/LockDialog'));
const MessageInfo = lazy(() => import('../chat/MessageInfo'));
const NewChat = lazy(() => import('./NewChatDialog'));
const Shortcuts = lazy(() => import('./ShortcutsDialog'));
const SignOut = lazy(() => import('../settings/SignOut'));
const Switcher = lazy(() => import('./Switcher'));
const Verify = lazy(() => import('../chat/VerifyDialog'));

/** The dialog above the app; each is fetched when it is first opened. */
export function Overlays(): JSX.Element {
  const { app } = useView();
  const overlay = read(app.overlays);
  const as = <N extends Overlay['name']>(name: N): Extract<Overlay, { name: N }> | undefined => {
    const now = overlay();
    return now?.name === name ? now as Extract<Overlay, { name: N }> : undefined;
  };
  return (
    <Suspense>
      <Switch>
        <Match when={as('new-chat')}><NewChat /></Match>
        <Match when={as('invite')}><Invite /></Match>
        <Match when={as('switcher')}><Switcher /></Match>
        <Match when={as('shortcuts')}><Shortcuts /></Match>
        <Match when={as('sign-out')}><SignOut /></Match>
        <Match when={as('lock')}>{(it) => <Lock address={it().address} />}</Match>
        <Match when={as('verify')}>{(it) => <Verify address={it().address} />}</Match>
        <Match when={as('message-info')}>{(it) => <MessageInfo message={it().message} />}</Match>
      </Switch>
    </Suspense>
  );
}
