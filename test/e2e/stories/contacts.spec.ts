import type { Person } from '../support/person';
import type { Server } from '../support/server';
import { expect, test } from '../support/story';

test.describe('a stranger', () => {
  const meet = async (server: Server, person: (name: string) => Promise<Person>): Promise<readonly [Person, Person]> => {
    const [alice, mallory] = [await person('Alice Adams'), await person('Mallory Moss')];
    await alice.join(server.firstLink);
    await mallory.join(await server.invite());
    await mallory.addByAddress('alice@localhost');
    await expect(alice.page.getByRole('link', { name: '1 contact request' })).toBeVisible();
    return [alice, mallory];
  };

  test('asks and is accepted', async ({ server, person }) => {
    const [alice, mallory] = await meet(server, person);
    await expect(mallory.page.getByRole('main').getByText('Request sent')).toBeVisible();
    await alice.page.getByRole('link', { name: '1 contact request' }).click();
    await expect(alice.page.getByRole('heading', { name: 'Mallory Moss' })).toBeVisible();
    await expect(alice.page.getByText('mallory@localhost')).toBeVisible();
    await expect(alice.page.getByText('They see nothing of you until you accept.')).toBeVisible();
    await alice.page.getByRole('button', { name: 'Accept' }).click();
    await expect(alice.page.getByText('No requests are waiting.')).toBeVisible();
    await expect(mallory.page.getByRole('main').getByText('Online', { exact: true })).toBeVisible();
    await mallory.isInChat('Alice Adams');
    await alice.page.getByRole('button', { name: 'Back to your chats' }).click();
    await alice.openChat('Mallory Moss');
    await mallory.tell(alice, 'thank you');
    await alice.tell(mallory, 'you are welcome');
    await expect(mallory.own('thank you', 'Read')).toBeVisible();
  });

  test('asks and is declined', async ({ server, person }) => {
    const [alice, mallory] = await meet(server, person);
    await alice.page.getByRole('link', { name: '1 contact request' }).click();
    await alice.page.getByRole('button', { name: 'Decline' }).click();
    await expect(alice.page.getByText('No requests are waiting.')).toBeVisible();
    await expect(mallory.page.getByRole('main').getByText('Online', { exact: true })).toHaveCount(0);
    await alice.page.reload();
    await expect(alice.page.getByText('No requests are waiting.')).toBeVisible();
  });

  test('writes before being accepted, asks and is blocked', async ({ server, person }) => {
    const [alice, mallory] = await meet(server, person);
    await mallory.write('buy my things');
    await expect(mallory.own('buy my things', 'Sent')).toBeVisible();
    await alice.open('/chat/mallory@localhost');
    await expect(alice.page.getByText('Mallory Moss would like to be your contact.')).toBeVisible();
    await expect(alice.from('Mallory Moss', 'buy my things')).toBeVisible();
    await alice.page.getByRole('button', { name: 'Block' }).click();
    await expect(alice.page.getByText('You have blocked Mallory Moss.')).toBeVisible();
    // Nothing was told before: no reading, no presence, not even the arrival.
    await expect(mallory.own('buy my things', 'Sent')).toBeVisible();
    await mallory.write('hello?');
    await expect(mallory.own('hello?', 'Sent', 'Not sent')).toBeVisible();
    await expect(alice.page.getByText('hello?')).toHaveCount(0);
  });

  test('may only ask where only contacts may write', async ({ server, person }) => {
    const [alice, mallory] = await meet(server, person);
    await alice.open('/settings/privacy');
    const only = alice.page.getByRole('switch', { name: 'Only my contacts may write to me' });
    await only.click();
    await expect(only).toBeChecked();
    await mallory.write('buy my things');
    await expect(mallory.page.getByText('They take messages from their contacts only.')).toBeVisible();
    await alice.open('/');
    await alice.page.getByRole('link', { name: '1 contact request' }).click();
    await alice.page.getByRole('button', { name: 'Accept' }).click();
    await mallory.write('thank you');
    await alice.openChat('Mallory Moss');
    await expect(alice.from('Mallory Moss', 'thank you')).toBeVisible();
    await expect(alice.page.getByText('buy my things')).toHaveCount(0);
  });
});

test('blocking a contact stops what they write, unblocking lets it come again', async ({ friends: [alice, bob] }) => {
  await bob.tell(alice, 'before');
  await details(alice);
  await alice.page.getByRole('button', { name: 'Block', exact: true }).click();
  await alice.page.getByRole('alertdialog').getByRole('button', { name: 'Block' }).click();
  await expect(alice.page.getByText('You have blocked Bob Brown.')).toBeVisible();
  await expect(bob.page.getByRole('main').getByText('Not online')).toBeVisible();
  await bob.write('while blocked');
  await expect(bob.own('while blocked', 'Sent', 'Not sent')).toBeVisible();

  await alice.open('/settings/blocked');
  await alice.page.getByRole('button', { name: 'Unblock: Bob Brown' }).click();
  await expect(alice.page.getByText('You have blocked nobody.')).toBeVisible();
  await alice.open();
  await alice.openChat('Bob Brown');
  await bob.tell(alice, 'after');
  expect((await alice.transcript()).map((line) => line.text)).toEqual(['before', 'after']);
  await expect(bob.page.getByRole('main').getByText('Online', { exact: true })).toBeVisible();
});

test('a contact is renamed, removed and added again', async ({ friends: [alice, bob] }) => {
  await bob.tell(alice, 'call me Bobby');
  await details(alice);
  await alice.page.getByRole('button', { name: 'Name shown to you' }).click();
  await alice.page.getByLabel('Name shown to you').fill('Bobby');
  await alice.page.getByRole('button', { name: 'Save' }).click();
  await expect(alice.page.getByText('Saved')).toBeVisible();
  await alice.page.reload();
  await alice.isInChat('Bobby');
  await expect(alice.chatRow('Bobby')).toBeVisible();
  await alice.tell(bob, 'fine, Bobby');

  await alice.page.getByRole('button', { name: 'Remove contact' }).click();
  await alice.page.getByRole('alertdialog').getByRole('button', { name: 'Remove contact' }).click();
  await expect(alice.page.getByText('Removed from your contacts')).toBeVisible();
  await expect(alice.page.getByText(/is not in your contacts\./)).toBeVisible();
  await expect(bob.page.getByRole('main').getByText('Online', { exact: true })).toHaveCount(0);

  await alice.page.getByRole('main').getByRole('button', { name: 'Add', exact: true }).click();
  await expect(bob.page.getByRole('link', { name: '1 contact request' }).or(bob.page.getByRole('main').getByText('Online', { exact: true })).first()).toBeVisible();
});

async function details(person: Person): Promise<void> {
  await person.page.getByRole('button', { name: 'Contact details' }).last().click();
  await expect(person.page.getByRole('heading', { name: 'Details' })).toBeVisible();
}
