import type { Person } from '../support/person';
import { expect, test } from '../support/story';

const each = Number(process.env['CRASH_MESSAGES'] ?? 250);
const kills = 8;

test(`${2 * each} messages while the server is killed ${kills} times`, async ({ server, friends: [alice, bob] }) => {
  test.setTimeout(300_000);
  const seed = Number(process.env['CRASH_SEED'] ?? Math.floor(Math.random() * 1e6));
  process.stdout.write(`CRASH_SEED=${seed}\n`);
  let state = seed + 1;
  const random = (below: number): number => (state = (state * 48_271) % 0x7fffffff) % below;
  const killAt = Array.from({ length: kills }, () => random(2 * each)).sort((a, b) => a - b);
  await rememberTicks(alice);
  await rememberTicks(bob);

  let written = 0;
  let killing = Promise.resolve();
  const write = async (person: Person, text: string): Promise<void> => {
    await person.write(text);
    written++;
    while (killAt[0] !== undefined && written >= killAt[0]) {
      killAt.shift();
      killing = killing.then(() => server.crash());
    }
  };
  const texts = (person: Person): string[] => Array.from({ length: each }, (_, i) => `${i + 1} from ${person.name}`);
  const [byAlice, byBob] = [texts(alice), texts(bob)];
  // Neither gets far ahead: what both say last is at the end of the list, which holds only what is near to what is seen.
  for (const [i, text] of byAlice.entries()) await Promise.all([write(alice, text), write(bob, byBob[i] ?? '')]);
  await killing;

  for (const [one, other, mine, theirs] of [[alice, bob, byAlice, byBob], [bob, alice, byBob, byAlice]] as const) {
    await expect(one.own(mine.at(-1) ?? '', 'Delivered', 'Read')).toBeAttached({ timeout: 90_000 });
    await expect(one.from(other.name, theirs.at(-1) ?? '')).toBeAttached({ timeout: 90_000 });
  }
  for (const [one, other, mine, theirs] of [[alice, bob, byAlice, byBob], [bob, alice, byBob, byAlice]] as const) {
    const lines = await one.transcript();
    expect(lines.filter((line) => line.who === 'You').map((line) => line.text)).toEqual(mine);
    expect(lines.filter((line) => line.who === other.name).map((line) => line.text)).toEqual(theirs);
    expect(lines).toHaveLength(2 * each);
    expect(lines.filter((line) => line.who === 'You' && line.state !== 'Delivered' && line.state !== 'Read')).toEqual([]);

    // Whatever was once shown as sent is still here, and there.
    const ticked = await one.page.evaluate(() => [...(window as unknown as { ticked: Set<string> }).ticked]);
    expect(ticked.length).toBeGreaterThan(each / 2);
    expect(mine).toEqual(expect.arrayContaining(ticked));

    // And it is in the database in this order, not only on the screen.
    await one.page.reload();
    await one.isInChat(other.name);
    expect((await one.transcript()).map(({ who, text }) => ({ who, text }))).toEqual(lines.map(({ who, text }) => ({ who, text })));
  }
});

/** Keeps the text of every own message that was ever shown as sent. */
async function rememberTicks(person: Person): Promise<void> {
  await person.page.evaluate(() => {
    const ticked = (window as unknown as { ticked: Set<string> }).ticked = new Set<string>();
    const look = (): void => {
      for (const row of document.querySelectorAll('.message[aria-label^="You, "]')) {
        const text = /^You, at [\d:]+: (.*), (Sent|Delivered|Read)$/s.exec(row.getAttribute('aria-label') ?? '')?.[1];
        if (text !== undefined) ticked.add(text);
      }
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ['aria-label'] });
    look();
  });
}
