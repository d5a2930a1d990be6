/** A text in parts, of which some name somebody: "@" and a name, of the longest first. */
export function namedParts(text: string, names: readonly string[]): readonly { readonly text: string; readonly name: boolean }[] {
  const all = [...new Set(names.map((name) => name.trim()))].filter((name) => name !== '').sort((a, b) => b.length - a.length);
  if (all.length === 0 || !text.includes('@')) return [{ text, name: false }];
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])@(?:${all.map((name) => name.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)).join('|')})(?![\\p{L}\\p{N}])`, 'giu');
  const parts: { text: string; name: boolean }[] = [];
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > at) parts.push({ text: text.slice(at, match.index), name: false });
    parts.push({ text: match[0], name: true });
    at = match.index + match[0].length;
  }
  if (at < text.length) parts.push({ text: text.slice(at), name: false });
  return parts;
}
