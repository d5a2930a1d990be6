import { Laptop, Monitor, ShieldCheck, ShieldQuestionMark, Shield, ShieldAlert, type IconNode } from 'lucide';
import { createEffect, createSignal, createUniqueId, type JSX, on, onMount, Show } from 'solid-js';
import type { Address, Device, Trust } from '../../core/api';
import { devicesOf } from '../../stores/devices';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Fingerprint } from '../parts/Fingerprint';
import { Icon } from '../parts/Icon';
import { Keyed } from '../parts/Keyed';
import { Failed, Patiently } from '../parts/states';

const trusts: Readonly<Record<Trust, IconNode>> = {
  undecided: ShieldQuestionMark, trusted: Shield, verified: ShieldCheck, distrusted: ShieldAlert,
};

/** The devices of a person with their codes, and what one makes of them. */
export function DeviceList(props: { readonly address: Address; readonly onDecided?: () => void }): JSX.Element {
  const { app, t } = useView();
  const devices = devicesOf(app.core, props.address);
  const state = read(devices);
  const news = read(app.deviceNews);
  createEffect(on(() => news().get(props.address), () => void devices.load(), { defer: true }));
  const decide = async (device: Device, trust: Exclude<Trust, 'undecided'>): Promise<void> => {
    if (await app.attempt(() => app.core.setTrust(device.address, device.id, trust))) {
      await devices.load();
      props.onDecided?.();
    }
  };
  const allowOlder = async (device: Device): Promise<void> => {
    if (await app.attempt(() => app.core.allowOlder(device.address, device.id))) await devices.load();
  };
  return (
    <Show
      when={((now) => now.status === 'ready' && now.value)(state())}
      fallback={(
        <Show when={((now) => now.status === 'failed' && now.reason)(state())} fallback={<Patiently><p class="quiet" role="status">{t().common.loading}</p></Patiently>}>
          {(reason) => <Failed reason={reason()} onRetry={() => void devices.load()} />}
        </Show>
      )}
    >
      {(list) => (
        <Show when={list().length > 0} fallback={<p class="quiet">{t().lock.noDevices}</p>}>
          <ul class="card device-list" role="list">
            <Keyed each={list()} by={(device) => device.id}>{(device) => <DeviceLine device={device()} onDecide={decide} onAllowOlder={allowOlder} />}</Keyed>
          </ul>
        </Show>
      )}
    </Show>
  );
}

type LineProps = { readonly device: Device; readonly onAllowOlder: (device: Device) => Promise<void>; readonly onDecide: (device: Device, trust: Exclude<Trust, 'undecided'>) => Promise<void> };

function DeviceLine(props: LineProps): JSX.Element {
  const { t, formats, now } = useView();
  const undecided = (): boolean => props.device.trust === 'undecided' && !props.device.current;
  const [open, setOpen] = createSignal(false);
  const id = createUniqueId();
  onMount(() => setOpen(undecided()));
  const name = (): string => props.device.label ?? (props.device.current ? t().lock.thisDevice : t().lock.device(String(props.device.id)));
  const shower = (): string => (open() ? t().lock.hideFingerprint : t().lock.showFingerprint);
  const seen = (): string | undefined => {
    if (props.device.current) return props.device.label === undefined ? undefined : t().lock.thisDevice;
    if (props.device.stale) return t().lock.stale;
    if (props.device.silent) return t().lock.silent;
    return props.device.lastSeen === undefined ? undefined : t().lock.lastSeen(formats().ago(props.device.lastSeen, now()));
  };
  return (
    <li class="device" classList={{ 'device-stale': props.device.stale }}>
      <div class="device-line">
        <Icon of={props.device.current ? Monitor : Laptop} />
        <span class="device-names">
          <b><bdi>{name()}</bdi></b>
          <Show when={!props.device.current}>
            <span class={`device-trust trust-${props.device.trust}`}><Icon of={trusts[props.device.trust]} />{t().lock.trust[props.device.trust]}</span>
          </Show>
          <Show when={seen()}><small>{seen()}</small></Show>
          <Show when={props.device.older}><small>{props.device.withdrawn ? t().lock.withdrawn : t().lock.older}</small></Show>
        </span>
        <button type="button" class="text-button" aria-expanded={open()} aria-controls={id} aria-label={`${shower()}: ${name()}`} onClick={() => setOpen(!open())}>
          {shower()}
        </button>
      </div>
      <div id={id}>
        <Show when={open()}>
          <Fingerprint of={props.device.fingerprint} label={`${t().lock.fingerprint}: ${name()}`} />
          <Show when={!props.device.current}>
            <p class="device-hint">{t().lock.fingerprintHint}</p>
            <div class="device-actions" role="group" aria-label={t().lock.trustLabel(name())}>
              <Show when={props.device.withdrawn}>
                <Button onClick={() => void props.onAllowOlder(props.device)}>{t().lock.allowOlder}</Button>
              </Show>
              <Show when={props.device.trust !== 'verified'}>
                <Button look="primary" onClick={() => void props.onDecide(props.device, 'verified')}>{t().lock.matches}</Button>
              </Show>
              <Show when={props.device.trust === 'undecided' || props.device.trust === 'distrusted'}>
                <Button onClick={() => void props.onDecide(props.device, 'trusted')}>{t().lock.trustIt}</Button>
              </Show>
              <Show when={props.device.trust !== 'distrusted'}>
                <Button look="quiet" onClick={() => void props.onDecide(props.device, 'distrusted')}>{t().lock.distrust}</Button>
              </Show>
            </div>
          </Show>
        </Show>
      </div>
    </li>
  );
}
