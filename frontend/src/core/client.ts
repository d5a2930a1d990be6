/** The page's end of the wire: commands as promises, events in order, and no gap when the core moves elsewhere. */
import { CoreError, type Address, type Commands, type Core, type Events, type Page, type Snapshot } from './api';
import { fail } from './fail';
import { METHODS, ONCE, type Method, type ToCore, type ToPage } from './rpc';

type Listener = <K extends keyof Events>(event: K, data: Events[K]) => void;

interface PendingCall {
  readonly method: Method;
  readonly message: ToCore;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: CoreError) => void;
}

const REFRESH = 60;

export class Client {
  private next = 1;
  private readonly calls = new Map<number, PendingCall>();
  private listener: Listener | undefined;
  /** The account that the page looks at, as far as it knows; before the first snapshot the one that it wants. */
  private account: Address | undefined;
  private attaching: { readonly call: number; readonly resolve: (snapshot: Snapshot) => void; readonly reject: (error: CoreError) => void } | undefined;
  private reachable = false;
  private failed: CoreError | undefined;
  /** What the page was told, to find out what it missed while there was no core. */
  private known: { contacts: Set<Address>; chats: Set<Address> } | undefined;
  private readonly opened = new Set<Address>();
  private state: { active: boolean; focus: Address | null } = { active: false, focus: null };
  readonly core: Core;

  constructor(private readonly post: (message: ToCore) => void) {
    this.core = {
      ...this.commands(() => this.account),
      attach: (listener, account) => this.attach(listener, account),
      detach: () => this.detach(),
      bound: () => {
        const { account } = this;
        return this.commands(() => account);
      },
    };
  }

  private commands(account: () => Address | undefined): Commands {
    return Object.fromEntries(METHODS.map((method) => [method, (...args: readonly unknown[]) => this.call(account(), method, args)])) as unknown as Commands;
  }

  /** There is a core, perhaps another one than before. */
  coreUp(): void {
    this.failed = undefined;
    this.reachable = true;
    if (this.listener) this.sendAttach();
    this.restate();
    for (const [call, pending] of this.calls) {
      if (!ONCE.has(pending.method)) {
        this.post(pending.message);
      } else if (pending.message.kind === 'call') {
        this.calls.delete(call);
        pending.reject(fail('network', 'the core was restarted'));
      }
    }
  }

  received(message: ToPage): void {
    switch (message.kind) {
      case 'event':
        if (message.event === 'looking') this.look(message.data);
        this.note(message.event, message.data);
        this.listener?.(message.event, message.data);
        return;
      case 'snapshot':
        if (message.call === this.attaching?.call) this.attached(message.snapshot);
        return;
      case 'result': return this.take(message.call)?.resolve(message.value);
      case 'error': {
        const error = new CoreError(message.reason);
        if (message.call === this.attaching?.call) this.attaching.reject(error);
        return this.take(message.call)?.reject(error);
      }
    }
  }

  /** Nothing works here, and this is why. */
  failAll(error: CoreError): void {
    this.failed = error;
    this.attaching?.reject(error);
    for (const pending of this.calls.values()) pending.reject(error);
    this.calls.clear();
  }

  private call(account: Address | undefined, method: Method, given: readonly unknown[]): Promise<unknown> {
    if (this.failed) return Promise.reject(this.failed);
    const args = method === 'send' ? withId(given) : given;
    if (account === this.account) this.remember(method, args);
    return new Promise((resolve, reject) => {
      const call = this.next++;
      const message: ToCore = { kind: 'call', call, account, method, args };
      this.calls.set(call, { method, message, resolve, reject });
      if (this.reachable) this.post(message);
    });
  }

  private take(call: number): PendingCall | undefined {
    const pending = this.calls.get(call);
    this.calls.delete(call);
    return pending;
  }

  private attach(listener: Listener, account: Address | undefined): Promise<Snapshot> {
    this.listener = listener;
    this.account ??= account;
    if (this.failed) return Promise.reject(this.failed);
    return new Promise((resolve, reject) => {
      this.attaching = { call: this.next++, resolve, reject };
      if (this.reachable) this.sendAttach();
    });
  }

  private detach(): void {
    this.listener = undefined;
    this.known = undefined;
    if (this.reachable) this.post({ kind: 'detach' });
  }

  private sendAttach(): void {
    this.attaching ??= { call: this.next++, resolve: () => undefined, reject: () => undefined };
    this.post({ kind: 'attach', call: this.attaching.call, account: this.account });
  }

  private attached(snapshot: Snapshot): void {
    const before = { known: this.known, account: this.account };
    this.look(snapshot);
    const { attaching } = this;
    this.attaching = undefined;
    attaching?.resolve(snapshot);
    if (!before.known) return;
    if (before.account === this.account) this.catchUp(snapshot, before.known);
    else this.listener?.('looking', snapshot);
  }

  /** The page knows this, and nothing else. */
  private look({ session, contacts, chats }: Snapshot): void {
    if (session.address !== this.account) {
      this.opened.clear();
      this.state = { ...this.state, focus: null };
    }
    this.account = session.address;
    this.known = { contacts: new Set(contacts.map((one) => one.address)), chats: new Set(chats.map((one) => one.id)) };
  }

  /** The page goes on with another core: what it may have missed is told as events. */
  private catchUp(snapshot: Snapshot, before: { contacts: Set<Address>; chats: Set<Address> }): void {
    this.listener?.('accounts', snapshot.accounts);
    this.listener?.('session', snapshot.session);
    this.listener?.('contacts', { changed: snapshot.contacts, removed: [...before.contacts].filter((one) => !this.known?.contacts.has(one)) });
    this.listener?.('chats', { changed: snapshot.chats, removed: [...before.chats].filter((one) => !this.known?.chats.has(one)) });
    for (const chat of this.opened) {
      if (!this.known?.chats.has(chat)) continue;
      void this.call(this.account, 'page', [chat, { limit: REFRESH }]).then((page) => {
        this.listener?.('messages', { chat, changed: (page as Page).messages, removed: [] });
      }, () => undefined);
    }
  }

  private note<K extends keyof Events>(event: K, data: Events[K]): void {
    if (!this.known || (event !== 'contacts' && event !== 'chats')) return;
    const set = event === 'contacts' ? this.known.contacts : this.known.chats;
    const { changed, removed } = data as Events['contacts'] | Events['chats'];
    for (const one of changed) set.add('address' in one ? one.address : one.id);
    for (const one of removed) set.delete(one);
  }

  /** What a new core has to know of this page. */
  private remember(method: Method, args: readonly unknown[]): void {
    if (method === 'page') this.opened.add(args[0] as Address);
    if (method === 'setActive') this.state = { ...this.state, active: args[0] as boolean };
    if (method === 'focus') this.state = { ...this.state, focus: args[0] as Address | null };
  }

  private restate(): void {
    if (this.state.active) void this.call(this.account, 'setActive', [true]).catch(() => undefined);
    if (this.state.focus !== null) void this.call(this.account, 'focus', [this.state.focus]).catch(() => undefined);
  }
}

/** A message gets its id here, so that it is sent once even if the command is repeated. */
function withId([chat, text, options]: readonly unknown[]): readonly unknown[] {
  const given = options as { id?: string } | undefined;
  return [chat, text, { ...given, id: given?.id ?? crypto.randomUUID() }];
}
