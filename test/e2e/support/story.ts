/** A story is told with a server and people; at its end nothing may have gone wrong in silence. */
import { writeFileSync } from 'node:fs';
import { expect, test as base } from '@playwright/test';
import { Person, type Ways } from './person';
import { Server } from './server';

interface Cast {
  /** A server that runs and has no account yet. */
  readonly server: Server;
  /** Somebody with a browser of their own. */
  readonly person: (name: string, ways?: Ways) => Promise<Person>;
  /** Two people who have accounts, are contacts, and have their chat open. */
  readonly friends: readonly [Person, Person];
}

export const test = base.extend<Cast>({
  server: async ({}, use, info) => {
    const server = await Server.create();
    try {
      await server.start();
      await use(server);
      await server.stop();
    } finally {
      await server.kill9();
      if (info.status !== info.expectedStatus) writeFileSync(info.outputPath('server.log'), server.log);
      if (process.env['KEEP'] === undefined) server.remove();
    }
  },
  person: async ({ browser, server }, use, info) => {
    const people: Person[] = [];
    await use(async (name, ways) => {
      const person = await Person.arrive(browser, server, name, ways);
      people.push(person);
      return person;
    });
    if (info.status !== info.expectedStatus) {
      for (const person of people) writeFileSync(info.outputPath(`${person.name}.wire`), person.guard.frames.join('\n'));
    }
    for (const person of people) await person.leave();
    expect(people.flatMap((person) => person.guard.wrong)).toEqual([]);
  },
  friends: async ({ server, person }, use) => {
    const alice = await person('Alice Adams');
    const bob = await person('Bob Brown');
    await befriend(server, alice, bob);
    await use([alice, bob]);
  },
});

export async function befriend(server: Server, alice: Person, bob: Person): Promise<void> {
  await alice.join(server.firstLink);
  await bob.join(await alice.invite());
  await bob.isInChat(alice.name);
  await alice.openChat(bob.name);
}

export { expect };
