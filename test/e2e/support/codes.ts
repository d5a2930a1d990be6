/** The codes of devices, as people compare them. */
import { expect, type Locator } from '@playwright/test';
import type { Person } from './person';

/** Opens what the lock of the open chat tells. */
export async function openLock(person: Person, name: 'Encrypted' | 'Encrypted and verified'): Promise<Locator> {
  await person.lock(name).click();
  const dialog = person.page.getByRole('dialog', { name: /^Encryption with / });
  await expect(dialog.getByRole('listitem').first()).toBeVisible();
  return dialog;
}

/** The devices of the other one, in the dialog of the lock, with their codes shown. */
export async function devicesIn(dialog: Locator): Promise<Locator> {
  const devices = dialog.getByRole('list').first().getByRole('listitem');
  for (const device of await devices.all()) {
    const show = device.getByRole('button', { name: /^Show code/ });
    if (await show.isVisible()) await show.click();
  }
  return devices;
}

/** The code that is shown in there, without the gaps between its groups. */
export async function codeIn(element: Locator): Promise<string> {
  const code = await element.getByRole('group', { name: /^(Code|Fingerprint) of this/ }).innerText();
  return code.replace(/\s/g, '');
}

/** The code of the browser itself. */
export async function ownCode(person: Person): Promise<string> {
  const page = await person.context.newPage();
  await page.goto(`${person.server.origin}/settings/about`);
  const code = await codeIn(page.getByRole('main'));
  await page.close();
  return code;
}
