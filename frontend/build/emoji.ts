import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Plugin } from 'vite';

interface Entry {
  readonly unicode: string;
  readonly label: string;
  readonly group?: number;
  readonly order?: number;
  readonly tags?: readonly string[];
}

/** Parts of others, such as skin tones: nothing to choose. */
const components = 2;
const prefix = 'virtual:emoji-';

/**
 * The emoji of Unicode with their names in one language, out of emojibase, as a module: rows of the emoji, its group, its
 * name and other words for it. It is fetched when somebody looks for one.
 */
export function emojiData(): Plugin {
  const require = createRequire(import.meta.url);
  return {
    name: 'kith-emoji',
    resolveId: (id) => (id.startsWith(prefix) ? `\0${id}` : undefined),
    load(id) {
      if (!id.startsWith(`\0${prefix}`)) return undefined;
      const entries = JSON.parse(readFileSync(require.resolve(`emojibase-data/${id.slice(prefix.length + 1)}/compact.json`), 'utf8')) as Entry[];
      const rows = entries.filter((entry) => entry.group !== undefined && entry.group !== components)
        .sort((a, b) => (a.order ?? 0) - (b.order ?? 0))
        .map(({ unicode, group, label, tags }) => [unicode, group, label, (tags ?? []).join(' ')]);
      return `export default JSON.parse(${JSON.stringify(JSON.stringify(rows))});`;
    },
  };
}
