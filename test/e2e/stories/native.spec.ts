import { codeIn, devicesIn, openLock, ownCode } from '../support/codes';
import { compareCodes, expect, meet, secret, talk, test, writeToAbsent } from '../support/native';
import { picture } from '../support/pictures';

// The other programs make their keys first, which takes its time where much else is done.
test.describe.configure({ timeout: 240_000 });

test.describe('somebody with profanity', () => {
  for (const [way, tls] of [['STARTTLS', 'starttls'], ['direct TLS', 'direct']] as const) {
    test(`comes by ${way}, and both write encrypted`, async ({ server, person, terminal }) => {
      const alice = await person('Alice Adams');
      await alice.join(server.firstLink);
      await server.addUser('carol', secret);
      const carol = await terminal('carol', { tls });
      await test.step('they become contacts', () => meet(alice, carol));
      await test.step('they take turns', async () => {
        await talk(alice, carol, 'carol');
        expect(server.whereIs('from the terminal')).toEqual([]);
        expect(server.whereIs('from the browser')).toEqual([]);
      });
      await test.step('each sees the code that the other has', () => compareCodes(alice, carol));
      await devicesIn(await openLock(alice, 'Encrypted'));
      await picture(alice.page, 'native-codes');
      await alice.page.keyboard.press('Escape');
      await test.step('what was written while Carol was away is there when she comes back', () => writeToAbsent(alice, carol));
      await test.step('what is not encrypted is marked', async () => {
        await carol.type('/omemo end');
        await carol.type('in the clear');
        await expect(alice.page.getByRole('group', { name: /^carol, at [\d:]+: in the clear, Not encrypted$/ })).toBeVisible();
        await picture(alice.page, 'native-chat');
      });
    });
  }
});

for (const [tls, omemo] of [['starttls', 'old'], ['direct', 'both']] as const) {
  test(`a bot made with slixmpp and python-omemo, ${tls}, ${omemo === 'old' ? 'OMEMO 0.3' : 'both versions of OMEMO'}`, async ({ server, person, bot }) => {
    const alice = await person('Alice Adams');
    await alice.join(server.firstLink);
    await server.addUser('robot', secret);
    const robot = await bot('robot', { tls, omemo });
    await alice.addByAddress('robot@localhost');
    await robot.hears((it) => it.is === 'contact' && it.address === alice.address);
    await expect(alice.page.getByRole('main').getByText('Online', { exact: true })).toBeVisible();
    await expect(alice.lock('Encrypted')).toBeVisible();

    for (let i = 1; i <= 3; i++) {
      await alice.write(`question ${i}`);
      expect(await robot.message(`question ${i}`)).toMatchObject({
        encrypted: true, code: await ownCode(alice), version: omemo === 'both' ? 'urn:xmpp:omemo:2' : 'eu.siacs.conversations.axolotl',
      });
      await robot.say(alice.address, `answer ${i}`);
      await expect(alice.from('robot', `answer ${i}`)).toBeVisible();
    }
    const devices = await devicesIn(await openLock(alice, 'Encrypted'));
    expect(await codeIn(devices)).toEqual(robot.code);
    await expect(devices.first().getByText('Knows only the older encryption')).toHaveCount(omemo === 'old' ? 1 : 0);
    await alice.page.keyboard.press('Escape');
    expect(server.whereIs('question 2')).toEqual([]);
    expect(server.whereIs('answer 2')).toEqual([]);

    await robot.say(alice.address, 'for everybody to read', 'clear');
    await expect(alice.page.getByRole('group', { name: /^robot, at [\d:]+: for everybody to read, Not encrypted$/ })).toBeVisible();
    await robot.stop();
    await expect(alice.page.getByRole('main').getByText('Not online')).toBeVisible();
  });
}
