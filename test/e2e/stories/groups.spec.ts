import type { Person } from '../support/person';
import type { Server } from '../support/server';
import { befriend, expect, test } from '../support/story';

/** Three people, of whom the first knows the others. */
async function three(server: Server, person: (name: string) => Promise<Person>): Promise<readonly [Person, Person, Person]> {
  const [alice, bob, carol] = [await person('Alice Adams'), await person('Bob Brown'), await person('Carol Clark')];
  await befriend(server, alice, bob);
  await carol.join(await alice.invite());
  await carol.isInChat(alice.name);
  return [alice, bob, carol];
}

async function makeGroup(maker: Person, name: string, people: readonly Person[]): Promise<void> {
  const { page } = maker;
  await page.keyboard.press('Alt+n');
  await page.getByRole('button', { name: /^New group/ }).click();
  const dialog = page.getByRole('dialog', { name: 'New group' });
  await dialog.getByLabel('Name of the group').fill(name);
  for (const one of people) await dialog.getByRole('checkbox', { name: new RegExp(one.address) }).click();
  await dialog.getByRole('button', { name: 'Create group' }).click();
  await expect(dialog).toBeHidden();
  await maker.isInChat(name);
}

async function openDetails(person: Person): Promise<void> {
  if (await person.page.locator('.details').count() === 0) await person.page.getByRole('main').getByRole('button', { name: 'Group details' }).last().click();
  await expect(person.page.locator('.details .member').first()).toBeVisible();
}

async function withMember(person: Person, member: string, action: string): Promise<void> {
  await openDetails(person);
  await person.page.getByRole('button', { name: `What to do with ${member}` }).click();
  await person.page.getByRole('menuitem', { name: action }).click();
}

test('a private group from its first word to its end', async ({ server, person }) => {
  test.setTimeout(240_000);
  const [alice, bob, carol] = await three(server, person);

  await test.step('it is made with a name and people, who are in it at once', async () => {
    await makeGroup(alice, 'Garden party', [bob]);
    await expect(alice.page.getByRole('main').getByText('2 people')).toBeVisible();
    await expect(alice.lock('Encrypted')).toBeVisible();
    await bob.openChat('Garden party');
    await expect(bob.lock('Encrypted')).toBeVisible();
  });

  await test.step('everybody reads everybody, and the server nobody', async () => {
    await alice.tell(bob, 'who brings the cake?');
    await bob.tell(alice, 'the plum cake is mine');
    await expect(alice.own('who brings the cake?', 'Sent', 'Read')).toBeVisible();
    await expect(alice.own('who brings the cake?', 'Read')).toBeVisible();
    expect(server.whereIs('plum cake')).toEqual([]);
    expect(server.whereIs('who brings')).toEqual([]);
  });

  await test.step('somebody new reads from joining on', async () => {
    await openDetails(alice);
    await alice.page.getByRole('button', { name: 'Add people' }).click();
    const dialog = alice.page.getByRole('dialog', { name: 'Add people' });
    await dialog.getByRole('checkbox', { name: /Carol Clark/ }).click();
    await dialog.getByRole('button', { name: 'Add people' }).click();
    await expect(dialog).toBeHidden();
    await carol.openChat('Garden party');
    for (const one of [alice, bob, carol]) await expect(one.page.getByRole('main').getByText('3 people').first()).toBeVisible();
    await bob.write('welcome, Carol');
    await expect(carol.from('Bob Brown', 'welcome, Carol')).toBeVisible();
    await expect(alice.from('Bob Brown', 'welcome, Carol')).toBeVisible();
    await expect(carol.page.getByText('who brings the cake?')).toHaveCount(0);
    await expect(carol.page.getByText(/from before/)).toHaveCount(0);
  });

  await test.step('a name after @ is found by its beginning, and counts', async () => {
    await alice.openChat('Bob Brown');
    await carol.composer.pressSequentially('thanks @ali');
    await carol.page.getByRole('option', { name: 'Alice Adams' }).waitFor();
    await carol.page.keyboard.press('Enter');
    await expect(carol.composer).toHaveValue('thanks @Alice Adams ');
    await carol.page.keyboard.press('Enter');
    await expect(alice.chatRow('Garden party').getByText('you were mentioned')).toBeAttached();
    await alice.openChat('Garden party');
    await expect(alice.from('Carol Clark', 'thanks @Alice Adams')).toBeVisible();
    await alice.page.keyboard.press('Escape');
  });

  await test.step('who was away has everything, in the order in which all others have it', async () => {
    await bob.page.goto('about:blank');
    for (let i = 1; i <= 3; i++) {
      await alice.tell(carol, `while Bob sleeps, ${i}`);
      await carol.tell(alice, `so he does, ${i}`);
    }
    await bob.open();
    await bob.openChat('Garden party');
    await expect(bob.from('Carol Clark', 'so he does, 3')).toBeVisible();
    const missed = async (one: Person): Promise<string[]> => (await one.transcript()).map((line) => line.text).filter((text) => /sleeps|he does/.test(text));
    expect(await missed(bob)).toEqual(await missed(alice));
    expect(await missed(bob)).toHaveLength(6);
  });

  await test.step('the server is killed in the middle, and nothing is lost or said twice', async () => {
    await alice.write('before the lights went out');
    await server.kill9();
    await alice.write('in the dark, by Alice');
    await carol.write('in the dark, by Carol');
    await server.start();
    for (const one of [alice, bob, carol]) await one.isOnline();
    for (const one of [bob, carol]) await expect(one.from('Alice Adams', 'in the dark, by Alice')).toBeVisible({ timeout: 60_000 });
    for (const one of [alice, bob]) await expect(one.from('Carol Clark', 'in the dark, by Carol')).toBeVisible({ timeout: 60_000 });
    await expect(alice.own('in the dark, by Alice', 'Sent', 'Read')).toBeVisible();
    await expect(carol.own('in the dark, by Carol', 'Sent', 'Read')).toBeVisible();
    for (const one of [alice, bob, carol]) {
      const texts = (await one.transcript()).map((line) => line.text).filter((text) => /the lights|in the dark/.test(text));
      expect([...texts].sort((a, b) => a.localeCompare(b))).toEqual(['before the lights went out', 'in the dark, by Alice', 'in the dark, by Carol']);
    }
  });

  await test.step('it gets another name for everybody', async () => {
    await openDetails(alice);
    await alice.page.locator('.details').getByRole('button', { name: 'Name of the group' }).click();
    await alice.page.locator('.details').getByLabel('Name of the group').fill('Garden party, second part');
    await alice.page.getByRole('button', { name: 'Save' }).click();
    for (const one of [alice, bob, carol]) await one.isInChat('Garden party, second part');
  });

  await test.step('who was removed reads nothing more', async () => {
    await withMember(alice, 'Bob Brown', 'Make admin');
    await openDetails(bob);
    await bob.page.getByRole('button', { name: 'What to do with Carol Clark' }).click();
    await bob.page.getByRole('menuitem', { name: 'Remove from the group' }).click();
    await bob.page.getByRole('alertdialog').getByRole('button', { name: 'Remove from the group' }).click();
    await expect(carol.page.getByText('You were removed from this group.')).toBeVisible();
    await expect(carol.composer).toHaveCount(0);
    await expect(alice.page.getByRole('main').getByText('2 people').first()).toBeVisible();
    await alice.tell(bob, 'only for two now');
    await carol.page.reload();
    await expect(carol.page.getByText('You were removed from this group.')).toBeVisible();
    await expect(carol.from('Bob Brown', 'welcome, Carol')).toBeAttached();
    expect((await carol.transcript('here')).some((line) => line.text === 'only for two now')).toBe(false);
    expect(await carol.stored()).not.toContain('only for two now');
  });

  await test.step('its owner hands it over and leaves', async () => {
    await openDetails(alice);
    await alice.page.getByRole('button', { name: 'Leave group' }).click();
    const question = alice.page.getByRole('alertdialog');
    await expect(question.getByRole('radio', { name: 'Bob Brown' })).toBeChecked();
    await question.getByRole('button', { name: 'Leave group' }).click();
    await expect(question).toBeHidden();
    await alice.chatRow('Garden party, second part').click();
    await expect(alice.page.getByText('You have left this group.')).toBeVisible();
    await expect(bob.page.locator('.details').getByText('Owner')).toBeVisible();
  });
});

test('a group of strangers waits for a yes', async ({ server, person }) => {
  const [alice, bob] = [await person('Alice Adams'), await person('Mallory Moss')];
  await alice.join(server.firstLink);
  await bob.join(await server.invite());
  // Mallory asks to be a contact, is not answered, and takes Alice along all the same.
  await bob.addByAddress('alice@localhost');
  await makeGroup(bob, 'Great offers', [alice]);
  await expect(alice.page.getByRole('link', { name: '2 requests' })).toBeVisible();
  await expect(alice.chatRow('Great offers')).toHaveCount(0);
  await alice.page.getByRole('link', { name: '2 requests' }).click();
  await expect(alice.page.getByText(/asks you to join/)).toBeVisible();
  await alice.page.locator('.request').last().getByRole('button', { name: 'Decline' }).click();
  await expect(alice.page.getByRole('link', { name: '1 contact request' })).toBeVisible();
});

test('answers, reactions, corrections and files in a group are there for everybody', async ({ server, person }) => {
  const [alice, bob, carol] = await three(server, person);
  await makeGroup(alice, 'Garden party', [bob, carol]);
  for (const one of [bob, carol]) await one.openChat('Garden party');
  await bob.write('welcome, Carol');
  await expect(carol.from('Bob Brown', 'welcome, Carol')).toBeVisible();
  await carol.from('Bob Brown', 'welcome, Carol').locator('.bubble').dblclick();
  await carol.page.getByRole('menuitemcheckbox', { name: '❤️' }).click();
  await expect(bob.page.getByRole('button', { name: '❤️: Carol Clark' })).toBeVisible();
  await carol.page.getByRole('group', { name: /welcome, Carol/ }).locator('.bubble').click({ button: 'right' });
  await carol.page.getByRole('menuitem', { name: 'Reply' }).click();
  await carol.write('so good to be hree');
  await expect(carol.own('so good to be hree (Reply to Bob Brown)', 'Sent', 'Read')).toBeVisible();
  await carol.page.keyboard.press('ArrowUp');
  await carol.composer.fill('so good to be here');
  await carol.page.keyboard.press('Enter');
  for (const one of [alice, bob]) {
    const answer = one.page.locator('.row', { hasText: 'so good to be here' });
    await expect(answer.locator('.quote')).toContainText('welcome, Carol');
    await expect(answer).toContainText('edited');
  }
  await carol.page.locator('.composer input[type=file]').setInputFiles({ name: 'plan of the garden.txt', mimeType: 'text/plain', buffer: Buffer.from('beds left, chairs right') });
  await carol.page.getByRole('dialog', { name: 'Send 1 file?' }).getByRole('button', { name: 'Send', exact: true }).click();
  const [download] = await Promise.all([alice.page.waitForEvent('download'), alice.page.getByRole('button', { name: 'Save plan of the garden.txt' }).click()]);
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString()).toBe('beds left, chairs right');
  for (const text of ['beds left', 'plan of the garden', 'so good to be']) expect(server.whereIs(text)).toEqual([]);
});
