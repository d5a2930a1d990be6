import { Check, Copy, Share2 } from 'lucide';
import { createSignal, type JSX, onCleanup, Show } from 'solid-js';
import { useView } from '../context';
import { Button } from './Button';
import './copy.css';

/** Puts a text on the clipboard and says so on the button itself. */
export function CopyButton(props: { readonly text: string; readonly look?: 'primary' | 'plain' | 'quiet'; readonly label?: string; readonly tabindex?: number }): JSX.Element {
  const { app, t } = useView();
  const [copied, setCopied] = createSignal(false);
  let timer: ReturnType<typeof setTimeout> | undefined;
  onCleanup(() => clearTimeout(timer));
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(props.text);
    } catch {
      app.notices.error({ code: 'unsupported' });
      return;
    }
    setCopied(true);
    clearTimeout(timer);
    timer = setTimeout(() => setCopied(false), 2000);
  };
  return (
    <Button look={props.look ?? 'plain'} icon={copied() ? Check : Copy} tabindex={props.tabindex} onClick={() => void copy()}>
      <span aria-live="polite">{copied() ? t().common.copied : props.label ?? t().common.copy}</span>
    </Button>
  );
}

/** Hands a link to another app, where the system can. */
export function ShareButton(props: { readonly url: string; readonly text: string }): JSX.Element {
  const { t } = useView();
  const share = (): void => {
    // Rejected when the person changes their mind; nothing to say then.
    navigator.share({ url: props.url, text: props.text }).catch(() => undefined);
  };
  return (
    <Show when={'share' in navigator}>
      <Button look="primary" icon={Share2} onClick={share}>{t().common.share}</Button>
    </Show>
  );
}

/** A text that one can select as a whole, with the button to copy it. */
export function CopyField(props: { readonly label: string; readonly text: string }): JSX.Element {
  return (
    <div class="copy-field">
      <input readonly dir="ltr" value={props.text} aria-label={props.label} onFocus={(event) => event.currentTarget.select()} />
      <CopyButton text={props.text} />
    </div>
  );
}
