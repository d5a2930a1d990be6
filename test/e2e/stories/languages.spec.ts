import { look, lookNarrow } from '../support/look';
import { expect, test } from '../support/story';

const others = [['العربية', 'ar', 'rtl'], ['Español', 'es', 'ltr'], ['Français', 'fr', 'ltr'], ['Українська', 'uk', 'ltr'], ['Deutsch', 'de', 'ltr']] as const;

test('every language, and from right to left', async ({ server, person }) => {
  test.setTimeout(300_000);
  const alice = await person('Alice Adams', { bypassCSP: true });
  const bob = await person('Bob Brown');
  await alice.join(server.firstLink);
  await bob.join(await alice.invite());
  await bob.isInChat(alice.name);
  await bob.write('here is a word');
  const { page } = alice;
  for (const [name, tag, direction] of others) {
    await test.step(tag, async () => {
      await alice.open('/settings/language');
      await page.getByRole('radio', { name, exact: true }).check();
      await expect(page.locator('html')).toHaveAttribute('lang', new RegExp(`^${tag}`));
      await expect(page.locator('html')).toHaveAttribute('dir', direction);
      for (const path of ['/chat/bob@localhost', '/settings/privacy', '/settings/family', '/groups']) {
        await alice.open(path);
        await expect(page.locator('html')).toHaveAttribute('lang', new RegExp(`^${tag}`));
        await page.locator('.splash').waitFor({ state: 'detached' });
        const where = `${tag}${path.replaceAll('/', '-')}`;
        if (direction === 'rtl') await look(page, where, 'light');
        await lookNarrow(page, where, 320);
      }
    });
  }
});
