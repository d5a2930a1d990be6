import { createSignal, type JSX } from 'solid-js';
import { localPart } from '../../stores/contacts';
import { read } from '../adapter';
import { useView } from '../context';
import { Avatar } from '../parts/Avatar';
import { Button } from '../parts/Button';
import { CopyField } from '../parts/CopyText';
import { Field } from '../parts/Field';
import { PictureEdit } from '../parts/PictureEdit';

export function Profile(): JSX.Element {
  const { app, t } = useView();
  const session = read(app.session);
  const address = (): string => session().address ?? '';
  const shown = (): string => session().displayName ?? '';
  const [typed, setTyped] = createSignal<string>();
  const [missing, setMissing] = createSignal(false);
  const [busy, setBusy] = createSignal(false);
  const name = (): string => typed() ?? shown();
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    setMissing(name().trim() === '');
    if (missing() || busy()) return;
    setBusy(true);
    if (await app.attempt(() => app.core.setDisplayName(name().trim()), 'saved')) setTyped(undefined);
    setBusy(false);
  };
  return (
    <>
      <div class="profile-picture"><Avatar address={address()} name={name() || localPart(address())} size="large" />
        <PictureEdit there={session().picture !== undefined} onSet={(picture) => app.attempt(() => app.core.setPicture(picture), 'saved')} />
        <p class="quiet">{t().picture.who}</p>
      </div>
      <form class="form" onSubmit={(event) => void save(event)}>
        <Field
          label={t().settings.profile.name} hint={t().settings.profile.nameHint} value={name()} onInput={setTyped} maxlength="60" autocomplete="name"
          error={missing() ? t().settings.profile.nameMissing : undefined}
        />
        <div class="line line-end"><Button type="submit" look="primary" busy={busy()} disabled={typed() === undefined || typed() === shown()}>{t().common.save}</Button></div>
      </form>
      <section class="section">
        <h2>{t().settings.profile.address}</h2>
        <CopyField label={t().settings.profile.address} text={address()} />
        <p class="quiet">{t().settings.profile.addressHint}</p>
      </section>
    </>
  );
}
