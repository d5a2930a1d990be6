import { AtSign, ChevronRight, Link, QrCode, Search, Users, UsersRound } from 'lucide';
import { createMemo, createSignal, For, type JSX, Show } from 'solid-js';
import type { Address } from '../../core/api';
import { completeAddress, looksLikeGroup, shownName } from '../../stores/contacts';
import { routeOfLink } from '../../stores/link';
import { findChats } from '../../stores/switcher';
import { read } from '../adapter';
import { useView } from '../context';
import { Avatar } from '../parts/Avatar';
import { Dialog } from '../parts/Dialog';
import { Field } from '../parts/Field';
import { Icon } from '../parts/Icon';
import { rove } from '../parts/rove';

/** Write to a contact, add somebody by address, or invite somebody who is not here yet. */
export default function NewChatDialog(): JSX.Element {
  const { app, t } = useView();
  const contacts = read(app.contacts);
  const session = read(app.session);
  const domain = read(app.domain);
  const [query, setQuery] = createSignal('');
  const [busy, setBusy] = createSignal(false);
  const found = createMemo(() => findChats(query(), new Map(), contacts()).filter((address) => contacts().get(address)?.relation !== 'none'));
  /** What was pasted is a link that leads somewhere. */
  const link = createMemo(() => routeOfLink(query(), location.origin));
  const follow = (): void => {
    const to = link();
    app.overlays.close();
    if (to) app.router.go(to);
  };
  /** What was typed, as an address of somebody who is not a contact yet. */
  const stranger = createMemo((): Address | undefined => {
    if (link() || (!query().includes('@') && found().length > 0)) return undefined;
    const address = query().trim() === '' ? undefined : completeAddress(query(), domain());
    return address === undefined || contacts().has(address) || address === session().address ? undefined : address;
  });
  const problem = (): string | undefined => {
    if (query().trim() === '' || link()) return undefined;
    const address = completeAddress(query(), domain());
    if (address !== undefined && address === session().address) return t().newChat.self;
    return address === undefined && found().length === 0 ? t().newChat.addressWrong : undefined;
  };
  const open = (address: Address): void => {
    app.overlays.close();
    app.router.go({ name: 'chat', address, details: false });
  };
  const add = async (address: Address): Promise<void> => {
    if (busy()) return;
    setBusy(true);
    if (await app.attempt(() => app.core.addContact(address), 'request-sent')) open(address);
    setBusy(false);
  };
  const join = async (address: Address): Promise<void> => {
    if (busy()) return;
    setBusy(true);
    let group: Address | undefined;
    await app.attempt(async () => { group = await app.core.joinGroup(address); });
    setBusy(false);
    if (group !== undefined) open(group);
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    const first = found()[0];
    const address = stranger();
    if (link()) follow();
    else if (first !== undefined) open(first);
    else if (address !== undefined) void (looksLikeGroup(query()) ? join(address) : add(address));
  };
  let list!: HTMLDivElement;
  return (
    <Dialog title={t().newChat.title} onClose={() => app.overlays.close()}>
      <form onSubmit={submit}>
        <Field
          label={t().newChat.search} value={query()} onInput={setQuery} autocomplete="off" autocapitalize="none" spellcheck={false}
          inputmode="email" enterkeyhint="go" error={problem()} autofocus after={<span class="field-icon"><Icon of={Search} /></span>}
        />
      </form>
      <div ref={list} class="pick" onKeyDown={(event) => rove(event, [...list.querySelectorAll<HTMLElement>('button')])}>
        <Show when={link()}>
          <button type="button" class="nav-line" onClick={follow}>
            <span class="round-icon"><Icon of={Link} /></span><span class="nav-line-text">{t().rooms.followLink}</span><Icon of={ChevronRight} mirror />
          </button>
        </Show>
        <Show when={stranger()}>
          {(address) => (
            <Show
              when={looksLikeGroup(query())}
              fallback={(
                <button type="button" class="nav-line" aria-disabled={busy()} onClick={() => void add(address())}>
                  <span class="round-icon"><Icon of={AtSign} /></span>
                  <span class="nav-line-text"><span>{t().newChat.addAddress(address())}</span><small>{t().newChat.addHint}</small></span>
                </button>
              )}
            >
              <button type="button" class="nav-line" aria-disabled={busy()} onClick={() => void join(address())}>
                <span class="round-icon"><Icon of={UsersRound} /></span>
                <span class="nav-line-text"><span>{t().group.joinAddress(address())}</span><small>{t().group.joinHint}</small></span>
              </button>
            </Show>
          )}
        </Show>
        <Show when={query().trim() === ''}>
          <button type="button" class="nav-line" onClick={() => app.overlays.open({ name: 'new-group' })}>
            <span class="round-icon"><Icon of={UsersRound} /></span>
            <span class="nav-line-text"><span>{t().group.new}</span><small>{t().group.newHint}</small></span>
            <Icon of={ChevronRight} mirror />
          </button>
        </Show>
        <Show when={query().trim() === '' && session().role !== 'limited'}>
          <button type="button" class="nav-line" onClick={() => { app.overlays.close(); app.router.go({ name: 'groups' }); }}>
            <span class="round-icon"><Icon of={Users} /></span>
            <span class="nav-line-text"><span>{t().rooms.title}</span><small>{t().rooms.hint}</small></span>
            <Icon of={ChevronRight} mirror />
          </button>
        </Show>
        <Show when={query().trim() === '' && session().role !== 'limited'}>
          <button type="button" class="nav-line" onClick={() => app.overlays.open({ name: 'invite' })}>
            <span class="round-icon"><Icon of={QrCode} /></span>
            <span class="nav-line-text"><span>{t().newChat.invite}</span><small>{t().newChat.inviteHint}</small></span>
            <Icon of={ChevronRight} mirror />
          </button>
        </Show>
        <h3 class="list-heading">{t().newChat.contacts}</h3>
        <Show when={found().length > 0} fallback={<p class="quiet pick-none">{query().trim() === '' ? t().newChat.empty : t().newChat.none}</p>}>
          <ul role="list">
            <For each={found()}>
              {(address) => (
                <li>
                  <button type="button" class="nav-line" onClick={() => open(address)}>
                    <Avatar address={address} name={shownName(contacts().get(address), address)} size="small" availability={contacts().get(address)?.availability} />
                    <span class="nav-line-text"><bdi class="own-direction">{shownName(contacts().get(address), address)}</bdi><small><bdi dir="ltr">{address}</bdi></small></span>
                  </button>
                </li>
              )}
            </For>
          </ul>
        </Show>
      </div>
    </Dialog>
  );
}
