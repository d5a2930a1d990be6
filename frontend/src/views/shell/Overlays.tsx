import { ErrorBoundary, type JSX, lazy, Match, Suspense, Switch } from 'solid-js';
import type { Overlay } from '../../stores/overlays';
import { read } from '../adapter';
import { useView } from '../context';

const parts = {
  forward: () => import('../chat/ForwardDialog'),
  invite: () => import('./InviteDialog'),
  lock: () => import('../chat/LockDialog'),
  messageInfo: () => import('../chat/MessageInfo'),
  mute: () => import('./MuteDialog'),
  newChat: () => import('./NewChatDialog'),
  newGroup: () => import('../group/NewGroupDialog'),
  addMembers: () => import('../group/AddMembersDialog'),
  inviteByLink: () => import('../group/InviteByLink'),
  leaveGroup: () => import('../group/LeaveDialog'),
  picture: () => import('../chat/PictureView'),
  pins: () => import('../chat/PinsDialog'),
  poll: () => import('../chat/PollDialog'),
  location: () => import('../place/LocationDialog'),
  place: () => import('../place/PlaceDialog'),
  timer: () => import('../chat/TimerDialog'),
  report: () => import('./ReportDialog'),
  shortcuts: () => import('./ShortcutsDialog'),
  deleteAccount: () => import('../settings/DeleteAccount'),
  signOut: () => import('../settings/SignOut'),
  stickerMake: () => import('../chat/StickerDialog'),
  stickerPack: () => import('../chat/StickerPackDialog'),
  stickerRemove: () => import('../chat/StickerRemoval'),
  switcher: () => import('./Switcher'),
  verify: () => import('../chat/VerifyDialog'),
};
const ForwardTo = lazy(parts.forward);
const Invite = lazy(parts.invite);
const Lock = lazy(parts.lock);
const MessageInfo = lazy(parts.messageInfo);
const Mute = lazy(parts.mute);
const NewChat = lazy(parts.newChat);
const NewGroup = lazy(parts.newGroup);
const AddMembers = lazy(parts.addMembers);
const InviteByLink = lazy(parts.inviteByLink);
const LeaveGroup = lazy(parts.leaveGroup);
const Picture = lazy(parts.picture);
const Pins = lazy(parts.pins);
const Poll = lazy(parts.poll);
const ShareLocation = lazy(parts.location);
const ShowPlace = lazy(parts.place);
const Timer = lazy(parts.timer);
const Report = lazy(parts.report);
const Shortcuts = lazy(parts.shortcuts);
const DeleteAccount = lazy(parts.deleteAccount);
const SignOut = lazy(parts.signOut);
const StickerMake = lazy(parts.stickerMake);
const StickerPack = lazy(parts.stickerPack);
const StickerRemove = lazy(parts.stickerRemove);
const Switcher = lazy(parts.switcher);
const Verify = lazy(parts.verify);

/** Fetches every dialog, so that the first opening of each is like the second, and needs no connection. */
export async function fetchOverlays(): Promise<void> {
  await Promise.allSettled(Object.values(parts).map((part) => part()));
}

/**
 * The dialog above the app; each is fetched when it is first opened. Keyed: what a dialog was opened for can still be read
 * by what it began and has not ended when it closes.
 */
export function Overlays(): JSX.Element {
  const { app } = useView();
  const overlay = read(app.overlays);
  const as = <N extends Overlay['name']>(name: N): Extract<Overlay, { name: N }> | undefined => {
    const now = overlay();
    return now?.name === name ? now as Extract<Overlay, { name: N }> : undefined;
  };
  const broken = (reset: () => void): void => {
    app.overlays.close();
    app.notices.error({ code: 'internal' });
    reset();
  };
  return (
    <ErrorBoundary fallback={(_, reset) => { queueMicrotask(() => broken(reset)); return undefined; }}>
      <Suspense>
        <Switch>
          <Match when={as('new-chat')}><NewChat /></Match>
          <Match when={as('new-group')} keyed>{(it) => <NewGroup public={it.public === true} />}</Match>
          <Match when={as('add-members')} keyed>{(it) => <AddMembers address={it.address} />}</Match>
          <Match when={as('group-link')} keyed>{(it) => <InviteByLink address={it.address} />}</Match>
          <Match when={as('leave-group')} keyed>{(it) => <LeaveGroup address={it.address} />}</Match>
          <Match when={as('invite')}><Invite /></Match>
          <Match when={as('switcher')}><Switcher /></Match>
          <Match when={as('shortcuts')}><Shortcuts /></Match>
          <Match when={as('delete-account')}><DeleteAccount /></Match>
          <Match when={as('sign-out')}><SignOut /></Match>
          <Match when={as('lock')} keyed>{(it) => <Lock address={it.address} />}</Match>
          <Match when={as('mute')} keyed>{(it) => <Mute address={it.address} />}</Match>
          <Match when={as('picture')} keyed>{(it) => <Picture message={it.message} />}</Match>
          <Match when={as('pins')} keyed>{(it) => <Pins address={it.address} />}</Match>
          <Match when={as('poll')} keyed>{(it) => <Poll address={it.address} />}</Match>
          <Match when={as('location')} keyed>{(it) => <ShareLocation address={it.address} />}</Match>
          <Match when={as('place')} keyed>{(it) => <ShowPlace location={it.location} />}</Match>
          <Match when={as('timer')} keyed>{(it) => <Timer address={it.address} />}</Match>
          <Match when={as('report')} keyed>{(it) => <Report address={it.address} />}</Match>
          <Match when={as('verify')} keyed>{(it) => <Verify address={it.address} />}</Match>
          <Match when={as('sticker-make')} keyed>{(it) => <StickerMake picture={it.picture} />}</Match>
          <Match when={as('sticker-pack')} keyed>{(it) => <StickerPack message={it.message} />}</Match>
          <Match when={as('sticker-remove')} keyed>{(it) => <StickerRemove sticker={it.sticker} />}</Match>
          <Match when={as('forward')} keyed>{(it) => <ForwardTo message={it.message} />}</Match>
          <Match when={as('message-info')} keyed>{(it) => <MessageInfo message={it.message} />}</Match>
        </Switch>
      </Suspense>
    </ErrorBoundary>
  );
}
