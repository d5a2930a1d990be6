import { ArrowLeft } from 'lucide';
import { type Component, type JSX } from 'solid-js';
import { Dynamic } from 'solid-js/web';
import type { SettingsSection } from '../../stores/route';
import { read } from '../adapter';
import { useView } from '../context';
import { IconButton } from '../parts/Button';
import { About } from './About';
import { Appearance } from './Appearance';
import { Blocked } from './Blocked';
import { Devices } from './Devices';
import { Family } from './Family';
import { Language } from './Language';
import { Notifications } from './Notifications';
import { OnThisDevice } from './OnThisDevice';
import { Password } from './Password';
import { Privacy } from './Privacy';
import { Profile } from './Profile';
import { YourData } from './YourData';
import './settings.css';

const sections: Readonly<Record<SettingsSection, Component>> = {
  profile: Profile, devices: Devices, appearance: Appearance, language: Language, notifications: Notifications, privacy: Privacy, family: Family, data: YourData, app: OnThisDevice, blocked: Blocked, password: Password, about: About,
};

/** One section of the settings; the profile where none was chosen and there is room for it. */
export default function SettingsPane(): JSX.Element {
  const { app, t } = useView();
  const route = read(app.router);
  const section = (): SettingsSection => {
    const now = route();
    return (now.name === 'settings' ? now.section : undefined) ?? 'profile';
  };
  return (
    <main class="page" id="main" tabindex="-1">
      <header class="pane-head">
        <IconButton class="only-one-pane" icon={ArrowLeft} mirror label={t().common.back} onClick={() => app.router.up()} />
        <h1 tabindex="-1">{t().settings.sections[section()]}</h1>
      </header>
      <div class="page-body"><Dynamic component={sections[section()]} /></div>
    </main>
  );
}
