import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { accents } from '../stores/preferences';

const source = fileURLToPath(new URL('..', import.meta.url));
const tokens = readFileSync(join(source, 'styles/tokens.css'), 'utf8');
const sheets = Object.fromEntries(
  readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.css') && !name.endsWith('tokens.css'))
    .map((name) => [name, readFileSync(join(source, name), 'utf8')]),
);
const bare = (css: string): string => css.replace(/\/\*[\s\S]*?\*\//g, '');

/** `--name: light-dark(a, b)` as pairs. */
const colours = new Map(
  [...bare(tokens.split('@media')[0] ?? '').matchAll(/(--[\w-]+):\s*light-dark\((#\w{6}),\s*(#\w{6})\)/g)].map(([, name, light, dark]) => [name, { light, dark }]),
);

const luminance = (hex: string): number => {
  const [r, g, b] = [1, 3, 5].map((i) => {
    const c = parseInt(hex.slice(i, i + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a: string, b: string): number => {
  const [bright, dim] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (bright + 0.05) / (dim + 0.05);
};

const grounds = ['--ground-back', '--ground', '--ground-raised', '--ground-sunken', '--ground-hover'];
const pairs: readonly (readonly [ink: string, grounds: readonly string[], least: number])[] = [
  ['--ink', [...grounds, '--ground-press', '--ground-chosen', '--accent-soft', '--warn-ground'], 7],
  ['--ink-soft', [...grounds, '--ground-press', '--ground-chosen', '--accent-soft'], 4.5],
  ['--ink-faint', [...grounds, '--ground-chosen'], 4.5],
  ['--accent-text', [...grounds, '--ground-chosen', '--accent-soft'], 4.5],
  ['--accent-ink', ['--accent', '--accent-hover'], 4.5],
  ['--good-text', [...grounds, '--ground-chosen'], 4.5],
  ['--warn-text', ['--warn-ground', '--ground-raised', '--ground'], 4.5],
  ['--bad-text', [...grounds, '--bad-ground', '--ground-chosen', '--bubble-in', '--bubble-out'], 4.5],
  ['--bad-ink', ['--bad', '--bad-hover'], 4.5],
  ['--bubble-ink', ['--bubble-in', '--bubble-out'], 7],
  ['--bubble-link', ['--bubble-in', '--bubble-out'], 7],
  ['--bubble-meta', ['--bubble-in', '--bubble-out'], 4.5],
  ['--line-strong', ['--ground', '--ground-raised', '--ground-back'], 3],
  ['--accent', ['--ground', '--ground-raised', '--ground-back'], 3],
];

/** What each accent puts in the place of the first one's colours. */
const accentsOf = new Map([...bare(tokens).matchAll(/\[data-accent="(\w+)"\] \{([^}]*)\}/g)].map(([, name, body]) => [
  name ?? '', new Map([...(body ?? '').matchAll(/(--[\w-]+):\s*light-dark\((#\w{6}),\s*(#\w{6})\)/g)].map(([, token, light, dark]) => [token, { light, dark }])),
]));

test('there is a set of colours for every accent that can be chosen, and all have the same names', () => {
  expect([...accentsOf.keys()]).toEqual([...accents]);
  const names = [...accentsOf.get('teal')?.keys() ?? []];
  expect(names.length).toBeGreaterThan(5);
  for (const one of accentsOf.values()) expect([...one.keys()]).toEqual(names);
  for (const name of names) expect(accentsOf.get('teal')?.get(name), name).toEqual(colours.get(name));
});

describe.each(accents.flatMap((accent) => (['light', 'dark'] as const).map((scheme) => [accent, scheme] as const)))('with %s, in the %s', (accent, scheme) => {
  const own = accentsOf.get(accent);
  const of = (token: string): string | undefined => (own?.get(token) ?? colours.get(token))?.[scheme];
  const touched = pairs.flatMap(([ink, on, least]) => on.filter((ground) => own?.has(ink) === true || own?.has(ground) === true).map((ground) => [ink, ground, least] as const));
  test.each(touched)('%s on %s has at least %d:1', (ink, ground, least) => {
    expect(contrast(of(ink) ?? '', of(ground) ?? '')).toBeGreaterThanOrEqual(least);
  });
});

describe.each(['light', 'dark'] as const)('in the %s', (scheme) => {
  test.each(pairs.flatMap(([ink, on, least]) => on.map((ground) => [ink, ground, least] as const)))('%s on %s has at least %d:1', (ink, ground, least) => {
    const [a, b] = [colours.get(ink)?.[scheme], colours.get(ground)?.[scheme]];
    expect(a, ink).toBeDefined();
    expect(b, ground).toBeDefined();
    expect(contrast(a!, b!)).toBeGreaterThanOrEqual(least);
  });
});

describe.each(Object.entries(sheets))('%s', (_, css) => {
  const rules = bare(css);

  test('names no colour', () => {
    const values = [...rules.matchAll(/:\s*([^;{}]+);/g)].map((match) => match[1] ?? '');
    expect(values.filter((value) => /#[0-9a-f]{3,8}\b|\b(rgb|hsl|oklch|lab|color)\(|\b(white|black|red|green|blue|gr[ae]y)\b/i.test(value))).toEqual([]);
  });

  // Those that begin with tint, under, drawn or share are set by the views on single elements.
  test('uses only tokens that exist', () => {
    const known = new Set([...bare(tokens).matchAll(/(--[\w-]+):/g)].map((match) => match[1]));
    const local = new Set([...rules.matchAll(/(--[\w-]+):/g)].map((match) => match[1]));
    const used = [...rules.matchAll(/var\((--[\w-]+)/g)].map((match) => match[1] ?? '');
    const foreign = used.filter((name) => !known.has(name) && !local.has(name) && !/^--(tint|under|drawn|share)/.test(name));
    expect(foreign).toEqual([]);
  });

  test('knows no left and right', () => {
    const logical = rules.replace(/[^{}]*\.own-direction \{[^}]*\}/g, '');
    expect(logical.match(/(?:^|[\s{;])(?:(?:left|right|(?:margin|padding|border)-(?:left|right)[\w-]*)\s*:|text-align:\s*(?:left|right)|float:\s*(?:left|right))[^;]*;/g) ?? []).toEqual([]);
  });
});

describe('from right to left', () => {
  const mirrored = (css: string): string => [...css.matchAll(/[^{}]*dir="rtl"[^{}]*\{[^}]*\}/g)].map((match) => match[0]).join('\n');

  test.each(Object.entries(sheets))('%s turns around what has a side', (_, css) => {
    const rules = bare(css);
    const other = mirrored(rules);
    // A length that goes one way needs its counterpart; what a finger draws (a variable) has the finger's direction.
    for (const [, length] of rules.replaceAll(other, '').matchAll(/translateX\((\d[^)]*)\)/g)) {
      if (length !== '0') expect(other).toContain(`translateX(-${length ?? ''})`);
    }
    if (/linear-gradient\(to right/.test(rules)) expect(other).toContain('linear-gradient(to left');
  });

  test('icons that point somewhere point the other way', () => {
    const pointing = /<(?:Icon|IconButton)\b[^>]*?\b(?:of|icon)=\{(?:ArrowLeft|ArrowRight|ChevronLeft|ChevronRight|LogOut|Reply|Forward|SendHorizontal|Send)\}(?:(?!\/>|<\/)[^])*?\/>/g;
    const views = readdirSync(join(source, 'views'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.tsx'));
    const wrong = views.flatMap((name) => [...readFileSync(join(source, 'views', name), 'utf8').matchAll(pointing)]
      .filter(([tag]) => !/\smirror\b/.test(tag)).map(([tag]) => `${name}: ${tag.slice(0, 100)}`));
    expect(views.length).toBeGreaterThan(50);
    expect(wrong).toEqual([]);
  });
});
