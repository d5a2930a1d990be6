import { writeFileSync } from 'node:fs';
import { codeIn, devicesIn, openLock, ownCode } from '../support/codes';
import { Profanity } from '../support/profanity';
import { Prosody } from '../support/prosody';
import { Server } from '../support/server';
import { expect, test as told } from '../support/story';

const secret = 'battery staple';

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

test('a browser here and a terminal at another server write encrypted to each other', async ({ server, prosody, person }) => {
  test.setTimeout(240_000);
  const alice = await person('Alice Adams');
  await alice.join(server.firstLink);
  const carol = await Profanity.start({ address: `carol@${prosody.domain}`, password: secret, port: prosody.c2s, tls: 'starttls' });
  const nowhere = (text: string): void => {
    expect(server.whereIs(text)).toEqual([]);
    expect(prosody.whereIs(text)).toEqual([]);
  };
  try {
    await carol.makeKeys();
    // It adds itself to the list when it is shown it.
    await carol.disconnect();
    await carol.connect();

    await test.step('they become contacts', async () => {
      await alice.addByAddress(carol.address);
      await carol.shows(`authorization request from ${alice.address}`);
      await carol.type(`/sub allow ${alice.address}`);
      await carol.type(`/sub request ${alice.address}`);
      await expect(alice.page.getByRole('main').getByText('Online', { exact: true })).toBeVisible();
      await expect(alice.lock('Encrypted')).toBeVisible();
    });

    await test.step('both write, and neither server can read it', async () => {
      await alice.write('Hello from the browser');
      await carol.type(`/msg ${alice.address}`);
      await carol.shows('Hello from the browser');
      await expect(alice.own('Hello from the browser', 'Delivered', 'Read')).toBeVisible();
      await carol.type('/omemo start');
      for (let i = 1; i <= 3; i++) {
        await carol.type(`line ${i} from the terminal`);
        await expect(alice.from('carol', `line ${i} from the terminal`)).toBeVisible();
        await alice.write(`answer ${i} from the browser`);
        await carol.shows(`answer ${i} from the browser`);
      }
      nowhere('from the terminal');
      nowhere('from the browser');
    });

    await test.step('each sees the code that the other has', async () => {
      const devices = await devicesIn(await openLock(alice, 'Encrypted'));
      await expect(devices).toHaveCount(1);
      expect(await codeIn(devices)).toEqual(await carol.ownCode());
      await alice.page.keyboard.press('Escape');
      await carol.type(`/omemo fingerprint ${alice.address}`);
      await carol.shows((await ownCode(alice)).replace(/(.{8})(?=.)/g, '$1-'));
    });

    await test.step('what was written while Carol was away is there when she comes back', async () => {
      await carol.disconnect();
      await expect(alice.page.getByRole('main').getByText('Not online')).toBeVisible();
      await alice.write('while you were away');
      await expect(alice.own('while you were away', 'Sent')).toBeVisible();
      await carol.connect();
      await carol.type(`/msg ${alice.address}`);
      await carol.shows('while you were away');
      await expect(alice.own('while you were away', 'Delivered', 'Read')).toBeVisible();
    });

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
  } finally {
    await carol.stop();
  }
});
