import { createServer } from 'node:net';
import { defineConfig } from '@playwright/test';

// Workers read this file again and inherit the environment: they go where the first reading decided.
process.env['GALLERY'] ??= `http://localhost:${await freePort()}`;

/** The views in a real browser, on the core in memory, under the security policy of the app. */
export default defineConfig({
  testDir: '.',
  outputDir: '../../node_modules/.gallery-results',
  globalSetup: './serve.ts',
  fullyParallel: true,
  workers: 2,
  // A browser has moods. What passes only the second time is listed as flaky at the end, and is to be looked into.
  retries: 1,
  // Nothing is measured by the clock: a machine that has other work only takes longer.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [['list']],
  use: {
    baseURL: process.env['GALLERY'],
    actionTimeout: 20_000,
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    launchOptions: {
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
    },
  },
});

/** A port that nobody else uses now: two runs at a time do not meet. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject).listen(0, 'localhost', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
