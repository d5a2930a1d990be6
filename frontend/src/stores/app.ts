import type { Core, Events } from '../core/api';
import { type Attempt, attempts } from './actions';
import { Cell, Derived, type Readable } from './cell';
import { ChatsStore, chatWith, type Inbox, inbox } from './chats';
import { type Clock, systemClock } from './clock';
import { ContactsStore } from './contacts';
import { Conversations } from './conversations';
import { DeviceNews } from './devices';
import { NoticeStore } from './notices';
import { OverlayStore } from './overlays';
import { PreferencesStore } from './preferences';
import { reasonOf } from './reason';
import { Router, type RouterHost } from './router';
import { SessionStore } from './session';
import { SignIn } from './signin';
import { TypingStore } from './typing';

/** The stores of the app; the list of its parts. Views get this and nothing else. */
export interface App {
  readonly core: Core;
  readonly clock: Clock;
  /** The domain of the server this page came from. */
  readonly domain: Readable<string>;
  readonly session: SessionStore;
  readonly signIn: SignIn;
  readonly contacts: ContactsStore;
  readonly chats: ChatsStore;
  readonly inbox: Readable<Inbox>;
  readonly typing: TypingStore;
  readonly conversations: Conversations;
  readonly deviceNews: DeviceNews;
  readonly notices: NoticeStore;
  readonly overlays: OverlayStore;
  readonly preferences: PreferencesStore;
  readonly router: Router;
  readonly attempt: Attempt;
  /** Called for every message that should be shown as a notification. */
  onNotify: (event: Events['notify']) => void;
  /** Attaches to the core and fills the stores. */
  start(): Promise<void>;
}

export interface AppHost {
  readonly router: RouterHost;
  readonly storage: Pick<Storage, 'getItem' | 'setItem'>;
  readonly clock?: Clock;
}

export function createApp(core: Core, host: AppHost): App {
  const clock = host.clock ?? systemClock;
  const domain = new Cell('');
  const session = new SessionStore();
  const contacts = new ContactsStore();
  const chats = new ChatsStore();
  const typing = new TypingStore(clock);
  const deviceNews = new DeviceNews();
  const notices = new NoticeStore(clock);
  const overlays = new OverlayStore();
  const conversations = new Conversations(core, clock, (address) => chatWith(chats.get(), contacts.get(), address));

  const takes: { readonly [K in keyof Events]: (data: Events[K]) => void } = {
    session: (state) => {
      const before = session.get();
      session.set(state);
      if (state.phase === 'none' && before.phase !== 'none') {
        contacts.reset([]);
        chats.reset([]);
        conversations.clear();
        overlays.close();
      }
    },
    contacts: (data) => contacts.apply(data),
    chats: (data) => chats.apply(data),
    messages: (data) => conversations.apply(data),
    typing: (data) => typing.apply(data),
    devices: (data) => deviceNews.apply(data),
    notify: (data) => app.onNotify(data),
  };

  const app: App = {
    core, clock, domain, session, signIn: new SignIn(core, () => domain.get()), contacts, chats, typing, conversations, deviceNews, notices, overlays,
    inbox: new Derived([chats, contacts], () => inbox(chats.get(), contacts.get())),
    preferences: new PreferencesStore(host.storage),
    router: new Router(host.router),
    attempt: attempts(notices),
    onNotify: () => undefined,
    start: async () => {
      try {
        // Events that arrive before the snapshot are part of it (they follow it in order).
        const early: (() => void)[] = [];
        let attached = false;
        const snapshot = await core.attach((event, data) => {
          const take = (): void => takes[event](data);
          if (attached) take();
          else early.push(take);
        });
        domain.set(snapshot.domain);
        contacts.reset(snapshot.contacts);
        chats.reset(snapshot.chats);
        session.set(snapshot.session);
        attached = true;
        early.forEach((take) => take());
      } catch (error) {
        notices.error(reasonOf(error));
        session.set({ phase: 'none', catchingUp: false });
      }
    },
  };
  return app;
}
