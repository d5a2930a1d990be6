import { Link2Off, MonitorSmartphone } from 'lucide';
import { createEffect, createMemo, createSignal, type JSX, Match, on, Switch } from 'solid-js';
import { OpenedLink, type OpenedState } from '../../stores/pairing';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { Patiently } from '../parts/states';
import { EntryFrame } from './EntryFrame';
import '../settings/pairing.css';
import { warm } from './warm';

/** The page behind the code that another own device shows: this one is signed in when that one agrees. */
export default function LinkPage(props: { readonly token: string }): JSX.Element {
  const { app, t } = useView();
  warm(app);
  // Whoever is signed in here already is asked first: the link works once, and may be meant for another device.
  const before = app.session.get().phase;
  const [occupied, setOccupied] = createSignal(before !== 'none' && before !== 'starting');
  const home = (): void => app.router.go({ name: 'home' }, { replace: true });
  const state = createMemo(() => (occupied() ? undefined : read(new OpenedLink(app.core, props.token))));
  const now = (): OpenedState => state()?.() ?? { step: 'opening' };
  createEffect(on(() => now().step, (step) => { if (step === 'done') home(); }));
  const waiting = () => {
    const it = now();
    return it.step === 'waiting' ? it : undefined;
  };
  const failed = () => {
    const it = now();
    return it.step === 'failed' ? it.reason : undefined;
  };
  return (
    <Switch fallback={<div class="entry" role="status"><Patiently><p class="entry-wait">{t().pairing.opening}</p></Patiently></div>}>
      <Match when={occupied()}>
        <EntryFrame title={t().pairing.occupiedTitle} lead={t().pairing.occupiedText}>
          <div class="stack">
            <Button look="primary" wide onClick={home}>{t().invite.toChats}</Button>
            <Button look="quiet" wide onClick={() => setOccupied(false)}>{t().accounts.linkAdd}</Button>
          </div>
        </EntryFrame>
      </Match>
      <Match when={waiting()}>
        {(it) => (
          <EntryFrame title={t().pairing.waitTitle} lead={t().pairing.waitText(it().address)} above={<span class="entry-sign"><Icon of={MonitorSmartphone} /></span>}>
            <div class="pairing" role="status">
              <p class="pairing-number" dir="ltr">{it().number}</p>
              <p>{t().pairing.waitCompare}</p>
            </div>
          </EntryFrame>
        )}
      </Match>
      <Match when={failed()}>
        {(reason) => (
          <EntryFrame title={t().pairing.failedTitle} lead={t().reason(reason())} above={<span class="entry-sign"><Icon of={Link2Off} /></span>}>
            <Button look="primary" wide onClick={home}>{t().invite.goSignIn}</Button>
          </EntryFrame>
        )}
      </Match>
    </Switch>
  );
}
