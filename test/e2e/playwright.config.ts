import { defineConfig } from '@playwright/test';
import { launchOptions } from './support/chromium';

/** People and their stories, in a real browser, with the real program. `run` sets it up. */
export default defineConfig({
  testDir: 'stories',
  outputDir: 'results/failed',
  fullyParallel: true,
  workers: Number(process.env['WORKERS'] ?? 2),
  // A browser has moods. What passes only the second time is listed as flaky at the end, and is to be looked into.
  retries: 1,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [['list']],
  use: { launchOptions, actionTimeout: 20_000, navigationTimeout: 20_000, screenshot: 'only-on-failure', trace: process.env['TRACE'] ? 'retain-on-failure' : 'off' },
});
