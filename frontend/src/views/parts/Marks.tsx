import { CircleAlert, Clock3, Lock as LockClosed, LockOpen, ShieldCheck, type IconNode, ShieldQuestionMark } from 'lucide';
import { type JSX, Match, Switch } from 'solid-js';
import type { Lock, MessageState } from '../../core/api';
import { useView } from '../context';
import { Icon } from './Icon';

export const lockIcons: Readonly<Record<Lock, IconNode>> = {
  verified: ShieldCheck, encrypted: LockClosed, unencrypted: LockOpen, unknown: ShieldQuestionMark,
};

/** The lock of a chat or message; told apart by its shape, named for screen readers. */
export function LockMark(props: { readonly lock: Lock; readonly silent?: boolean }): JSX.Element {
  const { t } = useView();
  return (
    <span class={`lock lock-${props.lock}`} title={props.silent ? undefined : t().lock[props.lock]}>
      <Icon of={lockIcons[props.lock]} />
      {!props.silent && <span class="hidden">{t().lock[props.lock]}</span>}
    </span>
  );
}

const tick = 'M1 6.2 4.2 9.5 10.5 2';
const second = 'M7.2 9.5 13.5 2';

/** Clock, one tick, two ticks, two ticks on a filled ground: each has its own shape and its own name. */
export function Ticks(props: { readonly state: MessageState; readonly silent?: boolean }): JSX.Element {
  const { t } = useView();
  return (
    <span class={`ticks ticks-${props.state}`} title={props.silent ? undefined : t().chat.state[props.state]}>
      <Switch>
        <Match when={props.state === 'sending'}><Icon of={Clock3} /></Match>
        <Match when={props.state === 'failed'}><Icon of={CircleAlert} /></Match>
        <Match when={props.state === 'sent'}>
          <svg class="tick" viewBox="0 0 12 12" aria-hidden="true"><path d={tick} /></svg>
        </Match>
        <Match when={props.state === 'delivered'}>
          <svg class="tick" viewBox="0 0 15 12" aria-hidden="true"><path d={tick} /><path d={second} /></svg>
        </Match>
        <Match when={props.state === 'read'}>
          <span class="tick-ground"><svg class="tick" viewBox="0 0 15 12" aria-hidden="true"><path d={tick} /><path d={second} /></svg></span>
        </Match>
      </Switch>
      {!props.silent && <span class="hidden">{t().chat.state[props.state]}</span>}
    </span>
  );
}
