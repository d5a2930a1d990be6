import { defineConfig } from '@playwright/test';
import { launchOptions } from '../../e2e/support/chromium';

/** One app after the other, so that neither is in the other's way. */
export default defineConfig({
  testDir: '.',
  testMatch: '*.bench.ts',
  outputDir: 'results',
  workers: 1,
  retries: 0,
  timeout: 900_000,
  reporter: [['list', { printSteps: true }]],
  use: { launchOptions, actionTimeout: 60_000, navigationTimeout: 60_000, screenshot: 'only-on-failure' },
});
