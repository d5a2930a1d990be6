import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { filesOf } from '../build/service-worker';

const directory = mkdtempSync(join(tmpdir(), 'kith-build-'));
afterAll(() => rmSync(directory, { recursive: true }));

it('what the service worker keeps is what browsers ask for, each with its content', () => {
  mkdirSync(join(directory, 'assets'));
  for (const name of ['index.html', 'index.html.br', 'start.js', 'start.js.gz', '.placeholder', 'sw.js', 'assets/main-0a1b.js', 'assets/main-0a1b.js.br']) {
    writeFileSync(join(directory, name), name === 'start.js' ? 'abc' : name);
  }
  const files = filesOf(directory);
  expect(Object.keys(files)).toEqual(['/', '/assets/main-0a1b.js', '/start.js']);
  // SHA-256 of "abc" (FIPS 180-2, B.1), in base64.
  expect(files['/start.js']).toBe('sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=');
  writeFileSync(join(directory, 'index.html'), 'another');
  expect(filesOf(directory)['/']).not.toBe(files['/']);
});
