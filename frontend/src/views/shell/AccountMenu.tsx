import { Check, UserRoundPlus } from 'lucide';
import { createMemo, createSignal, type JSX, Show } from 'solid-js';
import type { AccountInfo } from '../../core/api';
import { localPart } from '../../stores/contacts';
import { read } from '../adapter';
import { useView } from '../context';
import { Avatar } from '../parts/Avatar';
import { Icon } from '../parts/Icon';
import { Menu, type MenuItem } from '../parts/Menu';
import './accounts.css';

const nameOf = (account: AccountInfo): string => account.displayName || localPart(account.address);

/** How an account looks in a list of them. */
export function AccountFace(props: { readonly account: AccountInfo; readonly chosen?: boolean }): JSX.Element {
  const { t, formats } = useView();
  return (
    <>
      <Avatar address={props.account.address} name={nameOf(props.account)} picture={props.account.picture} size="small" />
      <span class="nav-line-text account-text">
        <b><bdi>{nameOf(props.account)}</bdi></b>
        <small><Show when={props.account.phase === 'locked'} fallback={<bdi dir="ltr">{props.account.address}</bdi>}>{t().accounts.locked}</Show></small>
      </span>
      <Show when={!props.chosen && props.account.unread > 0}>
        <span class="badge" aria-hidden="true">{formats().number(props.account.unread)}</span>
      </Show>
      <Show when={props.chosen}><Icon of={Check} /></Show>
    </>
  );
}

/** Everything that a face shows, in words. */
export function accountLabel(t: ReturnType<typeof useView>['t'], account: AccountInfo, chosen = false): string {
  return [
    nameOf(account), account.address, ...(account.phase === 'locked' ? [t().accounts.locked] : []), ...(!chosen && account.unread > 0 ? [t().list.unread(account.unread)] : []),
  ].join(', ');
}

/** The picture of the account that is looked at: opens the others. A dot says that something is new in one of them. */
export function AccountButton(props: { readonly class?: string; readonly children?: JSX.Element }): JSX.Element {
  const { app, t } = useView();
  const session = read(app.session);
  const accounts = read(app.accounts);
  const [anchor, setAnchor] = createSignal<DOMRect>();
  const address = (): string => session().address ?? '';
  const name = (): string => session().displayName || localPart(address());
  const elsewhere = createMemo(() => accounts().reduce((sum, account) => sum + (account.address === address() ? 0 : account.unread), 0));
  const items = (): readonly MenuItem[] => [
    ...accounts().map((account) => {
      const chosen = account.address === address();
      return {
        label: accountLabel(t, account, chosen), icon: UserRoundPlus, chosen, face: () => <AccountFace account={account} chosen={chosen} />,
        run: () => void app.attempt(async () => { await app.accounts.switch(account.address); }),
      };
    }),
    { label: t().accounts.add, icon: UserRoundPlus, run: () => app.router.go({ name: 'add-account' }) },
  ];
  return (
    <>
      <button
        type="button" class={`account-button ${props.class ?? ''}`} aria-haspopup="menu" aria-expanded={anchor() !== undefined} title={t().accounts.title}
        aria-label={[t().accounts.button(name()), ...(elsewhere() > 0 ? [t().accounts.elsewhere(elsewhere())] : [])].join(', ')}
        onClick={(event) => setAnchor(event.currentTarget.getBoundingClientRect())}
      >
        <span class="account-picture">
          <Avatar address={address()} name={name()} picture={session().picture} size={props.children ? 'medium' : 'small'} />
          <Show when={elsewhere() > 0}><span class="account-dot" /></Show>
        </span>
        {props.children}
      </button>
      <Show when={anchor()}>{(it) => <Menu label={t().accounts.title} items={items()} anchor={it()} onClose={() => setAnchor(undefined)} />}</Show>
    </>
  );
}
