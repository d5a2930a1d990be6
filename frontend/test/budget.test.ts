import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';

/**
 * How much a browser may have to fetch, in bytes as the server sends them (brotli). What an app weighs does not depend on
 * the machine it was built on, so this can be asserted; how long it takes is measured by `make bench`.
 */
const budget = {
  /** Up to the form to sign in, on the page and in the worker: together at most a third of converse.js 14, which has 297,000. */
  signIn: { page: 60_000, worker: 22_000, css: 12_000 },
  /** Up to a chat, all of it but the OMEMO core. */
  chat: { js: 220_000, css: 20_000 },
  /** The OMEMO core, which is fetched after the first paint and then kept. */
  omemo: 650_000,
};

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const built = existsSync(join(dist, 'index.html'));

/** What a browser fetches for a file: the brotli version, where there is one. */
function weight(path: string): number {
  const file = join(dist, path);
  return statSync(existsSync(`${file}.br`) ? `${file}.br` : file).size;
}

const text = (path: string): string => readFileSync(join(dist, path), 'utf8');

/** All matches of the first group of a pattern. */
const matches = (source: string, pattern: RegExp): string[] => [...source.matchAll(pattern)].map((m) => m[1] ?? '');

/** Adds a script and everything that it imports before it runs. */
function add(to: Set<string>, path: string): void {
  if (to.has(path)) return;
  to.add(path);
  if (!path.endsWith('.js')) return;
  for (const name of matches(text(path), /(?:from|import)\s*["'`]\.\/([\w.-]+\.js)["'`]/g)) add(to, `assets/${name}`);
}

/** The one file of the build with this name before its hash. */
function named(name: string, end: string): string {
  const found = readdirSync(join(dist, 'assets')).filter((f) => new RegExp(`^${name}-[0-9a-f]+\\.${end}$`).test(f));
  if (found.length !== 1) throw new Error(`there are ${String(found.length)} files ${name}-*.${end} in dist/assets`);
  return `assets/${found[0] ?? ''}`;
}

/** Adds a view that is opened later, with the styles that come with it. */
function addView(to: Set<string>, name: string): void {
  const view = named(name, 'js');
  add(to, view);
  const entry = text(named('index', 'js'));
  const all = matches(/m\.f=\[([^\]]*)\]/.exec(entry)?.[1] ?? '', /["']([^"']+)["']/g);
  const numbers = new RegExp(`${view.slice('assets/'.length).replaceAll('.', '\\.')}\`\\).*?__vite__mapDeps\\(\\[([\\d,]+)\\]`).exec(entry)?.[1];
  if (all.length === 0 || numbers === undefined) throw new Error(`the build does not tell what ${name} comes with`);
  for (const n of numbers.split(',')) add(to, all[Number(n)] ?? 'missing');
}

const sum = (files: Iterable<string>, end: string): number => [...files].filter((f) => f.endsWith(end)).reduce((n, f) => n + weight(f), 0);

describe.skipIf(!built)('the size of the app as it was built (without dist/index.html there is nothing to weigh: make frontend)', () => {
  const first = new Set<string>();
  const chat = new Set<string>();
  const worker = new Set<string>();
  /** What the worker fetches once there is an account. */
  const session = new Set<string>();
  beforeAll(() => {
    const html = text('index.html');
    for (const path of matches(html, /<script[^>]* src="\/([^"]+)"/g)) add(first, path);
    for (const path of matches(html, /<link rel="(?:modulepreload|stylesheet)"[^>]* href="\/([^"]+)"/g)) add(first, path);
    addView(first, 'SignIn');
    for (const path of first) chat.add(path);
    addView(chat, 'Main');
    add(worker, named('core\\.worker', 'js'));
    for (const name of ['session', 'wasm', 'wasm_exec']) add(session, named(name, 'js'));
  });

  test('to the form to sign in', () => {
    expect(first.size).toBeGreaterThan(4);
    expect(sum(first, '.js')).toBeLessThanOrEqual(budget.signIn.page);
    expect(sum(first, '.css')).toBeLessThanOrEqual(budget.signIn.css);
    expect(sum(worker, '.js')).toBeLessThanOrEqual(budget.signIn.worker);
  });

  test('the worker begins as one script, and what it fetches later needs nothing but that', () => {
    // Otherwise one would wait for one after the other, and what was lost on the way could not be asked for again (build/ask-again.ts).
    expect([...worker]).toEqual([named('core\\.worker', 'js')]);
    expect([...session].filter((path) => !worker.has(path))).toEqual(['session', 'wasm', 'wasm_exec'].map((name) => named(name, 'js')));
  });

  test('to a chat', () => {
    expect(chat.size).toBeGreaterThan(first.size);
    expect(sum(chat, '.js') + sum(new Set([...worker, ...session]), '.js')).toBeLessThanOrEqual(budget.chat.js);
    expect(sum(chat, '.css')).toBeLessThanOrEqual(budget.chat.css);
  });

  test('the OMEMO core', () => {
    expect(weight(named('kith-omemo', 'wasm'))).toBeLessThanOrEqual(budget.omemo);
  });

  test('everything is there in a form that is small on the wire', () => {
    for (const path of [...chat, ...worker, ...session]) if (statSync(join(dist, path)).size >= 1_024) expect(existsSync(join(dist, `${path}.br`)), path).toBe(true);
  });
});
