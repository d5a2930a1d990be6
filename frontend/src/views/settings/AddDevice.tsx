import { CircleCheck, Clock, Smartphone } from 'lucide';
import { createEffect, createSignal, type JSX, lazy, Match, on, onCleanup, Show, Suspense, Switch } from 'solid-js';
import { ShownLink } from '../../stores/pairing';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { CopyField } from '../parts/CopyText';
import { Dialog } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import { Failed, Patiently } from '../parts/states';
import './pairing.css';

const Qr = lazy(async () => ({ default: (await import('../parts/Qr')).Qr }));

/** Another device is added by a code: it is shown here, scanned there, and agreed to here. */
export function AddDevice(): JSX.Element {
  const { t } = useView();
  const [open, setOpen] = createSignal(false);
  return (
    <section class="section">
      <h2>{t().pairing.title}</h2>
      <p class="quiet">{t().pairing.text}</p>
      <Button icon={Smartphone} onClick={() => setOpen(true)}>{t().pairing.start}</Button>
      <Show when={open()}><ShowDialog onClose={() => setOpen(false)} /></Show>
    </section>
  );
}

function ShowDialog(props: { readonly onClose: () => void }): JSX.Element {
  const { app, t } = useView();
  const link = new ShownLink(app.core, app.clock);
  const state = read(link);
  const news = read(app.pairingNews);
  createEffect(on(news, (event) => { if (event) link.opened(event); }, { defer: true }));
  onCleanup(() => link.close());
  const as = <S extends ReturnType<typeof state>['step']>(step: S): Extract<ReturnType<typeof state>, { step: S }> | undefined => {
    const now = state();
    return now.step === step ? now as Extract<ReturnType<typeof state>, { step: S }> : undefined;
  };
  return (
    <Dialog
      title={t().pairing.title} size="small" onClose={() => props.onClose()}
      actions={(
        <Switch>
          <Match when={as('opened')}>
            {(it) => (
              <>
                <Button look="quiet" onClick={() => void link.answer(false)}>{t().pairing.no}</Button>
                <Button look="primary" busy={it().busy} onClick={() => void link.answer(true)}>{t().pairing.yes}</Button>
              </>
            )}
          </Match>
          <Match when={as('over')}><Button look="primary" onClick={() => void link.make()}>{t().pairing.again}</Button></Match>
          <Match when={as('done')}><Button look="primary" onClick={() => props.onClose()}>{t().common.close}</Button></Match>
        </Switch>
      )}
    >
      <div class="pairing" aria-live="polite">
        <Switch>
          <Match when={as('making')}><Patiently><p class="quiet">{t().common.loading}</p></Patiently></Match>
          <Match when={as('waiting')}>
            {(it) => (
              <>
                <p>{t().pairing.scan}</p>
                <Suspense><Qr text={it().link.url} label={t().pairing.code} /></Suspense>
                <CopyField label={t().pairing.link} text={it().link.url} />
                <p class="quiet">{t().pairing.secret}</p>
              </>
            )}
          </Match>
          <Match when={as('opened')}>
            {(it) => (
              <>
                <p>{t().pairing.asks(it().device || t().pairing.unknown)}</p>
                <p class="pairing-number" dir="ltr">{it().number}</p>
                <p>{t().pairing.compare}</p>
              </>
            )}
          </Match>
          <Match when={as('done')}>{(it) => <p class="pairing-state"><Icon of={CircleCheck} /><span>{t().pairing.done(it().device || t().pairing.unknown)}</span></p>}</Match>
          <Match when={as('over')}><p class="pairing-state"><Icon of={Clock} /><span>{t().pairing.over}</span></p></Match>
          <Match when={as('failed')}>{(it) => <Failed reason={it().reason} onRetry={() => void link.make()} />}</Match>
        </Switch>
      </div>
    </Dialog>
  );
}
