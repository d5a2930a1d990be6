import { defineConfig } from 'vite';
import solid from 'vite-plugin-solid';
import { sharedChunks } from '../../build/chunks.ts';
import { emojiData } from '../../build/emoji.ts';
import { leaflet } from '../../build/leaflet.ts';
import { trustedTemplates } from '../../build/trusted-templates.ts';

/** The policy under which the views must work; the server sends the same, with its own connect-src. */
export const policy = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob: data:", "font-src 'none'", "connect-src 'self'",
  "worker-src 'self'", "manifest-src 'self'", "media-src 'self' blob:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
  "require-trusted-types-for 'script'", 'trusted-types solid',
].join('; ');

/** How the views on the core in memory are built, as the app is, and served, under the app's security policy. */
export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  plugins: [trustedTemplates(), solid(), leaflet(), emojiData()],
  define: { 'import.meta.env.VITEST': 'false' },
  build: {
    reportCompressedSize: false,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: new URL('../../gallery.html', import.meta.url).pathname,
      output: { codeSplitting: { groups: sharedChunks } },
    },
  },
  preview: {
    strictPort: true,
    headers: {
      'Content-Security-Policy': policy,
      'Permissions-Policy': 'camera=(self), microphone=(self), geolocation=(self)',
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    },
  },
});
