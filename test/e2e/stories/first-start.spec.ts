import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { picture } from '../support/pictures';
import { readCode, readTerminalCode } from '../support/qr';
import { Server } from '../support/server';
import { expect, test } from '../support/story';
import { Terminal } from '../support/terminal';

const secret = 'The blue heron nests behind the mill';
const answer = 'Then bring the long ladder tomorrow';

test('from the first start to a chat', async ({ server, person }) => {
  const alice = await person('Alice Adams');
  const bob = await person('Bob Brown', { viewport: { width: 390, height: 844 }, colorScheme: 'dark' });

  await test.step('the printed link makes the first account, the administrator’s', async () => {
    await alice.page.goto(server.firstLink);
    await expect(alice.page.getByRole('heading', { name: 'Your server is ready' })).toBeVisible();
    await alice.page.getByLabel('Your name').fill(alice.name);
    await expect(alice.page.getByLabel('User name')).toHaveValue(/^alice/);
    await alice.page.getByLabel('User name').fill('alice');
    await alice.page.getByLabel('Password', { exact: true }).fill(alice.password);
    await alice.page.getByRole('button', { name: 'Create account' }).click();
    await expect(alice.page.getByRole('main').getByText('Nobody is here yet')).toBeVisible();
    expect(await server.run(['user', 'list'])).toMatch(/alice@localhost.*admin/);
  });

  await test.step('the link works once', async () => {
    const late = await person('Late');
    late.guard.allow(/status of 4\d\d/);
    await late.page.goto(server.firstLink);
    await expect(late.page.getByRole('heading', { name: 'This invitation no longer works' })).toBeVisible();
  });

  const link = await test.step('an invitation is a link and a code', async () => {
    await alice.page.getByRole('button', { name: 'Invite somebody' }).first().click();
    const dialog = alice.page.getByRole('dialog', { name: 'Invite somebody' });
    const text = await dialog.getByRole('textbox', { name: 'Invitation link' }).inputValue();
    expect(await readCode(dialog.getByRole('img', { name: 'Code with the invitation link' }))).toBe(text);
    await picture(alice.page, 'invitation');
    return text;
  });
  expect(link.startsWith(`${server.origin}/i/`)).toBe(true);

  await test.step('in another browser it makes a second account, and both are contacts at once', async () => {
    await bob.page.goto(link);
    await expect(bob.page.getByRole('heading', { name: 'Alice Adams invites you to chat' })).toBeVisible();
    await bob.join(link);
    await bob.isInChat('Alice Adams');
    await expect(bob.page.getByText('Online', { exact: true }).first()).toBeVisible();
    await alice.page.keyboard.press('Escape');
    await alice.openChat('Bob Brown');
    await expect(alice.page.getByText('Online', { exact: true }).first()).toBeVisible();
  });

  await test.step('they write to each other, encrypted, and see what became of it', async () => {
    await expect(alice.lock('Encrypted')).toBeVisible();
    await expect(bob.lock('Encrypted')).toBeVisible();
    await alice.tell(bob, secret);
    await expect(alice.own(secret, 'Read')).toBeVisible();
    await bob.tell(alice, answer);
    await expect(bob.own(answer, 'Read')).toBeVisible();
    await picture(alice.page, 'first-chat');
    await picture(bob.page, 'first-chat');
  });

  await test.step('nothing of it can be read on the server', async () => {
    const found = (): Record<string, string[]> => Object.fromEntries([secret, answer, alice.password].map((text) => [text, server.whereIs(text)]));
    const nowhere = { [secret]: [], [answer]: [], [alice.password]: [] };
    expect(found()).toEqual(nowhere);
    // The same search finds what does lie there: names in the database and its log, addresses in the terminal.
    expect(server.files().map((file) => file.slice(server.directory.length + 1))).toEqual(expect.arrayContaining(['kith.db', 'kith.db-wal']));
    expect(server.whereIs('Alice Adams').some((file) => /kith\.db/.test(file))).toBe(true);
    expect(server.whereIs(`Kith is at ${server.origin}`)).toEqual(['log']);
    for (const [number, planted] of [secret, Buffer.from(`..${secret}..`).toString('base64'), Buffer.from(secret).toString('hex')].entries()) {
      const file = join(server.directory, `planted-${number}`);
      writeFileSync(file, `before ${planted} after`);
      expect(server.whereIs(secret)).toContain(file);
      writeFileSync(file, '');
    }
    // What was still in memory is on the disk now.
    await server.stop();
    expect(found()).toEqual(nowhere);
  });

  await test.step('and no password in the browser', async () => {
    const kept = await alice.stored();
    expect(kept).toContain(secret);
    expect(kept).not.toContain(alice.password);
  });
});

test('on a terminal, the first start shows a code to scan', async () => {
  const server = await Server.create();
  const terminal = await Terminal.open(server.command);
  try {
    await terminal.shows('▀');
    const screen = await terminal.screen();
    const link = /https?:\/\/\S+\/i\/\S+/.exec(screen)?.[0];
    expect(link).toContain(`${server.origin}/i/`);
    // It may not be whole yet.
    await expect(async () => expect(await readTerminalCode(await terminal.screen(true))).toBe(link)).toPass({ timeout: 20_000 });
  } finally {
    await terminal.close();
    server.remove();
  }
});
