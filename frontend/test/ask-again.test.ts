import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import { afterAll, expect, it } from 'vitest';
import { askAgain } from '../build/ask-again';

const directory = mkdtempSync(join(tmpdir(), 'kith-again-'));
afterAll(() => rmSync(directory, { recursive: true }));

it('a part that could not be fetched is asked for by another address, and is then the one there is', async () => {
  const [source, out] = [join(directory, 'source'), join(directory, 'out')];
  mkdirSync(source);
  writeFileSync(join(source, 'entry.js'), `export const load = () => import('./part.js');\n`);
  writeFileSync(join(source, 'part.js'), `export const where = import.meta.url;\n`);
  await build({
    configFile: false, root: source, logLevel: 'error', plugins: [askAgain()],
    build: { outDir: out, lib: { entry: join(source, 'entry.js'), formats: ['es'], fileName: () => 'entry.mjs' }, rolldownOptions: { output: { chunkFileNames: '[name].mjs' } } },
  });
  expect(readdirSync(out).sort()).toEqual(['entry.mjs', 'part.mjs']);
  writeFileSync(join(out, 'driver.mjs'), `
    import { renameSync } from 'node:fs';
    import { load } from './entry.mjs';
    const told = [], tell = async () => told.push(await load().then(({ where }) => where.split('/').at(-1), () => 'lost'));
    renameSync('part.mjs', 'gone.mjs');
    await tell();
    await tell();
    renameSync('gone.mjs', 'part.mjs');
    await tell();
    await tell();
    console.log(told.join(' '));
  `);
  expect(execFileSync(process.execPath, ['driver.mjs'], { cwd: out, encoding: 'utf8' }).trim()).toBe('lost lost part.mjs?again=2 part.mjs?again=2');
});
