import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'vite';

const SCRIPT = 'sw.js';

/** The paths of a build as browsers ask for them, with what `integrity` of fetch expects of each. */
export function filesOf(directory: string): Record<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.') && !/\.(br|gz)$/.test(entry.name) && entry.name !== SCRIPT)
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => {
      const path = file.slice(directory.length).replaceAll('\\', '/');
      return [path === '/index.html' ? '/' : path, `sha256-${createHash('sha256').update(readFileSync(file)).digest('base64')}`] as const;
    });
  return Object.fromEntries(files.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Builds the service worker, once everything else is there, and tells it what there is. The list stands in front of
 * the script: another list is another script, by which browsers find out that there is a new version.
 */
export function serviceWorker(): Plugin {
  let root = '', directory = '';
  let target: string | string[] | false | undefined;
  return {
    name: 'kith-service-worker',
    apply: 'build',
    configResolved(config) {
      ({ root } = config);
      ({ target } = config.build);
      directory = join(root, config.build.outDir);
    },
    async writeBundle() {
      const result = await build({
        configFile: false, root, logLevel: 'warn', publicDir: false,
        build: {
          ...(target !== undefined && { target }), write: false, modulePreload: false,
          rolldownOptions: { input: join(root, 'src/pwa/sw.ts'), output: { format: 'iife', entryFileNames: SCRIPT } },
        },
      });
      const output = (Array.isArray(result) ? result : [result]).flatMap((one) => ('output' in one ? one.output : []));
      const [script, ...more] = output;
      if (script?.type !== 'chunk' || more.length > 0) throw new Error('the service worker must be one script');
      const files = filesOf(directory);
      const version = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16);
      writeFileSync(join(directory, SCRIPT), `const kithBuild = ${JSON.stringify({ version, files })};\n${script.code}`);
    },
  };
}
