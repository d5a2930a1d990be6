import { ArrowLeft, Baby, Ban, Bell, ChevronRight, ChevronsUpDown, Eye, FileArchive, Info, KeyRound, Languages, LogOut, MonitorSmartphone, Palette, Smartphone, User, UserRoundPlus, type IconNode } from 'lucide';
import { For, type JSX, Show } from 'solid-js';
import { formatRoute, type Route, settingsSections, type SettingsSection } from '../../stores/route';
import { localPart } from '../../stores/contacts';
import { read } from '../adapter';
import { useView } from '../context';
import { Avatar } from '../parts/Avatar';
import { IconButton } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { rove } from '../parts/rove';
import { AccountButton } from '../shell/AccountMenu';
import './settings.css';

const icons: Readonly<Record<SettingsSection, IconNode>> = {
  profile: User, devices: MonitorSmartphone, appearance: Palette, language: Languages, notifications: Bell, privacy: Eye, family: Baby, data: FileArchive, app: Smartphone, blocked: Ban, password: KeyRound, about: Info,
};

/** The sections of the settings, in place of the chat list. */
export default function SettingsNav(): JSX.Element {
  const { app, t } = useView();
  const route = read(app.router);
  const session = read(app.session);
  const accounts = read(app.accounts);
  const current = (): SettingsSection | undefined => {
    const now = route();
    return now.name === 'settings' ? now.section : undefined;
  };
  const address = (): string => session().address ?? '';
  const name = (): string => session().displayName || localPart(address());
  const who = (): JSX.Element => <span class="nav-line-text"><b><bdi>{name()}</bdi></b><small><bdi dir="ltr">{address()}</bdi></small></span>;
  let list!: HTMLElement;
  return (
    <nav ref={list} class="list-pane settings-nav" aria-label={t().settings.title} onKeyDown={(event) => rove(event, [...list.querySelectorAll<HTMLElement>('.nav-line')])}>
      <header class="pane-head">
        <IconButton icon={ArrowLeft} mirror label={t().common.back} onClick={() => app.router.go({ name: 'home' })} />
        <h1 tabindex="-1">{t().settings.title}</h1>
      </header>
      <div class="list-scroll">
        <Show when={accounts().length > 1} fallback={<div class="settings-who"><Avatar address={address()} name={name()} />{who()}</div>}>
          <AccountButton class="settings-who settings-accounts">{who()}<Icon of={ChevronsUpDown} /></AccountButton>
        </Show>
        <ul role="list">
          <For each={settingsSections}>
            {(section) => {
              const to: Route = { name: 'settings', section };
              return (
                <li>
                  <a
                    class="nav-line" href={formatRoute(to)} aria-current={current() === section ? 'page' : undefined}
                    onClick={(event) => { event.preventDefault(); app.router.go(to, { replace: current() !== undefined }); }}
                  >
                    <Icon of={icons[section]} />
                    <span class="nav-line-text">{t().settings.sections[section]}</span>
                    <Icon of={ChevronRight} mirror class="only-one-pane" />
                  </a>
                </li>
              );
            }}
          </For>
          <li class="settings-out">
            <a class="nav-line" href={formatRoute({ name: 'add-account' })} onClick={(event) => { event.preventDefault(); app.router.go({ name: 'add-account' }); }}>
              <Icon of={UserRoundPlus} /><span class="nav-line-text">{t().accounts.add}</span>
            </a>
          </li>
          <li>
            <button type="button" class="nav-line nav-line-danger" onClick={() => app.overlays.open({ name: 'sign-out' })}>
              <Icon of={LogOut} mirror /><span class="nav-line-text">{t().settings.signOut}</span>
            </button>
          </li>
        </ul>
      </div>
    </nav>
  );
}
