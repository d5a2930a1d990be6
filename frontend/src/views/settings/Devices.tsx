import { Laptop, Monitor } from 'lucide';
import { createEffect, createMemo, createSignal, type JSX, lazy, on, Show, Suspense } from 'solid-js';
import type { Login } from '../../core/api';
import { loginsOf } from '../../stores/devices';
import { Resource } from '../../stores/resource';
import { read } from '../adapter';
import { DeviceList } from '../chat/DeviceList';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Confirm } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import { Keyed } from '../parts/Keyed';
import { Failed, Patiently } from '../parts/states';
import { AddDevice } from './AddDevice';
import { DeviceName } from './DeviceName';
import '../chat/lock.css';

const Qr = lazy(async () => ({ default: (await import('../parts/Qr')).Qr }));

/** Where one is signed in, and the codes of one's devices. */
export function Devices(): JSX.Element {
  const { app, t, formats, now } = useView();
  const session = read(app.session);
  const logins = loginsOf(app.core);
  const state = read(logins);
  // The app opens before it is connected; who is signed in is known only then.
  const phase = createMemo(() => session().phase);
  createEffect(on(phase, (now) => { if (now === 'online') void logins.load(); }, { defer: true }));
  createEffect(() => { if (session().newDevice) void app.core.seenOwnDevices().catch(() => undefined); });
  const [ending, setEnding] = createSignal<Login>();
  const end = async (login: Login): Promise<void> => {
    setEnding(undefined);
    if (await app.attempt(() => app.core.endLogin(login.id), 'device-signed-out')) await logins.load();
  };
  const when = (login: Login): string | undefined => {
    if (login.current) return t().settings.devices.current;
    if (login.online) return t().settings.devices.online;
    return login.lastUsed === undefined ? undefined : t().settings.devices.lastUsed(formats().ago(login.lastUsed, now()));
  };
  return (
    <>
      <section class="section">
        <h2>{t().settings.devices.title}</h2>
        <p class="quiet">{t().settings.devices.text}</p>
        <Show
          when={((it) => it.status === 'ready' && it.value)(state())}
          fallback={(
            <Show when={((it) => phase() !== 'connecting' && it.status === 'failed' && it.reason)(state())} fallback={<Patiently><p class="quiet" role="status">{t().common.loading}</p></Patiently>}>
              {(reason) => <Failed reason={reason()} onRetry={() => void logins.load()} />}
            </Show>
          )}
        >
          {(list) => (
            <ul class="card" role="list">
              <Keyed each={list()} by={(login) => login.id}>
                {(login) => (
                  <li class="device-line">
                    <Icon of={login().current ? Monitor : Laptop} />
                    <span class="device-names"><b><bdi>{login().name}</bdi></b><Show when={when(login())}><small>{when(login())}</small></Show></span>
                    <Show when={!login().current}>
                      <button
                        type="button" class="text-button text-button-danger" aria-label={`${t().settings.devices.signOut}: ${login().name}`}
                        onClick={() => setEnding(login())}
                      >
                        {t().settings.devices.signOut}
                      </button>
                    </Show>
                  </li>
                )}
              </Keyed>
            </ul>
          )}
        </Show>
      </section>
      <AddDevice />
      <Show when={session().address}>
        {(own) => (
          <section class="section">
            <h2>{t().settings.devices.keysTitle}</h2>
            <p class="quiet">{t().settings.devices.keysText}</p>
            <MyCode />
            <DeviceName />
            <DeviceList address={own()} />
          </section>
        )}
      </Show>
      <Show when={ending()}>
        {(login) => (
          <Confirm
            title={t().settings.devices.signOutTitle(login().name)} text={t().settings.devices.signOutText} action={t().settings.devices.signOut} danger
            onConfirm={() => void end(login())} onCancel={() => setEnding(undefined)}
          />
        )}
      </Show>
    </>
  );
}

function MyCode(): JSX.Element {
  const { t } = useView();
  const [open, setOpen] = createSignal(false);
  return (
    <>
      <Button onClick={() => setOpen(!open())} aria-expanded={open()}>{t().settings.devices.showCode}</Button>
      <Show when={open()}><CodePicture /></Show>
    </>
  );
}

function CodePicture(): JSX.Element {
  const { app, t } = useView();
  const uri = new Resource(() => app.core.verificationUri());
  const state = read(uri);
  return (
    <Show
      when={((it) => it.status === 'ready' && it.value)(state())}
      fallback={<Show when={((it) => it.status === 'failed' && it.reason)(state())}>{(reason) => <Failed reason={reason()} onRetry={() => void uri.load()} />}</Show>}
    >
      {(text) => <Suspense><Qr text={text()} label={t().verify.ownCode} /></Suspense>}
    </Show>
  );
}
