import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import solid from 'vite-plugin-solid';
import { defineConfig, type Plugin } from 'vitest/config';
import { askAgain } from './build/ask-again.ts';
import { sharedChunks } from './build/chunks.ts';
import { emojiData } from './build/emoji.ts';
import { leaflet } from './build/leaflet.ts';
import { serviceWorker } from './build/service-worker.ts';
import { trustedTemplates } from './build/trusted-templates.ts';
import { compressed } from './scripts/compress.ts';

/** The OMEMO core is built by Go; without it there is no app. */
function omemoCore(): Plugin {
  return {
    name: 'kith-omemo-core',
    apply: 'build',
    buildStart() {
      for (const file of ['kith-omemo.wasm', 'wasm_exec.js']) {
        if (!existsSync(fileURLToPath(new URL(`generated/${file}`, import.meta.url)))) {
          this.error(`generated/${file} is missing: run "make wasm" first`);
        }
      }
    },
  };
}

/** Empties the output, but for the file that keeps the directory in the repository. */
function clean(): Plugin {
  return {
    name: 'kith-clean',
    apply: 'build',
    buildStart() {
      const dist = fileURLToPath(new URL('dist', import.meta.url));
      if (!existsSync(dist)) return;
      for (const name of readdirSync(dist)) if (name !== '.placeholder') rmSync(join(dist, name), { recursive: true });
    },
  };
}

export default defineConfig({
  // The Solid plugin turns every test into a browser's; ours are below the views and need none.
  plugins: [process.env['VITEST'] === undefined && [trustedTemplates(), solid()], leaflet(), emojiData(), omemoCore(), clean(), serviceWorker(), compressed()],
  build: {
    target: ['chrome115', 'edge115', 'firefox121', 'safari17'],
    outDir: 'dist',
    emptyOutDir: false,
    assetsDir: 'assets',
    sourcemap: false,
    // No data: URLs and no inline script: the Content-Security-Policy allows neither for code.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { output: { hashCharacters: 'hex', codeSplitting: { groups: sharedChunks } } },
  },
  worker: {
    format: 'es',
    plugins: () => [askAgain()],
    rolldownOptions: { output: { hashCharacters: 'hex' } },
  },
  server: {
    fs: { allow: ['.', '../webclient'] },
    // `make dev` runs the server there; pages come from Vite, everything else from it.
    proxy: {
      '/api': { target: 'http://localhost:8080' },
      '/upload': { target: 'http://localhost:8080' },
      '/ws': { target: 'ws://localhost:8080', ws: true },
    },
  },
  test: {
    projects: [
      {
        extends: true,
        test: { name: 'unit', environment: 'node', include: ['src/**/*.test.ts', 'test/*.test.ts'], setupFiles: ['test/support/setup.ts'], testTimeout: 30_000 },
      },
      {
        extends: true,
        test: {
          name: 'live', environment: 'node', include: ['test/live/**/*.test.ts'], setupFiles: ['test/support/setup.ts'],
          testTimeout: 60_000, hookTimeout: 60_000, fileParallelism: false,
        },
      },
    ],
  },
});
