import type { IconNode } from 'lucide';
import { CircleAlert } from 'lucide';
import { createSignal, type JSX, onCleanup, Show } from 'solid-js';
import type { Reason } from '../../core/api';
import { useView } from '../context';
import { Button } from './Button';
import { Icon } from './Icon';

/** One sentence and one action, where there is nothing to show. */
export function Empty(props: { readonly icon: IconNode; readonly title: string; readonly text?: string; readonly children?: JSX.Element }): JSX.Element {
  return (
    <div class="empty">
      <span class="empty-icon"><Icon of={props.icon} /></span>
      <p class="empty-title">{props.title}</p>
      <Show when={props.text}><p class="empty-text">{props.text}</p></Show>
      {props.children}
    </div>
  );
}

/** Something could not be loaded: what happened and the way to try again. */
export function Failed(props: { readonly reason: Reason; readonly onRetry?: () => void }): JSX.Element {
  const { t } = useView();
  return (
    <div class="failed" role="alert">
      <Icon of={CircleAlert} />
      <p>{t().reason(props.reason)}</p>
      <Show when={props.onRetry}><Button look="quiet" onClick={() => props.onRetry?.()}>{t().common.retry}</Button></Show>
    </div>
  );
}

/** An error of a form, told at once by screen readers. */
export function FormError(props: { readonly text: string | undefined }): JSX.Element {
  return (
    <div role="alert" class="form-error-place">
      <Show when={props.text}>{(text) => <p class="form-error"><Icon of={CircleAlert} />{text()}</p>}</Show>
    </div>
  );
}

/** Shows its content only when waiting takes long enough to be noticed. */
export function Patiently(props: { readonly children: JSX.Element; readonly after?: number }): JSX.Element {
  const [late, setLate] = createSignal(false);
  const timer = setTimeout(() => setLate(true), props.after ?? 200);
  onCleanup(() => clearTimeout(timer));
  return <Show when={late()}>{props.children}</Show>;
}
