import { ownCode } from '../support/codes';
import { codeShown, expect, meet, secret, test } from '../support/native';
import { befriend } from '../support/story';

test('a private group of browsers, a terminal and a bot, in both versions of OMEMO', async ({ server, person, terminal, bot }) => {
  test.setTimeout(360_000);
  const alice = await person('Alice Adams'), bob = await person('Bob Brown');
  await befriend(server, alice, bob);
  await server.addUser('carol', secret);
  await server.addUser('robot', secret);
  const carol = await terminal('carol'), robot = await bot('robot', { omemo: 'both' });
  // profanity shows its devices only to whom it shows its presence.
  await alice.addByAddress('robot@localhost');
  for (const one of [alice, bob]) await meet(one, carol);
  await carol.type('/sub request robot@localhost');
  await carol.shows('authorization request from robot@localhost');
  await carol.type('/sub allow robot@localhost');
  await robot.hears((it) => it.is === 'contact' && it.address === carol.address);
  await alice.openChat('carol');
  await expect(alice.lock('Encrypted')).toBeVisible();
  await alice.openChat('robot');
  await expect(alice.lock('Encrypted')).toBeVisible();

  let room = '';
  await test.step('Alice makes it, and everybody comes', async () => {
    const { page } = alice;
    await page.keyboard.press('Alt+n');
    await page.getByRole('button', { name: /^New group/ }).click();
    const dialog = page.getByRole('dialog', { name: 'New group' });
    await dialog.getByLabel('Name of the group').fill('Workshop');
    for (const one of [bob.address, carol.address, 'robot@localhost']) await dialog.getByRole('checkbox', { name: new RegExp(one) }).click();
    await dialog.getByRole('button', { name: 'Create group' }).click();
    await expect(dialog).toBeHidden();
    await alice.isInChat('Workshop');
    room = (await robot.hears((it) => it.is === 'invited')).address ?? '';
    expect(room).toContain('@');
    await robot.join(room, 'robot');
    await carol.type(`/join ${room}`);
    await carol.shows('You have joined the room');
    await carol.type('/omemo start');
    await bob.openChat('Workshop');
    await expect(alice.lock('Encrypted')).toBeVisible();
  });

  await test.step('each of them is read by all others', async () => {
    await alice.tell(bob, 'who has the drill?');
    await carol.shows('who has the drill?');
    expect(await robot.hears((it) => it.is === 'message' && it.text === 'who has the drill?')).toMatchObject({
      encrypted: true, room, sender: alice.address, version: 'urn:xmpp:omemo:2', code: await ownCode(alice),
    });
    await robot.sayIn(room, 'I had it last');
    for (const one of [alice, bob]) await expect(one.from('robot', 'I had it last')).toBeVisible();
    await carol.shows('I had it last');
    await carol.type('it is in the shed');
    for (const one of [alice, bob]) await expect(one.from('carol', 'it is in the shed')).toBeVisible();
    expect(await robot.hears((it) => it.is === 'message' && it.text === 'it is in the shed')).toMatchObject({
      encrypted: true, sender: carol.address, version: 'eu.siacs.conversations.axolotl',
    });
    for (const text of ['the drill', 'had it last', 'in the shed']) expect(server.whereIs(text), text).toEqual([]);
  });

  await test.step('who was away finds what was said', async () => {
    await bob.page.goto('about:blank');
    await alice.write('then bring it along');
    await carol.shows('then bring it along');
    await robot.sayIn(room, 'I will');
    await carol.shows('I will');
    await carol.type('and the saw');
    await expect(alice.from('carol', 'and the saw')).toBeVisible();
    await bob.open();
    await bob.openChat('Workshop');
    await expect(bob.from('Alice Adams', 'then bring it along')).toBeVisible();
    await expect(bob.from('robot', 'I will')).toBeVisible();
    await expect(bob.from('carol', 'and the saw')).toBeVisible();
  });

  await test.step('the codes that they show each other are the same', async () => {
    for (const [name, code] of [['carol', await carol.ownCode()], ['robot', robot.code]] as const) {
      await alice.openChat(name);
      expect(await codeShown(alice), name).toEqual(code);
    }
  });
});
