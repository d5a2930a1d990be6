/** XEP-0004: Data Forms, as far as programs fill and read them for each other. */
import { attr, children, define, leafTexts, optional, type Of } from './codec';
import { NS } from './ns';

export const field = define(NS.form, 'field', {
  name: optional(attr('var')),
  type: optional(attr('type')),
  values: leafTexts(NS.form, 'value'),
});

export const form = define(NS.form, 'x', {
  type: attr.oneOf('type', 'form', 'submit', 'result', 'cancel'),
  fields: children(field),
});

export type Form = Of<typeof form>;

export type FormValues = Readonly<Record<string, string | readonly string[]>>;

/** A form to submit; FORM_TYPE comes first (XEP-0068). */
export function submit(formType: string, values: FormValues): Form {
  return {
    type: 'submit',
    fields: [
      { name: 'FORM_TYPE', type: 'hidden', values: [formType] },
      ...Object.entries(values).map(([name, value]) => ({ name, values: typeof value === 'string' ? [value] : value })),
    ],
  };
}

/** The first value of a field. */
export function valueOf(source: Form, name: string): string | undefined {
  return source.fields.find((candidate) => candidate.name === name)?.values[0];
}
