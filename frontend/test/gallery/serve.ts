import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, preview } from 'vite';
import settings from './vite.config.ts';

/** Builds the gallery once, in a place of this run, and serves it to all tests until they are done. */
export default async function serve(): Promise<() => Promise<void>> {
  const outDir = await mkdtemp(join(tmpdir(), 'kith-gallery-'));
  const own = { ...settings, configFile: false as const, logLevel: 'warn' as const, build: { ...settings.build, outDir, emptyOutDir: true } };
  await build(own);
  const { port } = new URL(process.env['GALLERY'] ?? '');
  const server = await preview({ ...own, preview: { ...settings.preview, port: Number(port) } });
  return async () => {
    await server.close();
    await rm(outDir, { recursive: true });
  };
}
