import type { Person, Ways } from '../support/person';
import { befriend, expect, test } from '../support/story';

const burst = Array.from({ length: 12 }, (_, i) => `burst ${i + 1}`);
const mineOf = async (person: Person): Promise<string[]> => (await person.transcript()).filter((line) => line.who === 'You').map((line) => line.text);

for (const [name, ways] of [['a shared worker', {}], ['a worker for each tab', { withoutSharedWorker: true }]] as [string, Ways][]) {
  test.describe(`two tabs, ${name}`, () => {
    test('are one account: what comes and goes is in both, and read in both', async ({ server, person }) => {
      const alice = await person('Alice Adams', ways);
      const bob = await person('Bob Brown');
      await befriend(server, alice, bob);
      const first = alice.page;
      const second = await alice.newTab();
      await alice.openChat('Bob Brown');
      await bob.tell(alice, 'to both');
      await alice.tell(bob, 'from the second');
      alice.page = first;
      await expect(alice.from('Bob Brown', 'to both')).toBeVisible();
      await expect(alice.own('from the second', 'Read')).toBeVisible();
      await alice.tell(bob, 'from the first');
      await expect.poll(() => cores(alice)).toEqual({ held: 1, pending: ways.withoutSharedWorker ? 1 : 0 });

      await test.step('signing out in one signs out both', async () => {
        await first.goto(`${server.origin}/settings`);
        await first.getByRole('button', { name: 'Sign out' }).click();
        await first.getByRole('button', { name: 'Sign out and delete' }).click();
        for (const page of [first, second]) await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
      });
    });

    test('one is closed while it sends, and the other goes on', async ({ server, person }) => {
      const alice = await person('Alice Adams', ways);
      const bob = await person('Bob Brown');
      await befriend(server, alice, bob);
      const first = alice.page;
      await alice.newTab();
      await alice.openChat('Bob Brown');
      const second = alice.page;

      alice.page = first;
      for (const text of burst) await alice.write(text);
      await expect(alice.own('burst 1', 'Sent', 'Delivered', 'Read')).toBeAttached();
      await first.close();
      alice.page = second;
      await alice.tell(bob, 'after the burst');

      const mine = await mineOf(alice);
      // A tab that dies takes with it at most what it had not even stored: the last ones, never one in between.
      expect([...burst.slice(0, mine.length - 1), 'after the burst']).toEqual(mine);
      if (!ways.withoutSharedWorker) expect(mine).toHaveLength(burst.length + 1);
      expect((await bob.transcript()).map((line) => line.text)).toEqual(mine);
      await expect.poll(() => cores(alice)).toEqual({ held: 1, pending: 0 });
      await bob.tell(alice, 'and back');
    });

    test('the last one is closed, and a new one begins where it ended', async ({ server, person }) => {
      const alice = await person('Alice Adams', ways);
      const bob = await person('Bob Brown');
      await befriend(server, alice, bob);
      await alice.tell(bob, 'one');
      const last = alice.page;
      await alice.context.newPage();
      await last.close();
      await bob.write('two');
      await expect(bob.own('two', 'Sent', 'Delivered', 'Read')).toBeVisible(); // before `three` is written
      alice.page = alice.context.pages()[0] ?? await alice.context.newPage();
      await alice.open();
      await alice.openChat('Bob Brown');
      await alice.tell(bob, 'three');
      expect((await alice.transcript()).map((line) => line.text)).toEqual(['one', 'two', 'three']);
    });
  });
}

/** How many workers run the core of this profile, and how many wait for their turn. */
async function cores(person: Person): Promise<{ held: number; pending: number }> {
  return person.page.evaluate(async () => {
    const { held = [], pending = [] } = await navigator.locks.query();
    const core = (locks: readonly LockInfo[]): number => locks.filter((lock) => lock.name === 'kith-core').length;
    return { held: core(held), pending: core(pending) };
  });
}
