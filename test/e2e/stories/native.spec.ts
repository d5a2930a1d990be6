import { Bot } from '../support/bot';
import { Profanity } from '../support/profanity';
import { codeIn, devicesIn, openLock, ownCode } from '../support/codes';
import { picture } from '../support/pictures';
import type { Server } from '../support/server';
import { expect, test } from '../support/story';

const secret = 'battery staple';

test.describe('somebody with profanity', () => {
  for (const [way, tls] of [['STARTTLS', 'starttls'], ['direct TLS', 'direct']] as const) {
    test(`comes by ${way}, and both write encrypted`, async ({ server, person }) => {
      const alice = await person('Alice Adams');
      await alice.join(server.firstLink);
      await server.addUser('carol', secret);
      const carol = await Profanity.start({ address: 'carol@localhost', password: secret, port: tls === 'direct' ? server.c2sTls : server.c2s, tls });
      try {
        await carol.makeKeys();

        await test.step('they become contacts', async () => {
          await alice.addByAddress(carol.address);
          await carol.type(`/sub allow ${alice.address}`);
          await carol.type(`/sub request ${alice.address}`);
          await expect(alice.page.getByRole('main').getByText('Online', { exact: true })).toBeVisible();
          await expect(alice.lock('Encrypted')).toBeVisible();
        });

        await test.step('Alice writes first', async () => {
          await alice.write('Hello from the browser');
          await carol.type(`/msg ${alice.address}`);
          await carol.shows('Hello from the browser');
          await expect(alice.own('Hello from the browser', 'Delivered', 'Read')).toBeVisible();
        });

        await test.step('they take turns', async () => {
          await carol.type('/omemo start');
          for (let i = 1; i <= 3; i++) {
            await carol.type(`line ${i} from the terminal`);
            await expect(alice.from('carol', `line ${i} from the terminal`)).toBeVisible();
            await alice.write(`answer ${i} from the browser`);
            await carol.shows(`answer ${i} from the browser`);
          }
          expect(server.whereIs('from the terminal')).toEqual([]);
          expect(server.whereIs('from the browser')).toEqual([]);
        });

        await test.step('each sees the code that the other has', async () => {
          const devices = await devicesIn(await openLock(alice, 'Encrypted'));
          await expect(devices).toHaveCount(1);
          expect(await codeIn(devices)).toEqual(await carol.ownCode());
          await picture(alice.page, 'native-codes');
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

        await test.step('what is not encrypted is marked', async () => {
          await carol.type('/omemo end');
          await carol.type('in the clear');
          await expect(alice.page.getByRole('group', { name: /^carol, at [\d:]+: in the clear, Not encrypted$/ })).toBeVisible();
          await picture(alice.page, 'native-chat');
        });
      } finally {
        await carol.stop();
      }
    });
  }
});

for (const [tls, omemo] of [['starttls', 'old'], ['direct', 'both']] as const) {
  test(`a bot made with slixmpp and python-omemo, ${tls}, ${omemo === 'old' ? 'OMEMO 0.3' : 'both versions of OMEMO'}`, async ({ server, person }) => {
    const alice = await person('Alice Adams');
    await alice.join(server.firstLink);
    await server.addUser('robot', secret);
    const robot = await startBot(server, tls, omemo);
    try {
      await alice.addByAddress('robot@localhost');
      await robot.hears((it) => it.is === 'contact' && it.address === alice.address);
      await expect(alice.page.getByRole('main').getByText('Online', { exact: true })).toBeVisible();
      await expect(alice.lock('Encrypted')).toBeVisible();

      for (let i = 1; i <= 3; i++) {
        await alice.write(`question ${i}`);
        expect(await robot.hears((it) => it.is === 'message' && it.text === `question ${i}`)).toMatchObject({
          encrypted: true, code: await ownCode(alice), version: omemo === 'both' ? 'urn:xmpp:omemo:2' : 'eu.siacs.conversations.axolotl',
        });
        robot.say(alice.address, `answer ${i}`);
        await expect(alice.from('robot', `answer ${i}`)).toBeVisible();
      }
      const devices = await devicesIn(await openLock(alice, 'Encrypted'));
      expect(await codeIn(devices)).toEqual(robot.code);
      await expect(devices.first().getByText('Knows only the older encryption')).toHaveCount(omemo === 'old' ? 1 : 0);
      await alice.page.keyboard.press('Escape');
      expect(server.whereIs('question 2')).toEqual([]);
      expect(server.whereIs('answer 2')).toEqual([]);

      robot.say(alice.address, 'for everybody to read', 'clear');
      await expect(alice.page.getByRole('group', { name: /^robot, at [\d:]+: for everybody to read, Not encrypted$/ })).toBeVisible();
    } finally {
      await robot.stop();
    }
    await expect(alice.page.getByRole('main').getByText('Not online')).toBeVisible();
  });
}

function startBot(server: Server, tls: 'starttls' | 'direct', omemo: 'old' | 'both'): Promise<Bot> {
  return Bot.start({ address: 'robot@localhost', password: secret, port: tls === 'direct' ? server.c2sTls : server.c2s, tls, omemo, certificate: server.certificate });
}
