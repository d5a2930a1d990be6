import { type JSX, Show } from 'solid-js';
import { domainPart } from '../../stores/contacts';
import { read } from '../adapter';
import { useView } from '../context';
import { Fingerprint } from '../parts/Fingerprint';
import { Mark } from '../parts/Mark';

/** What this is; and for those who know the words, the words. */
export function About(): JSX.Element {
  const { app, t } = useView();
  const session = read(app.session);
  return (
    <>
      <div class="about"><Mark /><p>{t().settings.about.text}</p></div>
      <Show when={session().role === 'admin'}><p class="quiet">{t().settings.about.admin}</p></Show>
      <section class="section">
        <h2>{t().settings.about.advanced}</h2>
        <dl class="card facts">
          <dt>{t().settings.about.jid}</dt><dd><bdi dir="ltr" class="address mono">{session().address}</bdi></dd>
          <dt>{t().settings.about.server}</dt><dd><bdi dir="ltr" class="mono">{domainPart(session().address ?? '')}</bdi></dd>
          <Show when={session().deviceId}>{(id) => <><dt>{t().settings.about.deviceId}</dt><dd><bdi class="mono">{id()}</bdi></dd></>}</Show>
          <dt>{t().settings.about.fingerprint}</dt>
          <dd>
            <Show when={session().fingerprint} fallback={t().settings.about.noFingerprint}>
              {(fingerprint) => <Fingerprint of={fingerprint()} label={t().settings.about.fingerprint} />}
            </Show>
          </dd>
          <Show when={session().cryptoError ?? session().reason}>
            {(reason) => (
              <>
                <dt>{t().settings.about.problem}</dt>
                <dd><span class="mono" dir="ltr">{reason().code}<Show when={reason().detail}>: {reason().detail}</Show></span></dd>
              </>
            )}
          </Show>
        </dl>
      </section>
    </>
  );
}
