import type { Core, Events } from '../core/api';
import { type Attempt, attempts } from './actions';
import { followBadge } from './badge';
import { bareBrowser, type BrowserHost } from './browser';
import { Cell, Derived, type Readable } from './cell';
import { ChatsStore, chatWith, type Inbox, inbox } from './chats';
import { type Clock, systemClock } from './clock';
import { ContactsStore } from './contacts';
import { Conversations } from './conversations';
import { DeviceNews, MemberNews } from './devices';
import { RecentEmoji } from './emoji';
import { FamilyStore } from './family';
import { Install } from './install';
import { launch } from './launch';
import { MemberNames } from './membernames';
import { NoticeStore } from './notices';
import { closeWhenRead, type NotificationHost } from './notifications';
import { OverlayStore } from './overlays';
import { PersistenceStore } from './persistence';
import { Pictures } from './pictures';
import { PreferencesStore } from './preferences';
import { reasonOf } from './reason';
import { Router, type RouterHost } from './router';
import { SessionStore } from './session';
import { SignIn } from './signin';
import { TransferStore } from './transfers';
import { TypingStore } from './typing';
import { Updates } from './updates';
import { Wakeups } from './wakeups';

/** The stores of the app; the list of its parts. Views get this and nothing else. */
export interface App {
  readonly core: Core;
  readonly clock: Clock;
  /** The domain of the server this page came from. */
  readonly domain: Readable<string>;
  readonly session: SessionStore;
  readonly signIn: SignIn;
  readonly contacts: ContactsStore;
  readonly pictures: Pictures;
  readonly chats: ChatsStore;
  readonly inbox: Readable<Inbox>;
  readonly typing: TypingStore;
  readonly conversations: Conversations;
  readonly deviceNews: DeviceNews;
  readonly memberNews: MemberNews;
  readonly memberNames: MemberNames;
  readonly recentEmoji: RecentEmoji;
  readonly transfers: TransferStore;
  readonly family: FamilyStore;
  /** The last device that opened a link which was shown here. */
  readonly pairingNews: Readable<Events['pairing'] | undefined>;
  readonly notices: NoticeStore;
  readonly overlays: OverlayStore;
  readonly preferences: PreferencesStore;
  readonly router: Router;
  readonly updates: Updates;
  readonly install: Install;
  readonly persistence: PersistenceStore;
  readonly notifications: NotificationHost;
  readonly wakeups: Wakeups;
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
  readonly browser?: BrowserHost;
}

export function createApp(core: Core, host: AppHost): App {
  const clock = host.clock ?? systemClock;
  const browser = host.browser ?? bareBrowser;
  const domain = new Cell('');
  const session = new SessionStore();
  const contacts = new ContactsStore();
  const pictures = new Pictures(core);
  const chats = new ChatsStore();
  const typing = new TypingStore(clock);
  const deviceNews = new DeviceNews();
  const memberNews = new MemberNews();
  const memberNames = new MemberNames(core);
  const transfers = new TransferStore();
  const notices = new NoticeStore(clock);
  const family = new FamilyStore(core, session, notices);
  const pairingNews = new Cell<Events['pairing'] | undefined>(undefined);
  const overlays = new OverlayStore();
  const router = new Router(host.router);
  const preferences = new PreferencesStore(host.storage);
  const install = new Install(browser.install);
  const conversations = new Conversations(core, clock, (address) => chatWith(chats.get(), contacts.get(), address));

  const takes: { readonly [K in keyof Events]: (data: Events[K]) => void } = {
    session: (state) => {
      const before = session.get();
      session.set(state);
      pictures.session(state);
      if (state.phase === 'none' && before.phase !== 'none') {
        contacts.reset([]);
        chats.reset([]);
        conversations.clear();
        overlays.close();
      }
    },
    contacts: (data) => {
      pictures.contacts(data);
      contacts.apply(data);
    },
    chats: (data) => {
      pictures.chats(data);
      chats.apply(data);
    },
    messages: (data) => conversations.apply(data),
    typing: (data) => typing.apply(data),
    devices: (data) => deviceNews.apply(data),
    members: (data) => {
      memberNews.apply(data);
      memberNames.apply(data);
    },
    transfer: (data) => transfers.apply(data),
    family: (data) => family.apply(data),
    pairing: (data) => pairingNews.set(data),
    notify: (data) => app.onNotify(data),
  };

  const app: App = {
    core, clock, domain, session, signIn: new SignIn(core, () => domain.get()), contacts, pictures, chats, typing, conversations, deviceNews, memberNews, memberNames, notices, overlays,
    family, pairingNews, recentEmoji: new RecentEmoji(host.storage), transfers,
    inbox: new Derived([chats, contacts], () => inbox(chats.get(), contacts.get())),
    preferences,
    router, install,
    updates: new Updates(browser.updates, clock, session),
    persistence: new PersistenceStore(browser.storage, clock, host.storage, session, install),
    notifications: browser.notifications,
    wakeups: new Wakeups(browser.wakeups, core, session, preferences),
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
        pictures.reset(snapshot);
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
  followBadge(chats, contacts, (count) => browser.badge(count));
  closeWhenRead(chats, browser.notifications);
  browser.onWoken(() => void core.reconnect().catch(() => undefined));
  browser.onGo((path) => launch(app, path));
  return app;
}
