import { writeFileSync } from 'node:fs';
import { compareCodes, expect, meet, secret, talk, test as told, writeToAbsent } from '../support/native';
import { Prosody } from '../support/prosody';
import { Server } from '../support/server';

/** With a second server, of another make, beside the first. */
const test = told.extend<{ prosody: Prosody }>({
  server: async ({}, use, info) => {
    const server = await Server.create();
    const prosody = await Prosody.besides(server);
    Object.assign(server, { beside: prosody });
    try {
      await prosody.addUser('carol', secret);
      await prosody.start();
      await server.start();
      await use(server);
      await server.stop();
    } finally {
      await server.kill9();
      if (info.status !== info.expectedStatus) writeFileSync(info.outputPath('servers.log'), `${server.log}\n${prosody.log}`);
      await prosody.remove();
      server.remove();
    }
  },
  prosody: async ({ server }, use) => use((server as Server & { beside: Prosody }).beside),
});

test('a browser here and a terminal at another server write encrypted to each other', async ({ server, prosody, person, terminalAt }) => {
  test.setTimeout(360_000);
  const alice = await person('Alice Adams');
  await alice.join(server.firstLink);
  const carol = await terminalAt({ address: `carol@${prosody.domain}`, password: secret, port: prosody.c2s, tls: 'starttls' });
  // It adds itself to the list when it is shown it.
  await carol.disconnect();
  await carol.connect();
  const nowhere = (text: string): void => {
    expect(server.whereIs(text)).toEqual([]);
    expect(prosody.whereIs(text)).toEqual([]);
  };
  await test.step('they become contacts', () => meet(alice, carol));
  await test.step('both write, and neither server can read it', async () => {
    await talk(alice, carol, 'carol');
    nowhere('from the terminal');
    nowhere('from the browser');
  });
  await test.step('each sees the code that the other has', () => compareCodes(alice, carol));
  await test.step('what was written while Carol was away is there when she comes back', () => writeToAbsent(alice, carol));
  await test.step('and what was written while her server was away', async () => {
    await carol.disconnect();
    await expect(alice.page.getByRole('main').getByText('Not online')).toBeVisible();
    await prosody.kill9();
    await alice.write('while your server was away');
    await expect(alice.own('while your server was away', 'Sent')).toBeVisible();
    await expect.poll(() => server.run(['federation', 'status', prosody.domain])).toMatch(/State +waiting/);
    await server.crash();
    await prosody.start();
    await carol.connect();
    await server.run(['federation', 'retry']);
    await carol.type(`/msg ${alice.address}`);
    await carol.shows('while your server was away');
    nowhere('was away');
  });
});
