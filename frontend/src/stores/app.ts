import type { Core, Events, Snapshot } from '../core/api';
import { AccountsStore, type WindowMemory } from './accounts';
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
import { accountOf, launch } from './launch';
import { MemberNames } from './membernames';
import { NoticeStore } from './notices';
import { tagOf, type NotificationHost } from './notifications';
import { OverlayStore } from './overlays';
import { PersistenceStore } from './persistence';
import { Pictures } from './pictures';
import { PreferencesStore } from './preferences';
import { reasonOf } from './reason';
import { Router, type RouterHost } from './router';
import { SessionStore } from './session';
import { SignIn } from './signin';
import { StickerShelf } from './stickers';
import { TransferStore } from './transfers';
import { TypingStore } from './typing';
import { Updates } from './updates';
import { Wakeups } from './wakeups';

/** A page that is loaded waits so long for the messages of the chat that it shows; what is kept here takes less. */
const PREPARING = 200;
/** From one attempt to start to the next. */
const TRY_AGAIN = 3_000;

/** The stores of the app; the list of its parts. Views get this and nothing else. */
export interface App {
  readonly core: Core;
  readonly clock: Clock;
  /** The domain of the server this page came from. */
  readonly domain: Readable<string>;
  readonly session: SessionStore;
  readonly accounts: AccountsStore;
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
  readonly stickers: StickerShelf;
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
  /** Attaches to the core and fills the stores, however long that takes. `path`: where one was led; it may be meant for an account. */
  start(path?: string): Promise<void>;
}

export interface AppHost {
  readonly router: RouterHost;
  readonly storage: Pick<Storage, 'getItem' | 'setItem'>;
  /** Of this window alone. */
  readonly window?: WindowMemory;
  readonly clock?: Clock;
  readonly browser?: BrowserHost;
}

export function createApp(core: Core, host: AppHost): App {
  const clock = host.clock ?? systemClock;
  const browser = host.browser ?? bareBrowser;
  const domain = new Cell('');
  const session = new SessionStore();
  const accounts = new AccountsStore(core, session, host.window ?? { getItem: () => null, setItem: () => undefined, removeItem: () => undefined }, host.storage);
  const contacts = new ContactsStore();
  const pictures = new Pictures(core);
  const chats = new ChatsStore();
  const typing = new TypingStore(clock);
  const deviceNews = new DeviceNews();
  const memberNews = new MemberNews();
  const memberNames = new MemberNames(core);
  const transfers = new TransferStore();
  const stickers = new StickerShelf(core);
  const notices = new NoticeStore(clock);
  const family = new FamilyStore(core, session, notices);
  const pairingNews = new Cell<Events['pairing'] | undefined>(undefined);
  const overlays = new OverlayStore();
  const router = new Router(host.router);
  const preferences = new PreferencesStore(host.storage);
  const install = new Install(browser.install);
  const conversations = new Conversations(core, clock, (address) => chatWith(chats.get(), contacts.get(), address));

  /** Everything is of the account that is looked at: another one begins anew. */
  const look = (snapshot: Snapshot): void => {
    fill(snapshot);
    session.set(snapshot.session);
  };
  const fill = (snapshot: Snapshot): void => {
    domain.set(snapshot.domain);
    accounts.remember(snapshot.session.address);
    router.belong(snapshot.session.address);
    accounts.set(snapshot.accounts);
    conversations.clear();
    typing.clear();
    for (const news of [deviceNews, memberNews, memberNames, transfers]) news.clear();
    pairingNews.set(undefined);
    stickers.clear();
    family.clear();
    pictures.reset(snapshot);
    contacts.reset(snapshot.contacts);
    chats.reset(snapshot.chats);
  };
  /** The first that is painted of a chat is its messages, if they are here. */
  const prepare = async ({ session: { phase } }: Snapshot): Promise<void> => {
    const route = router.get();
    if (route.name !== 'chat' || phase === 'none' || phase === 'locked') return;
    const late = new Promise<void>((resolve) => { clock.after(PREPARING, resolve); });
    await Promise.race([conversations.of(route.address).prepare(), late]);
  };

  const takes: { readonly [K in keyof Events]: (data: Events[K]) => void } = {
    looking: (snapshot) => {
      const had = session.get().address !== undefined;
      overlays.close();
      app.signIn.reset();
      // What was open belongs to the account before. An invitation knows itself where it leads.
      const { name } = router.get();
      if (name === 'add-account' || (had && name !== 'invite' && name !== 'link')) router.reset({ name: 'home' });
      look(snapshot);
    },
    accounts: (list) => {
      pictures.accounts(list);
      accounts.set(list);
    },
    session: (state) => {
      session.set(state);
      pictures.session(state);
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
    stickers: () => stickers.apply(),
    family: (data) => family.apply(data),
    pairing: (data) => pairingNews.set(data),
    notify: (data) => app.onNotify(data),
    read: ({ account, chat }) => browser.notifications.close(tagOf(account, chat)),
  };

  const app: App = {
    core, clock, domain, session, accounts, signIn: new SignIn(core, () => domain.get()), contacts, pictures, chats, typing, conversations, deviceNews, memberNews, memberNames, notices, overlays,
    family, pairingNews, recentEmoji: new RecentEmoji(host.storage), stickers, transfers,
    inbox: new Derived([chats, contacts], () => inbox(chats.get(), contacts.get())),
    preferences,
    router, install,
    updates: new Updates(browser.updates, clock, session),
    persistence: new PersistenceStore(browser.storage, clock, host.storage, session, install),
    notifications: browser.notifications,
    wakeups: new Wakeups(browser.wakeups, core, session, accounts, preferences),
    attempt: attempts(notices),
    onNotify: () => undefined,
    start: async (path = '') => {
      for (;;) {
        try {
          // Events that arrive before the snapshot are part of it (they follow it in order).
          const early: (() => void)[] = [];
          let attached = false;
          const snapshot = await core.attach((event, data) => {
            const take = (): void => takes[event](data);
            if (attached) take();
            else early.push(take);
          }, accountOf(path) ?? accounts.remembered());
          fill(snapshot);
          await prepare(snapshot);
          session.set(snapshot.session);
          attached = true;
          early.forEach((take) => take());
          notices.over('network');
          return;
        } catch (error) {
          const reason = reasonOf(error);
          notices.error(reason);
          if (reason.code !== 'network') {
            session.set({ phase: 'none', catchingUp: false });
            return;
          }
        }
        // A part of the app could not be fetched; whether there is an account is not known, or it cannot be opened yet.
        await new Promise<void>((resolve) => { clock.after(TRY_AGAIN, resolve); });
      }
    },
  };
  followBadge(accounts, (count) => browser.badge(count));
  browser.onWoken(() => void core.reconnect().catch(() => undefined));
  browser.onGo((path) => void launch(app, path));
  return app;
}
