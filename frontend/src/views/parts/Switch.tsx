import { createUniqueId, type JSX, Show } from 'solid-js';
import './choice.css';

/** On or off, with the whole line as target. */
export function Switch(props: { readonly label: string; readonly hint?: string; readonly on: boolean; readonly disabled?: boolean; readonly onChange: (on: boolean) => void }): JSX.Element {
  const id = createUniqueId();
  return (
    <label class="switch" classList={{ 'switch-disabled': props.disabled === true }}>
      <span class="switch-text">
        <span>{props.label}</span>
        <Show when={props.hint}><small id={id}>{props.hint}</small></Show>
      </span>
      <input
        type="checkbox" role="switch" checked={props.on} disabled={props.disabled === true}
        aria-describedby={props.hint ? id : undefined} onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
      <span class="switch-track" aria-hidden="true" />
    </label>
  );
}
