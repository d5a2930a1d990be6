import { X } from 'lucide';
import { createUniqueId, type JSX, onCleanup, onMount, Show, useContext } from 'solid-js';
import { useView } from '../context';
import { LayersContext } from '../layers';
import { Button, IconButton } from './Button';
import './dialog.css';

type Props = {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: JSX.Element;
  readonly actions?: JSX.Element;
  /** A question that must be answered. */
  readonly alert?: boolean;
  /** `full`: it is the window. */
  readonly size?: 'small' | 'medium' | 'large' | 'full';
  /** The title is for screen readers only. */
  readonly bare?: boolean;
};

/**
 * A modal dialog on the native element: the rest of the page is inert, Esc closes it, and the focus goes back to where
 * it was. On a phone it comes from below.
 */
export function Dialog(props: Props): JSX.Element {
  const { t } = useView();
  const id = createUniqueId();
  let dialog!: HTMLDialogElement;
  let content!: HTMLDivElement;
  let pressedOutside = false;
  let gone = false;
  const before = document.activeElement;
  const layers = useContext(LayersContext);
  onMount(() => {
    dialog.showModal();
    const closed = layers?.add(dialog);
    if (closed) onCleanup(closed);
    // Where nothing asks for the focus, it goes to the title: that is read first, and nothing lights up.
    if (!dialog.querySelector('[autofocus]')) dialog.querySelector('h2')?.focus();
  });
  // What is only read must be reached by keyboard to be scrolled.
  const scrollable = new ResizeObserver(() => {
    if (content.scrollHeight > content.clientHeight && !content.querySelector('a, button, input, select, textarea, [tabindex]')) content.tabIndex = 0;
    else content.removeAttribute('tabindex');
  });
  onMount(() => scrollable.observe(content));
  onCleanup(() => {
    scrollable.disconnect();
    gone = true; // the close event comes later, when another dialog may be open
    if (dialog.open) dialog.close();
    // Where the element that opened the dialog is gone, the browser leaves the focus nowhere.
    if (before instanceof HTMLElement && before.isConnected && document.activeElement === document.body) before.focus();
  });
  return (
    <dialog
      ref={dialog} class={`dialog dialog-${props.size ?? 'medium'}`} classList={{ 'dialog-bare': props.bare === true }}
      role={props.alert ? 'alertdialog' : undefined} aria-labelledby={id}
      onClose={() => { if (!gone) props.onClose(); }}
      onPointerDown={(event) => { pressedOutside = event.target === dialog; }}
      onClick={(event) => { if (pressedOutside && event.target === dialog && !props.alert) dialog.close(); }}
    >
      <div class="dialog-body">
        <Show when={!props.bare} fallback={<h2 id={id} class="hidden">{props.title}</h2>}>
          <div class="dialog-head">
            <h2 id={id} tabindex="-1">{props.title}</h2>
            <Show when={!props.alert}><IconButton icon={X} label={t().common.close} onClick={() => dialog.close()} /></Show>
          </div>
        </Show>
        <div ref={content} class="dialog-content">{props.children}</div>
        <Show when={props.actions}><div class="dialog-actions">{props.actions}</div></Show>
      </div>
    </dialog>
  );
}

type ConfirmProps = {
  readonly title: string;
  readonly text: string;
  readonly action: string;
  readonly danger?: boolean;
  readonly busy?: boolean | undefined;
  readonly onConfirm: () => void;
  readonly onCancel: () => void;
};

/** A question with one way on and one way back; the way back has the focus. */
export function Confirm(props: ConfirmProps): JSX.Element {
  const { t } = useView();
  return (
    <Dialog
      title={props.title} alert size="small" onClose={() => props.onCancel()}
      actions={(
        <>
          <Button look="quiet" autofocus onClick={() => props.onCancel()}>{t().common.cancel}</Button>
          <Button look={props.danger ? 'danger' : 'primary'} busy={props.busy} onClick={() => props.onConfirm()}>{props.action}</Button>
        </>
      )}
    >
      <p>{props.text}</p>
    </Dialog>
  );
}
