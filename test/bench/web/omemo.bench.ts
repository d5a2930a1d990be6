/** OMEMO in the browser: Kith's core beside the JavaScript implementation that converse.js has. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from '@playwright/test';
import { serve } from './files';
import { Table } from './table';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const files = [
  'omemo.page.js', '../../../webclient/testdata/device.mjs', '../../../webclient/kith-omemo.js', '../../../frontend/generated/wasm_exec.js',
  '../../../frontend/generated/kith-omemo.wasm', 'node_modules/converse.js/dist/libomemo.esm.min.js',
  'node_modules/converse.js/dist/curve25519_compiled.wasm',
];

/** All in ms. */
interface Figures {
  readonly encrypt: number;
  readonly decrypt: number;
  readonly step: number;
  readonly fresh: number;
  readonly known: number;
}

test('OMEMO beside libomemo', async ({ page }) => {
  const directory = mkdtempSync(join(tmpdir(), 'kith-omemo-'));
  for (const file of files) cpSync(here(file), join(directory, file.replace(/.*\//, '')));
  const { port, server } = await serve(directory, '<!doctype html><script src="wasm_exec.js"></script>');
  try {
    await page.goto(`http://localhost:${String(port)}/`);
    const { start, memory, old, two, theirs } = await page.evaluate(async (path) => {
      const { run } = await import(path) as { run(): Promise<{ start: number; memory: number; old: Figures; two: Figures; theirs: Figures }> };
      return run();
    }, '/omemo.page.js');
    const table = new Table('OMEMO in Chromium, records in memory', true, 'libomemo');
    table.row('the core is loaded, ms', start, 60, null);
    table.row('its memory with 1,000 sessions, MiB', memory, 16, null);
    const rows = (version: string, ours: Figures, lib: Figures | null): void => {
      table.row(`${version}: encrypt in a chain, µs`, ours.encrypt * 1000, 50, lib && lib.encrypt * 1000);
      table.row(`${version}: decrypt in a chain, µs`, ours.decrypt * 1000, 50, lib && lib.decrypt * 1000);
      table.row(`${version}: decrypt an answer (a step of the ratchet), µs`, ours.step * 1000, 800, lib && lib.step * 1000);
      table.row(`${version}: first message to 100 new devices, ms`, ours.fresh, 350, lib && lib.fresh);
      table.row(`${version}: message to 100 known devices, ms`, ours.known, 10, lib && lib.known);
    };
    rows('0.3', old, theirs);
    rows('omemo:2', two, null);
    table.print();
  } finally {
    server.close();
    rmSync(directory, { recursive: true });
  }
});
