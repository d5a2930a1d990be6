import { defineConfig } from '@playwright/test';

/** The views in a real browser, on the core in memory, under the security policy of the app. */
export default defineConfig({
  testDir: '.',
  outputDir: '../../node_modules/.gallery-results',
  fullyParallel: true,
  workers: 2,
  retries: 0,
  reporter: [['list']],
  use: {
    baseURL: 'http://localhost:4179',
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    launchOptions: {
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
    },
  },
  webServer: {
    command: 'npx vite build -c test/gallery/vite.config.ts --logLevel warn && npx vite preview -c test/gallery/vite.config.ts',
    cwd: new URL('../..', import.meta.url).pathname,
    url: 'http://localhost:4179/gallery.html',
    reuseExistingServer: true,
    timeout: 120_000,
  },
});
