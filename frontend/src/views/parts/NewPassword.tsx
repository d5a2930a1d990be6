import { type JSX, createSignal, Show } from 'solid-js';
import { strengthOf, suggestPassword } from '../../stores/password';
import { useView } from '../context';
import { PasswordField } from './Field';

type Props = {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly minimum: number;
  /** What somebody who knows the person would try first. */
  readonly ownWords?: readonly string[];
  readonly error?: string | undefined;
  readonly ref?: (element: HTMLInputElement) => void;
};

const steps = { 'too-short': 0, 'weak': 1, 'fair': 2, 'good': 3 } as const;

/** Choosing a password, with a judgement in plain words and a suggestion for those who want one. */
export function NewPassword(props: Props): JSX.Element {
  const { t } = useView();
  const [suggested, setSuggested] = createSignal(false);
  const strength = () => strengthOf(props.value, props.minimum, props.ownWords);
  const suggest = (): void => {
    props.onInput(suggestPassword((bytes) => void crypto.getRandomValues(bytes)));
    setSuggested(true);
  };
  return (
    <div class="new-password">
      <PasswordField
        label={props.label} value={props.value} autocomplete="new-password" name="new-password"
        onInput={(value) => { setSuggested(false); props.onInput(value); }}
        ref={(element) => props.ref?.(element)}
        error={props.error}
        hint={(
          <span class="strength">
            <Show when={props.value !== ''} fallback={<span>{t().password.atLeast(props.minimum)}</span>}>
              <span class={`strength-bar strength-${steps[strength()]}`} aria-hidden="true"><i /><i /><i /></span>
              <span>
                <b>{t().password.strength[strength()]}</b>
                <Show when={strength() === 'too-short'}> · {t().password.atLeast(props.minimum)}</Show>
                <Show when={strength() === 'weak'}> · {t().password.hintWeak}</Show>
              </span>
            </Show>
          </span>
        )}
      />
      <button type="button" class="text-button new-password-suggest" onClick={suggest}>{t().password.suggest}</button>
      <Show when={suggested()}><p class="suggested" role="status"><bdi class="mono">{props.value}</bdi><br />{t().password.suggested}</p></Show>
    </div>
  );
}
