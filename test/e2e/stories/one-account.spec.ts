import type { Locator } from '@playwright/test';
import type { Kept } from '../support/bot';
import { expect, test } from '../support/native';
import type { Person } from '../support/person';

test.describe('Alice has the web app and another program open', () => {
  test('a bot made with slixmpp: what is said, corrected, answered with a sign, taken back and read is the same on both', async ({ server, friends: [alice, bob], bot }) => {
    test.setTimeout(360_000);
    const robot = await bot('alice', { password: alice.password, omemo: 'both' });
    const nobodyElse = (): void => { for (const text of ['from the robot', 'from the browser', 'from Bob']) expect(server.whereIs(text), text).toEqual([]); };
    await knowDevices(alice, bob, 2);

    await test.step('what Bob writes comes to both, and what one of both writes to the other', async () => {
      await bob.write('first from Bob');
      await expect(alice.from('Bob Brown', 'first from Bob')).toBeVisible();
      expect(await robot.message('first from Bob')).toMatchObject({ sender: bob.address, encrypted: true, version: 'urn:xmpp:omemo:2' });
      await robot.say(bob.address, 'second from the robot');
      await expect(bob.from('Alice Adams', 'second from the robot')).toBeVisible();
      await expect(alice.own('second from the robot', 'Delivered', 'Read')).toBeVisible();
      await alice.tell(bob, 'third from the browser');
      expect(await robot.message('third from the browser')).toMatchObject({ sender: alice.address, copy: true, encrypted: true });
      nobodyElse();
    });

    await test.step('corrections', async () => {
      const said = await robot.say(bob.address, 'forth from the robot');
      await expect(alice.own('forth from the robot', 'Delivered', 'Read')).toBeVisible();
      robot.edit(bob.address, said, 'fourth from the robot');
      await expect(alice.own('fourth from the robot, edited', 'Delivered', 'Read')).toBeVisible();
      await expect(bob.from('Alice Adams', 'fourth from the robot, edited')).toBeVisible();
      await alice.tell(bob, 'fith from the browser');
      await correct(alice, 'fifth from the browser');
      const { id } = await robot.message('fith from the browser');
      expect(await robot.hears((it) => it.is === 'edited' && it.ref === id)).toMatchObject({ sender: alice.address, text: 'fifth from the browser', copy: true });
      await bob.tell(alice, 'sixt from Bob');
      await correct(bob, 'sixth from Bob');
      await expect(alice.from('Bob Brown', 'sixth from Bob, edited')).toBeVisible();
      const theirs = await robot.message('sixt from Bob');
      expect(await robot.hears((it) => it.is === 'edited' && it.ref === theirs.id)).toMatchObject({ sender: bob.address, text: 'sixth from Bob' });
      nobodyElse();
    });

    await test.step('signs', async () => {
      const { id } = await robot.message('first from Bob');
      robot.react(bob.address, id, '🎂');
      for (const one of [alice, bob]) await expect(reaction(one, 'first from Bob', '🎂')).toBeVisible();
      await reaction(alice, 'first from Bob', '🎂').click();
      await expect(reaction(bob, 'first from Bob', '🎂')).toHaveCount(0);
      expect(await robot.hears((it) => it.is === 'reacted' && it.ref === id && it.copy === true)).toMatchObject({ sender: alice.address, emojis: [] });
    });

    await test.step('what is taken back', async () => {
      const said = await robot.say(bob.address, 'seventh from the robot');
      await expect(bob.from('Alice Adams', 'seventh from the robot')).toBeVisible();
      await expect(alice.own('seventh from the robot', 'Delivered', 'Read')).toBeVisible();
      robot.retract(bob.address, said);
      for (const one of [alice, bob]) await expect(row(one, 'seventh from the robot')).toHaveCount(0);
      await takeBack(alice, 'third from the browser');
      await expect(row(bob, 'third from the browser')).toHaveCount(0);
      const { id } = await robot.message('third from the browser');
      expect(await robot.hears((it) => it.is === 'retracted' && it.ref === id)).toMatchObject({ sender: alice.address, copy: true });
    });

    await test.step('what was said with the one is taken back with the other', async () => {
      await takeBack(alice, 'second from the robot');
      await expect(row(bob, 'second from the robot')).toHaveCount(0);
      await alice.tell(bob, 'wrong from the browser');
      robot.retract(bob.address, (await robot.message('wrong from the browser')).id);
      for (const one of [alice, bob]) await expect(row(one, 'wrong from the browser')).toHaveCount(0);
    });
    const [ofAlice, ofBob] = [await said(alice, alice), await said(bob, alice)];
    expect(ofAlice).toEqual(ofBob);

    await test.step('read there is read here, by either way in which programs tell it', async () => {
      await closeChat(alice);
      await bob.write('eighth from Bob');
      await expect(alice.chatRow('Bob Brown').getByText('1 unread message')).toBeAttached();
      robot.displayed(bob.address, (await robot.message('eighth from Bob')).archive);
      await expect(alice.chatRow('Bob Brown').getByText('unread message')).toHaveCount(0);
      await bob.write('ninth from Bob');
      await expect(alice.chatRow('Bob Brown').getByText('1 unread message')).toBeAttached();
      robot.marker(bob.address, (await robot.message('ninth from Bob')).id);
      await expect(alice.chatRow('Bob Brown').getByText('unread message')).toHaveCount(0);
      await expect(bob.own('ninth from Bob', 'Read')).toBeVisible();
    });

    await test.step('who answers there has read', async () => {
      await bob.write('tenth from Bob');
      await expect(alice.chatRow('Bob Brown').getByText('1 unread message')).toBeAttached();
      await robot.message('tenth from Bob');
      await robot.say(bob.address, 'eleventh from the robot');
      await expect(alice.chatRow('Bob Brown').getByText('eleventh from the robot')).toBeVisible();
      await expect(alice.chatRow('Bob Brown').getByText('unread message')).toHaveCount(0);
    });

    await test.step('read here is told there', async () => {
      await bob.write('twelfth from Bob');
      await expect(alice.chatRow('Bob Brown').getByText('1 unread message')).toBeAttached();
      const { archive } = await robot.message('twelfth from Bob');
      await alice.openChat('Bob Brown');
      await robot.hears((it) => it.is === 'displayed' && it.address === bob.address && it.archive === archive);
    });

    await test.step('both were away, and both know the same when they come back', async () => {
      await robot.goAway();
      await alice.page.goto('about:blank');
      await bob.write('thirtenth from Bob');
      await expect(bob.own('thirtenth from Bob', 'Sent')).toBeVisible();
      await correct(bob, 'thirteenth from Bob');
      await bob.write('fourteenth from Bob');
      await bob.write('fifteenth from Bob');
      await takeBack(bob, 'fourteenth from Bob');
      await react(bob, 'fifth from the browser', '👍');
      await bob.isOnline();
      await robot.comeBack();
      await robot.message('fifteenth from Bob');
      await alice.open();
      await alice.openChat('Bob Brown');
      await expect(alice.from('Bob Brown', 'fifteenth from Bob')).toBeVisible();
      await expect(alice.from('Bob Brown', 'thirteenth from Bob, edited')).toBeVisible();
      await expect(reaction(alice, 'fifth from the browser', '👍')).toBeVisible();
      await expect(row(alice, 'fourteenth from Bob')).toHaveCount(0);
      const history = await robot.history(bob.address);
      expect(history.map(lineOf)).toEqual((await said(alice, alice)));
      expect(await said(alice, alice)).toEqual(await said(bob, alice));
      expect(history.find((it) => it.text === 'fifth from the browser')?.reactions).toEqual({ [bob.address]: ['👍'] });
      nobodyElse();
    });
  });

  test('profanity: both are one person, with one history', async ({ server, friends: [alice, bob], terminal }) => {
    test.setTimeout(360_000);
    const profanity = await terminal('alice', { password: alice.password });
    await knowDevices(alice, bob, 2);
    await profanity.type(`/msg ${bob.address}`);
    await profanity.type('/omemo start');

    await test.step('what is said goes everywhere, in one order', async () => {
      await bob.write('first from Bob');
      await profanity.shows('first from Bob');
      await expect(alice.from('Bob Brown', 'first from Bob')).toBeVisible();
      // It writes for those of its own devices that it has heard of.
      await alice.tell(bob, 'second from the browser');
      await profanity.shows('second from the browser');
      await profanity.type('third from the terminal');
      await expect(bob.from('Alice Adams', 'third from the terminal')).toBeVisible();
      await expect(alice.own('third from the terminal', 'Sent', 'Delivered', 'Read')).toBeVisible();
      for (const text of ['from the terminal', 'from the browser', 'from Bob']) expect(server.whereIs(text), text).toEqual([]);
    });

    await test.step('corrections', async () => {
      await profanity.type('forth from the terminal');
      await expect(alice.own('forth from the terminal', 'Sent', 'Delivered', 'Read')).toBeVisible();
      await profanity.type('/correct fourth from the terminal');
      await expect(alice.own('fourth from the terminal, edited', 'Sent', 'Delivered', 'Read')).toBeVisible();
      await expect(bob.from('Alice Adams', 'fourth from the terminal, edited')).toBeVisible();
      await bob.tell(alice, 'fith from Bob');
      await profanity.shows('fith from Bob');
      await correct(bob, 'fifth from Bob');
      await profanity.shows('fifth from Bob');
    });

    await test.step('who answers in the terminal has read', async () => {
      await closeChat(alice);
      await bob.write('sixth from Bob');
      await expect(alice.chatRow('Bob Brown').getByText('1 unread message')).toBeAttached();
      await profanity.shows('sixth from Bob');
      await profanity.type('seventh from the terminal');
      await expect(alice.chatRow('Bob Brown').getByText('seventh from the terminal')).toBeVisible();
      await expect(alice.chatRow('Bob Brown').getByText('unread message')).toHaveCount(0);
    });

    await test.step('both were away, and both know it when they come back', async () => {
      await profanity.disconnect();
      await alice.page.goto('about:blank');
      await bob.write('eighth from Bob');
      await bob.write('ninth from Bob');
      await expect(bob.own('ninth from Bob', 'Sent')).toBeVisible();
      await profanity.connect();
      await profanity.type(`/msg ${bob.address}`);
      await profanity.shows('ninth from Bob');
      await alice.open();
      await alice.openChat('Bob Brown');
      await expect(alice.from('Bob Brown', 'ninth from Bob')).toBeVisible();
      await alice.tell(bob, 'tenth from the browser');
      const screen = await profanity.shows('tenth from the browser');
      expect(screen.match(/(eighth|ninth|tenth) from/g)).toEqual(['eighth from', 'ninth from', 'tenth from']);
      const chat = await said(alice, alice);
      expect(chat).toEqual(await said(bob, alice));
      expect(chat.map((line) => line.split(' ')[1])).toEqual(['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth', 'tenth']);
    });
  });
});

/** Both know of all devices of Alice, so that what they write is for them all. */
async function knowDevices(alice: Person, bob: Person, count: number): Promise<void> {
  await expect(async () => {
    for (const [one, list] of [[bob, 0], [alice, 1]] as const) {
      await one.lock('Encrypted').click();
      const dialog = one.page.getByRole('dialog', { name: /^Encryption with / });
      await expect(dialog.getByRole('list').nth(list).getByRole('listitem')).toHaveCount(count, { timeout: 2_000 });
      await one.page.keyboard.press('Escape');
    }
  }).toPass({ timeout: 30_000 });
}

const taken = 'This message was deleted.';

/** The chat of Alice and Bob as one of them sees it: who said what. */
async function said(one: Person, alice: Person): Promise<string[]> {
  return (await one.transcript()).map(({ who, text }) => {
    const from = who === alice.name || (who === 'You' && one === alice) ? 'alice' : 'bob';
    return `${from}: ${text.replace(/, \p{Emoji}+: .*$/u, '').replace(/, edited$/, '').replace('You deleted this message.', taken)}`;
  });
}

function lineOf({ sender, text }: Kept): string {
  return `${sender.replace(/@.*/, '')}: ${text ?? taken}`;
}

/** Corrects what one has said last. */
async function correct(one: Person, text: string): Promise<void> {
  await one.composer.press('ArrowUp');
  await one.write(text);
}

function row(one: Person, text: string): Locator {
  return one.page.locator('.row', { hasText: text });
}

function reaction(one: Person, text: string, emoji: string): Locator {
  return row(one, text).locator('.reaction', { hasText: emoji });
}

async function takeBack(one: Person, text: string): Promise<void> {
  await row(one, text).locator('.bubble').click({ button: 'right' });
  await one.page.getByRole('menuitem', { name: 'Delete for everybody' }).click();
  await one.page.getByRole('alertdialog').getByRole('button', { name: 'Delete for everybody' }).click();
  await expect(row(one, text)).toHaveCount(0);
}

async function react(one: Person, text: string, emoji: string): Promise<void> {
  await row(one, text).locator('.bubble').click({ button: 'right' });
  await one.page.getByRole('menuitemcheckbox', { name: emoji }).click();
  await expect(reaction(one, text, emoji)).toBeVisible();
}

/** Is at the list, with no chat open. */
async function closeChat(one: Person): Promise<void> {
  await one.open('/settings/about');
  await expect(one.page.getByRole('heading', { name: 'About and advanced' })).toBeVisible();
  await one.open();
  await one.isIn();
}
