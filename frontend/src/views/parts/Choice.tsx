import { createUniqueId, type JSX, Show } from 'solid-js';
import { Keyed } from './Keyed';
import './choice.css';

type Props<T extends string> = {
  readonly legend: string;
  readonly value: T;
  readonly options: readonly { readonly value: T; readonly label: string; readonly hint?: string; readonly lang?: string }[];
  readonly onChange: (value: T) => void;
  readonly hideLegend?: boolean;
};

/** One of a few, as radio buttons in a card. Words that change, as when it is the language that is chosen, leave the focus where it is. */
export function Choice<T extends string>(props: Props<T>): JSX.Element {
  const name = createUniqueId();
  return (
    <fieldset class="choice">
      <legend classList={{ hidden: props.hideLegend === true }}>{props.legend}</legend>
      <div class="card">
        <Keyed each={props.options} by={(option) => option.value}>
          {(option) => (
            <label class="choice-line" lang={option().lang}>
              <input type="radio" name={name} value={option().value} checked={props.value === option().value} onChange={() => props.onChange(option().value)} />
              <span class="choice-text"><span>{option().label}</span><Show when={option().hint}><small>{option().hint}</small></Show></span>
            </label>
          )}
        </Keyed>
      </div>
    </fieldset>
  );
}
