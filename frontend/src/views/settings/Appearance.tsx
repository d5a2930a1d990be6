import { createUniqueId, For, type JSX } from 'solid-js';
import { type Accent, accents, type TextSize, textSizes, type Theme } from '../../stores/preferences';
import { read } from '../adapter';
import { useView } from '../context';
import { Choice } from '../parts/Choice';
import { Switch } from '../parts/Switch';

export function Appearance(): JSX.Element {
  const { app, t } = useView();
  const preferences = read(app.preferences);
  return (
    <>
      <Choice<Theme>
        legend={t().settings.appearance.theme} value={preferences().theme} onChange={(theme) => app.preferences.change({ theme })}
        options={[
          { value: 'system', label: t().settings.appearance.system },
          { value: 'light', label: t().settings.appearance.light },
          { value: 'dark', label: t().settings.appearance.dark },
        ]}
      />
      <Accents value={preferences().accent} onChange={(accent) => app.preferences.change({ accent })} />
      <Choice<TextSize>
        legend={t().settings.appearance.textSize} value={preferences().textSize} onChange={(textSize) => app.preferences.change({ textSize })}
        options={textSizes.map((value) => ({ value, label: t().settings.appearance.textSizes[value] }))}
      />
      <div class="card">
        <Switch
          label={t().settings.appearance.contrast} hint={t().settings.appearance.contrastHint} on={preferences().contrast === 'more'}
          onChange={(on) => app.preferences.change({ contrast: on ? 'more' : 'system' })}
        />
      </div>
    </>
  );
}

/** Each shown by itself, with its name. */
function Accents(props: { readonly value: Accent; readonly onChange: (accent: Accent) => void }): JSX.Element {
  const { t } = useView();
  const name = createUniqueId();
  return (
    <fieldset class="choice">
      <legend>{t().settings.appearance.accent}</legend>
      <div class="card swatches">
        <For each={accents}>
          {(accent) => (
            <label class="swatch" data-accent={accent}>
              <input type="radio" name={name} value={accent} checked={props.value === accent} onChange={() => props.onChange(accent)} />
              <span class="swatch-colour" aria-hidden="true" />
              <span>{t().settings.appearance.accents[accent]}</span>
            </label>
          )}
        </For>
      </div>
    </fieldset>
  );
}
