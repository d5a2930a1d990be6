/** What is said when the browser is woken while no page is open, in the person's language. */
export interface Words {
  readonly title: string;
  readonly body: string;
}

const MEMORY = 'kith-words';
const PLACE = '/words';
/** Until a page has said otherwise. */
const FIRST: Words = { title: 'Kith', body: 'New message' };

export async function writeWords(caches: Pick<CacheStorage, 'open'>, { title, body }: Words): Promise<void> {
  const memory = await caches.open(MEMORY);
  await memory.put(PLACE, new Response(JSON.stringify({ title, body })));
}

export async function readWords(caches: Pick<CacheStorage, 'open'>): Promise<Words> {
  try {
    const memory = await caches.open(MEMORY);
    const found: unknown = await (await memory.match(PLACE))?.json();
    if (typeof found === 'object' && found !== null && 'title' in found && 'body' in found) return { title: String(found.title), body: String(found.body) };
  } catch {
    // What cannot be read was not written.
  }
  return FIRST;
}
