import type { JSX } from 'solid-js';
import type { Theme } from '../../stores/preferences';
import { read } from '../adapter';
import { useView } from '../context';
import { Choice } from '../parts/Choice';

export function Appearance(): JSX.Element {
  const { app, t } = useView();
  const preferences = read(app.preferences);
  return (
    <Choice<Theme>
      legend={t().settings.appearance.theme} value={preferences().theme} onChange={(theme) => app.preferences.change({ theme })}
      options={[
        { value: 'system', label: t().settings.appearance.system },
        { value: 'light', label: t().settings.appearance.light },
        { value: 'dark', label: t().settings.appearance.dark },
      ]}
    />
  );
}
