import { createUniqueId, For, type JSX, Show } from 'solid-js';
import './choice.css';

type Props<T extends string> = {
  readonly legend: string;
  readonly value: T;
  readonly options: readonly { readonly value: T; readonly label: string; readonly hint?: string; readonly lang?: string }[];
  readonly onChange: (value: T) => void;
  readonly hideLegend?: boolean;
};

/** One of a few, as radio buttons in a card. */
export function Choice<T extends string>(props: Props<T>): JSX.Element {
  const name = createUniqueId();
  return (
    <fieldset class="choice">
      <legend classList={{ hidden: props.hideLegend === true }}>{props.legend}</legend>
      <div class="card">
        <For each={props.options}>
          {(option) => (
            <label class="choice-line" lang={option.lang}>
              <input type="radio" name={name} value={option.value} checked={props.value === option.value} onChange={() => props.onChange(option.value)} />
              <span class="choice-text"><span>{option.label}</span><Show when={option.hint}><small>{option.hint}</small></Show></span>
            </label>
          )}
        </For>
      </div>
    </fieldset>
  );
}
