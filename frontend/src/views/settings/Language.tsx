import type { JSX } from 'solid-js';
import { languages } from '../../i18n/languages';
import { read } from '../adapter';
import { useView } from '../context';
import { Choice } from '../parts/Choice';

export function Language(): JSX.Element {
  const { app, t } = useView();
  const preferences = read(app.preferences);
  return (
    <Choice
      legend={t().settings.language.title} hideLegend value={preferences().language} onChange={(language) => app.preferences.change({ language })}
      options={[
        { value: 'system', label: t().settings.language.system },
        ...languages.map((language) => ({ value: language.tag, label: language.name, lang: language.tag })),
      ]}
    />
  );
}
