import { createEffect, createMemo, type JSX, lazy, on, onCleanup, onMount, Show, Suspense, Switch, Match } from 'solid-js';
import { formatRoute } from '../../stores/route';
import { read } from '../adapter';
import { attention } from '../attention';
import { useView } from '../context';
import { media, onePane } from '../media';
import { Contained } from '../parts/Contained';
import { createListening, ListeningContext } from '../voice/playing';
import { PlayerBar } from '../voice/PlayerBar';
import ChatView from '../chat/ChatView';
import { ConnectionChip } from './ConnectionChip';
import { EmptyPane } from './EmptyPane';
import { shortcuts } from './keyboard';
import { ListPane } from './ListPane';
import { fetchOverlays, Overlays } from './Overlays';
import './controls.css';
import './main.css';

const parts = {
  settingsNav: () => import('../settings/SettingsNav'),
  settingsPane: () => import('../settings/SettingsPane'),
  requests: () => import('./Requests'),
  publicGroups: () => import('../group/PublicGroups'),
  groupLink: () => import('../group/GroupLink'),
  details: () => import('../chat/Details'),
  groupDetails: () => import('../chat/GroupDetails'),
  voiceBar: () => import('../voice/VoiceBar'),
};
const SettingsNav = lazy(parts.settingsNav);
const SettingsPane = lazy(parts.settingsPane);
const Requests = lazy(parts.requests);
const PublicGroups = lazy(parts.publicGroups);
const GroupLink = lazy(parts.groupLink);

/** The app of somebody who is signed in: what there is at the start, what is open at the end. */
export default function Main(): JSX.Element {
  const { app, t } = useView();
  const route = read(app.router);
  const inbox = read(app.inbox);
  const looking = attention();
  const narrow = media(onePane);
  const inSettings = (): boolean => route().name === 'settings';
  const address = createMemo(() => {
    const now = route();
    return now.name === 'chat' ? now.address : undefined;
  });
  const linked = createMemo(() => {
    const now = route();
    return now.name === 'group' ? now : undefined;
  });
  const details = (): boolean => {
    const now = route();
    return now.name === 'chat' && now.details;
  };
  /** Which pane a narrow window shows. */
  const place = createMemo((): 'start' | 'main' | 'details' => {
    const now = route();
    if (now.name === 'home' || now.name === 'archived' || (now.name === 'settings' && !now.section)) return 'start';
    return now.name === 'chat' && now.details ? 'details' : 'main';
  });

  createEffect(() => void app.core.setActive(looking()).catch(() => undefined));
  createEffect(() => {
    const count = inbox().unread;
    const chat = address();
    const name = chat === undefined ? undefined : app.chats.get().get(chat)?.title ?? app.contacts.get().get(chat)?.name;
    document.title = `${t().notification.title(count)}${name ? ` · ${name}` : ''}`;
  });
  onCleanup(() => { document.title = t().app; });
  shortcuts(app);

  // What is heard goes on in every place of the account, and ends with it.
  const listening = createListening(app);
  const session = read(app.session);
  createEffect(on(createMemo(() => session().address), () => listening.player.stop(), { defer: true }));
  onCleanup(() => listening.player.stop());

  // On a narrow window the focus follows from pane to pane; the composer takes it itself where there is a keyboard.
  let frame!: HTMLDivElement;
  createEffect(on([place, address], ([now], before) => {
    if (!before) return;
    const [was, from] = before;
    queueMicrotask(() => {
      if (now === 'start' && was !== 'start') {
        const row = from === undefined ? undefined : frame.querySelector<HTMLElement>(`[data-address="${CSS.escape(from)}"]`);
        (row ?? frame.querySelector<HTMLElement>('.start-pane h1'))?.focus({ preventScroll: true });
      } else if (now === 'main' && was === 'details') {
        frame.querySelector<HTMLElement>('.chat-head-who')?.focus({ preventScroll: true });
      } else if (now === 'main' && narrow() && !frame.querySelector('.main-pane :focus')) {
        (frame.querySelector<HTMLElement>('.main-pane .chat-head-who') ?? frame.querySelector<HTMLElement>('.main-pane h1'))?.focus({ preventScroll: true });
      }
    });
  }));

  // Without a full viewport unit that knows the keyboard (iOS), the height is told by the visual viewport.
  onMount(() => {
    const viewport = window.visualViewport;
    if (!viewport) return;
    const fit = (): void => {
      const covered = window.innerHeight - viewport.height > 80 && viewport.scale === 1;
      if (covered) document.documentElement.style.setProperty('--app-height', `${viewport.height}px`);
      else document.documentElement.style.removeProperty('--app-height');
    };
    viewport.addEventListener('resize', fit);
    onCleanup(() => {
      viewport.removeEventListener('resize', fit);
      document.documentElement.style.removeProperty('--app-height');
    });
  });

  // What opens by a key must be there when the next key comes, and what was not opened yet must open without a connection.
  onMount(() => {
    const warm = setTimeout(() => void Promise.allSettled([fetchOverlays(), ...Object.values(parts).map((part) => part())]), 1000);
    onCleanup(() => clearTimeout(warm));
  });

  return (
    <ListeningContext.Provider value={listening}>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById('composer')?.focus(); document.getElementById('main')?.focus(); }}>{t().list.skip}</a>
      <div ref={frame} class="app" data-place={place()} data-details={details() ? 'open' : undefined}>
        <div class="start-pane" role={narrow() && place() === 'start' ? 'main' : undefined}>
          <Show when={!narrow() || place() === 'start'}><PlayerBar here={undefined} /></Show>
          <div class="start-pane-in" hidden={inSettings()}><ListPane /></div>
          <Show when={inSettings()}><Suspense><SettingsNav /></Suspense></Show>
        </div>
        <div class="main-pane">
          <Show when={narrow() && place() !== 'start'}><PlayerBar here={address()} /></Show>
          <Contained place={formatRoute(route())}>
            <Suspense>
              <Switch fallback={<EmptyPane />}>
                <Match when={address()} keyed>{(it) => <ChatView address={it} details={details()} />}</Match>
                <Match when={inSettings()}><SettingsPane /></Match>
                <Match when={route().name === 'requests'}><Requests /></Match>
                <Match when={route().name === 'groups'}><PublicGroups /></Match>
                <Match when={linked()} keyed>{(it) => <GroupLink address={it.address} {...(it.key !== undefined && { link: it.key })} />}</Match>
              </Switch>
            </Suspense>
          </Contained>
        </div>
        <ConnectionChip />
      </div>
      <Overlays />
    </ListeningContext.Provider>
  );
}
