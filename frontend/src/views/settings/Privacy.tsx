import { Show, type JSX } from 'solid-js';
import type { Privacy as Choice } from '../../core/api';
import { read } from '../adapter';
import { useView } from '../context';
import { Switch } from '../parts/Switch';

/** What others see of one and who may write, the same on all own devices. */
export function Privacy(): JSX.Element {
  const { app, t } = useView();
  const session = read(app.session);
  const preferences = read(app.preferences);
  const now = (): Choice => session().privacy ?? { read: true, typing: true };
  const change = (part: Partial<Choice>): void => void app.attempt(() => app.core.setPrivacy({ ...now(), ...part }));
  return (
    <>
      <div class="card">
        <Switch label={t().settings.privacy.read} hint={t().settings.privacy.readHint} on={now().read} onChange={(on) => change({ read: on })} />
        <Switch label={t().settings.privacy.typing} hint={t().settings.privacy.typingHint} on={now().typing} onChange={(on) => change({ typing: on })} />
        <Show when={now().contactsOnly !== undefined}>
          <Switch label={t().settings.privacy.contactsOnly} hint={t().settings.privacy.contactsOnlyHint} on={now().contactsOnly === true} onChange={(on) => change({ contactsOnly: on })} />
        </Show>
      </div>
      <p class="quiet">{t().settings.privacy.everywhere}</p>
      <Show when={session().maps === true}>
        <section class="section">
          <h2>{t().location.alwaysTitle}</h2>
          <div class="card">
            <Switch label={t().location.always} hint={t().location.alwaysHint} on={preferences().showMaps} onChange={(showMaps) => app.preferences.change({ showMaps })} />
          </div>
        </section>
      </Show>
      <section class="section">
        <h2>{t().settings.privacy.alwaysTitle}</h2>
        <ul class="plain-list">
          <li>{t().settings.privacy.presence}</li>
          <li>{t().settings.privacy.lastSeen}</li>
          <li>{t().settings.privacy.strangers}</li>
        </ul>
      </section>
    </>
  );
}
