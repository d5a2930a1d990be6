import type { Page } from '@playwright/test';
import { Front } from '../support/front';
import { Person, type Ways } from '../support/person';
import type { Server } from '../support/server';
import { expect, test } from '../support/story';

/** What runs an account; nobody needs it to see the way in. */
const part = /\/assets\/session-[0-9a-f]{8}\.js/;
/** The same, and what tells whether there is a server. */
const lost = /\/assets\/session-[0-9a-f]{8}\.js|\/healthz/;

const noConnection = (page: Page) => page.getByText('No connection to the server.');

/** The browser keeps nothing of what it has fetched. */
async function forget(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.clearBrowserCache');
  await session.detach();
}

/** Somebody who has an account and comes through a front. */
async function visitor(server: Server, front: Front, arrive: (as: Server) => Promise<Person>): Promise<Person> {
  const alice = await arrive(front.asServer);
  // What is lost on purpose the browser complains of.
  alice.guard.allow(/net::ERR_|status of 404|Failed to fetch/);
  await server.addUser('alice', alice.password);
  return alice;
}

for (const [title, ways] of [['one worker for all windows', {}], ['a worker for each window', { withoutSharedWorker: true }]] as const satisfies readonly (readonly [string, Ways])[]) {
  test(`what is not needed to see the way in is not fetched for it, and may be lost on the way: ${title}`, async ({ browser, server }) => {
    const front = await Front.before(server);
    const alice = await visitor(server, front, (as) => Person.arrive(browser, as, 'Alice Adams', ways));
    try {
      front.lost = lost;
      await alice.open();
      await alice.fillSignIn('alice', alice.password);
      await expect(noConnection(alice.page)).toBeVisible();
      front.lost = undefined;
      await alice.page.getByRole('button', { name: 'Sign in' }).click();
      await alice.isIn();
      expect(front.asked.filter((path) => part.test(path)).length).toBeGreaterThan(1);
      expect(alice.guard.wrong).toEqual([]);
    } finally {
      await alice.leave();
      await front.close();
    }
  });
}

test('once one could sign in, that needs nothing more from the network than the server', async ({ browser, server }) => {
  const front = await Front.before(server);
  const alice = await visitor(server, front, (as) => Person.arrive(browser, as, 'Alice Adams'));
  try {
    await alice.open();
    await expect(alice.page.getByRole('button', { name: 'Sign in' })).toBeVisible();
    await expect.poll(() => front.asked.filter((path) => part.test(path)).length).toBe(1); // by itself
    await alice.fillSignIn('alice', alice.password);
    await alice.isIn();
    expect(front.asked.filter((path) => part.test(path)).length).toBe(1);
    expect(alice.guard.wrong).toEqual([]);
  } finally {
    await alice.leave();
    await front.close();
  }
});

test('an app of which a part is lost says so, and goes on when it comes', async ({ browser, server }) => {
  const front = await Front.before(server);
  front.withoutWorker = true; // nothing is kept: everything comes over the network
  const alice = await visitor(server, front, (as) => Person.arrive(browser, as, 'Alice Adams'));
  try {
    await alice.signIn();
    for (const what of [lost, /\/assets\/core\.worker-/]) {
      await test.step(what.source, async () => {
        await forget(alice.page);
        front.lost = what;
        await alice.page.goto('about:blank'); // the worker ends
        await alice.open();
        await expect(noConnection(alice.page)).toBeVisible();
        await expect(alice.page.getByRole('button', { name: 'Sign in' })).toBeHidden();
        front.lost = undefined;
        await alice.isIn();
        await expect(noConnection(alice.page)).toBeHidden();
      });
    }
    expect(alice.guard.wrong).toEqual([]);
  } finally {
    await alice.leave();
    await front.close();
  }
});

test('a window that is older than the server, and lacks a part that is gone there, says that it wants to be loaded again', async ({ browser, server }) => {
  const front = await Front.before(server);
  front.withoutWorker = true;
  const alice = await visitor(server, front, (as) => Person.arrive(browser, as, 'Alice Adams'));
  try {
    front.broken = part;
    await alice.open();
    await alice.fillSignIn('alice', alice.password);
    await expect(alice.page.getByText('Reload the page; your messages are safe.')).toBeVisible();
    front.broken = undefined;
    front.next();
    await alice.page.reload();
    await alice.fillSignIn('alice', alice.password);
    await alice.isIn();
    expect(alice.guard.wrong).toEqual([]);
  } finally {
    await alice.leave();
    await front.close();
  }
});
