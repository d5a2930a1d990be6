/** Writes `.br` and `.gz` beside every file that gets smaller by it, so that the server never compresses anything. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

const COMPRESSIBLE = new Set(['.html', '.js', '.css', '.svg', '.json', '.wasm', '.webmanifest', '.txt', '.ico', '.map']);
const MIN_SIZE = 256;
/** Brotli at its best takes seconds for the OMEMO core, which rarely changes. */
const CACHE = fileURLToPath(new URL('../node_modules/.cache/kith-compress/', import.meta.url));

function* files(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else yield path;
  }
}

export interface Size {
  readonly path: string;
  readonly raw: number;
  readonly gzip: number;
  readonly brotli: number;
}

/** Compresses everything below `directory`; the result is the same for the same input. */
export function compress(directory: string): Size[] {
  const sizes: Size[] = [];
  for (const path of files(directory)) {
    if (!COMPRESSIBLE.has(extname(path)) || statSync(path).size < MIN_SIZE) continue;
    const raw = readFileSync(path);
    const gzip = cached(raw, 'gz', () => gzipSync(raw, { level: 9 }));
    const brotli = cached(raw, 'br', () => brotliCompressSync(raw, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: raw.length, [constants.BROTLI_PARAM_LGWIN]: 24 },
    }));
    if (gzip.length < raw.length) writeFileSync(`${path}.gz`, gzip);
    if (brotli.length < raw.length) writeFileSync(`${path}.br`, brotli);
    sizes.push({ path, raw: raw.length, gzip: gzip.length, brotli: brotli.length });
  }
  return sizes;
}

function cached(raw: Buffer, extension: string, make: () => Buffer): Buffer {
  const path = join(CACHE, `${createHash('sha256').update(raw).digest('hex')}.${extension}`);
  if (existsSync(path)) return readFileSync(path);
  const result = make();
  mkdirSync(CACHE, { recursive: true });
  writeFileSync(path, result);
  return result;
}

/** After a build: compress, and print what a browser will load. */
export function compressed(): Plugin {
  let directory = 'dist';
  return {
    name: 'kith-compress',
    apply: 'build',
    enforce: 'post',
    configResolved(config) {
      directory = join(config.root, config.build.outDir);
    },
    closeBundle() {
      for (const { path, raw, gzip, brotli } of compress(directory).sort((a, b) => b.gzip - a.gzip)) {
        this.info(`${path.slice(directory.length + 1).padEnd(44)} ${String(raw).padStart(9)} ${String(gzip).padStart(8)} gz ${String(brotli).padStart(8)} br`);
      }
    },
  };
}
