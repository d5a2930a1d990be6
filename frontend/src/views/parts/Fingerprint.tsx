import { For, type JSX } from 'solid-js';
import { groups } from '../../stores/fingerprint';
import './code.css';

/** Eight groups of eight, left to right in every language, so that two people read the same. */
export function Fingerprint(props: { readonly of: string; readonly label: string }): JSX.Element {
  return (
    <div class="fingerprint-frame">
      <div class="fingerprint mono" dir="ltr" role="group" aria-label={props.label}>
        <For each={groups(props.of)}>{(group) => <span>{group}</span>}</For>
      </div>
    </div>
  );
}
