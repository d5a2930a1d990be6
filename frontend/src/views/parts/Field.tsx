import { Eye, EyeOff } from 'lucide';
import { createSignal, createUniqueId, type JSX, Show, splitProps } from 'solid-js';
import { useView } from '../context';
import { IconButton } from './Button';

type FieldProps = Omit<JSX.InputHTMLAttributes<HTMLInputElement>, 'ref' | 'onInput' | 'value'> & {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly hint?: JSX.Element;
  readonly error?: string | undefined;
  /** Shown after the text, as in "anna" + "@example.org". */
  readonly suffix?: string | undefined;
  readonly after?: JSX.Element;
  readonly ref?: (element: HTMLInputElement) => void;
};

/** A labelled text field with a hint and an error that belong to it. */
export function Field(props: FieldProps): JSX.Element {
  const [own, rest] = splitProps(props, ['label', 'value', 'onInput', 'hint', 'error', 'suffix', 'after', 'ref', 'class']);
  const id = createUniqueId();
  const described = (): string | undefined =>
    [own.error ? `${id}-error` : '', own.hint ? `${id}-hint` : ''].filter((part) => part !== '').join(' ') || undefined;
  return (
    <div class={`field ${own.class ?? ''}`} classList={{ 'field-wrong': own.error !== undefined }}>
      <label for={id}>{own.label}</label>
      <div class="field-box" dir={rest.dir}>
        <input
          {...rest} id={id} value={own.value} ref={(element) => own.ref?.(element)}
          onInput={(event) => own.onInput(event.currentTarget.value)}
          aria-invalid={own.error ? 'true' : undefined} aria-describedby={described()}
        />
        <Show when={own.suffix}><span class="field-suffix" dir="ltr">{own.suffix}</span></Show>
        {own.after}
      </div>
      <Show when={own.error}>{(error) => <p class="field-error" id={`${id}-error`}>{error()}</p>}</Show>
      <Show when={own.hint}><p class="field-hint" id={`${id}-hint`}>{own.hint}</p></Show>
    </div>
  );
}

/** A field for a password that can be shown. */
export function PasswordField(props: FieldProps): JSX.Element {
  const { t } = useView();
  const [shown, setShown] = createSignal(false);
  return (
    <Field
      autocapitalize="none" spellcheck={false} dir="ltr" {...props} type={shown() ? 'text' : 'password'}
      after={(
        <IconButton
          icon={shown() ? EyeOff : Eye} label={shown() ? t().password.hide : t().password.show}
          aria-pressed={shown()} onClick={() => setShown(!shown())}
        />
      )}
    />
  );
}
