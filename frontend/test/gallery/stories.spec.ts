import { expect, inPage, jonas, lena, open, sizes, test, unwatched } from './gallery';

test('a message stands at once, with its clock, and its state has a name all the way', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await inPage(page, ({ core }) => core.hold());
  await page.locator('#composer').fill('On my way');
  await page.keyboard.press('Enter');
  const bubble = page.locator('.row-out').last();
  await expect(bubble).toContainText('On my way');
  await expect(bubble.getByText('Waiting to be sent')).toBeAttached();
  await expect(page.locator('#composer')).toHaveValue('');
  await inPage(page, ({ core }) => core.release());
  await expect.poll(() => inPage(page, ({ core }) => core.world.messages.at(-1)?.text)).toBe('On my way');
  for (const [state, name] of [['sent', 'Sent'], ['delivered', 'Delivered'], ['read', 'Read']] as const) {
    await inPage(page, ({ core }, to) => core.setState(core.world.messages.at(-1)!.id, { state: to }), state);
    await expect(bubble.locator('.ticks .hidden')).toHaveText(name);
    await expect(bubble.locator('.message')).toHaveAttribute('aria-label', new RegExp(`${name}$`));
  }
  await expect(page.locator('.row-out', { hasText: 'On my way' })).toHaveCount(1);
});

test('what was refused can be tried again, or thrown away', async ({ page }) => {
  await open(page, { scene: 'troubles', route: `/chat/${lena}` });
  const failed = page.locator('.row', { hasText: 'Did you get my letter?' });
  await expect(failed).toContainText('This message cannot be protected');
  await failed.getByRole('button', { name: 'Try again' }).click();
  await expect(failed.getByText('Waiting to be sent')).toBeAttached();
  await inPage(page, ({ core }) => core.setState('trouble-7', { state: 'failed', reason: { code: 'network' } }));
  await failed.getByRole('button', { name: 'Delete' }).click();
  await expect(failed).toHaveCount(0);
});

test('nothing goes out unencrypted without a clear yes', async ({ page }) => {
  await open(page, { route: '/chat/noor@oldserver.example' });
  await page.locator('#composer').fill('Secret?');
  await page.keyboard.press('Enter');
  const question = page.getByRole('alertdialog', { name: 'Send without encryption?' });
  await expect(question.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(page.locator('#composer')).toHaveValue('Secret?');
  expect(await inPage(page, ({ core }) => core.calls.filter((call) => call.command === 'send').length)).toBe(0);
  await page.keyboard.press('Enter');
  await question.getByRole('button', { name: 'Send unencrypted' }).click();
  await expect(page.locator('.bubble').last()).toContainText('Secret?');
  await expect(page.locator('.message').last()).toHaveAttribute('aria-label', /Not encrypted/);
});

test('a wish to go on without encryption is a clear choice, and can be taken back', async ({ page }) => {
  await open(page, { scene: 'opt-out', route: `/chat/${jonas}` });
  await expect(page.locator('.chat-said').last()).toHaveText('Jonas asks to go on without encryption. Their reason: “The office keeps a record of everything.”');
  const notice = page.getByRole('alert').filter({ hasText: 'Until you decide, nothing is sent' });
  await expect(page.getByLabel(/^Message to/)).toHaveCount(0);
  await notice.getByRole('button', { name: 'Write without encryption' }).click();
  const sure = page.getByRole('alertdialog');
  await expect(sure).toContainText('could read what you write');
  await sure.getByRole('button', { name: 'Cancel' }).click();
  await notice.getByRole('button', { name: 'Write without encryption' }).click();
  await sure.getByRole('button', { name: 'Write without encryption' }).click();
  await expect(page.getByText('You write to Jonas without encryption')).toBeVisible();
  const field = page.locator('#composer');
  await field.fill('In the open');
  await field.press('Enter');
  await expect(page.locator('.messages').getByText('In the open')).toBeVisible();
  await expect(page.getByRole('alertdialog')).toHaveCount(0);
  await page.getByRole('button', { name: 'Encrypt again' }).click();
  await expect(page.getByText('You write to Jonas without encryption')).toHaveCount(0);
});

test('a new device of a verified contact is a clear choice', async ({ page }) => {
  await open(page, { route: `/chat/${lena}` });
  await inPage(page, ({ core }) => void core.refuse.set('send', 'untrusted'));
  await page.locator('#composer').fill('Hello');
  await page.keyboard.press('Enter');
  await expect(page.locator('#composer')).toHaveValue('Hello');
  await page.getByRole('button', { name: 'Check', exact: true }).click();
  await page.getByRole('button', { name: 'The codes match' }).first().click();
  await expect(page.locator('.device-trust').first()).toHaveText('Verified');
});

test('the draft survives going elsewhere and a reload', async ({ page }) => {
  await open(page, { route: `/chat/${lena}` });
  await page.locator('#composer').fill('Half a thought');
  await page.locator('.chat-row', { hasText: 'Jonas' }).click();
  await expect(page.locator(`.chat-row[data-address="${lena}"]`)).toContainText('Draft: Half a thought');
  await page.locator(`.chat-row[data-address="${lena}"]`).click();
  await expect(page.locator('#composer')).toHaveValue('Half a thought');
});

test('writing is told, and shown where it is told to us', async ({ page }) => {
  await open(page, { scene: 'typing', route: `/chat/${jonas}` });
  await expect(page.locator('.chat-head-status')).toHaveText('typing…');
  await expect(page.locator('.chat-row', { hasText: 'Jonas' })).toContainText('typing…');
  await page.locator('#composer').pressSequentially('Hi');
  await expect.poll(() => inPage(page, ({ core }) => core.calls.filter((call) => call.command === 'setTyping').map((call) => call.given[1]))).toEqual([true]);
  await page.keyboard.press('Enter');
  await expect.poll(() => inPage(page, ({ core }) => core.calls.filter((call) => call.command === 'setTyping').map((call) => call.given[1]))).toEqual([true, false]);
});

test('new messages are read out politely', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await inPage(page, ({ core }) => void core.receive('jonas@linden.example', 'Dinner is ready'));
  await expect(page.locator('.chat [role=log]')).toHaveText('Jonas: Dinner is ready');
});

test.describe('an invitation', () => {
  test('is an account and a chat in one form', async ({ page }) => {
    await open(page, { scene: 'signed-out', route: '/i/welcome' });
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Jonas invites you to chat');
    await page.getByLabel('Your name').fill('Kim Müller');
    await expect(page.getByLabel('User name')).toHaveValue('kim.mueller');
    await page.getByLabel('Password', { exact: true }).fill('abc');
    await expect(page.locator('.strength')).toContainText('Too short');
    await page.getByRole('button', { name: 'Suggest one' }).click();
    await expect(page.locator('.strength')).toContainText('Strong');
    await page.getByRole('button', { name: 'Create account' }).click();
    await expect(page.locator('.chat-head-name')).toHaveText('Jonas');
    expect(await inPage(page, ({ core }) => core.world.session.address)).toBe('kim.mueller@linden.example');
  });

  test('says what is wrong where it is wrong, and goes there', async ({ page }) => {
    await open(page, { scene: 'signed-out', route: '/i/plain' });
    await page.getByRole('button', { name: 'Create account' }).click();
    await expect(page.getByLabel('Your name')).toBeFocused();
    await expect(page.getByLabel('Your name')).toHaveAccessibleDescription(/Enter your name\./);
    await page.getByLabel('Your name').fill('Jonas');
    await page.getByLabel('Password', { exact: true }).fill('bread lake house rain');
    await page.getByRole('button', { name: 'Create account' }).click();
    await expect(page.getByLabel('User name')).toHaveAccessibleDescription(/already taken/);
    await expect(page.getByLabel('User name')).toBeFocused();
  });

  test('is a contact for somebody who is here', async ({ page }) => {
    await open(page, { scene: 'empty', route: '/i/welcome' });
    await page.getByRole('button', { name: 'Add Jonas' }).click();
    await expect(page.locator('.chat-head-name')).toHaveText('Jonas');
  });

  test('to others is a link and a code', async ({ page, context }) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await open(page, { scene: 'empty', route: '/' });
    await page.locator('.main-pane').getByRole('button', { name: 'Invite somebody' }).click();
    await page.getByRole('img', { name: 'Code with the invitation link' }).waitFor();
    await page.getByRole('button', { name: 'Copy' }).click();
    await expect(page.getByRole('button', { name: 'Copied' })).toBeVisible();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^https:\/\/linden\.example\/i\//);
  });
});

test('signing in: a wrong password keeps the name, a right one opens the app', async ({ page }) => {
  await open(page, { scene: 'signed-out', latency: 30 });
  await page.getByLabel('Name').fill('mira');
  await page.getByLabel('Password', { exact: true }).fill('nonsense');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toContainText('do not fit together');
  await expect(page.getByLabel('Name')).toHaveValue('mira');
  await expect(page.getByLabel('Password', { exact: true })).toBeFocused();
  await page.getByRole('button', { name: 'Show password' }).click();
  await expect(page.getByLabel('Password', { exact: true })).toHaveAttribute('type', 'text');
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.keyboard.press('Enter');
  await page.locator('.app').waitFor();
});

test('a contact request can be answered', async ({ page }) => {
  await open(page, { route: '/' });
  await page.getByRole('link', { name: '2 requests' }).click();
  await expect(page.locator('.request').first()).toContainText('we met at the choir');
  await page.getByRole('button', { name: 'Accept' }).click();
  await expect(page.locator('.request')).toHaveCount(1);
  await page.locator('.request').getByRole('button', { name: 'Join' }).click();
  await expect(page.locator('.request')).toHaveCount(0);
  await expect(page.locator('.chat-row', { hasText: 'Choir' })).toBeVisible();
  await expect(page.locator('.chat-row', { hasText: 'Paula Winter' })).toBeVisible();
});

test('somebody is added by address, renamed, blocked and unblocked', async ({ page }) => {
  await open(page, { route: '/' });
  await page.locator('.pane-head').getByRole('button', { name: 'New chat' }).click();
  await page.getByLabel('Name or address').fill('kim@brook.example');
  await page.getByRole('button', { name: /Add kim@brook.example/ }).click();
  await expect(page.locator('.chat-head-name')).toHaveText('kim');
  await page.locator('.chat-head-who').click();
  await page.getByRole('button', { name: 'Name shown to you' }).click();
  await page.getByLabel('Name shown to you').fill('Kim from the choir');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.locator('.chat-head-name')).toHaveText('Kim from the choir');
  await page.getByRole('button', { name: 'Block' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Block' }).click();
  await expect(page.locator('#composer')).toHaveCount(0);
  await page.locator('.chat-notice').getByRole('button', { name: 'Unblock' }).click();
  await expect(page.locator('#composer')).toBeVisible();
});

test('codes are compared as text, and a wrong one is a warning', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await page.locator('.chat-lock').click();
  await expect(page.getByRole('dialog')).toContainText('really Jonas’s devices');
  await page.keyboard.press('Escape');
  await page.locator('.chat-row', { hasText: 'Oma Ilse' }).click();
  await page.locator('.chat-lock').click();
  await page.getByRole('button', { name: 'Compare codes' }).click();
  await page.getByRole('tab', { name: 'Their code' }).click();
  const code = await inPage(page, ({ core }) => {
    const device = core.world.devices.find((it) => it.address === 'oma.ilse@linden.example')!;
    return `xmpp:${device.address}?omemo-sid-${device.id}=${device.fingerprint}`;
  });
  await page.getByLabel('Code as text').fill(code.replace(/.$/, (c) => (c === '0' ? '1' : '0')));
  await page.getByRole('button', { name: 'Check the code' }).click();
  await expect(page.locator('.verdict')).toContainText('This code does not fit');
  await page.getByLabel('Code as text').fill(code);
  await page.getByRole('button', { name: 'Check the code' }).click();
  await expect(page.locator('.verdict')).toContainText('It fits. 1 device is verified.');
  await page.keyboard.press('Escape');
  await expect(page.locator('.chat-lock')).toHaveAccessibleName('Encrypted and verified');
});

test('a camera that is allowed only when nobody looks any more goes off at once', async ({ page }) => {
  type Watched = { allow(): void; camera?: MediaStreamTrack };
  await page.addInitScript(() => {
    const watched = window as unknown as Watched;
    Object.assign(window, { BarcodeDetector: class {
      static getSupportedFormats(): Promise<string[]> { return Promise.resolve(['qr_code']); }
      detect(): Promise<unknown[]> { return Promise.resolve([]); }
    } });
    navigator.mediaDevices.getUserMedia = () => new Promise((resolve) => {
      watched.allow = () => {
        const stream = document.createElement('canvas').captureStream();
        [watched.camera] = stream.getVideoTracks() as [MediaStreamTrack];
        resolve(stream);
      };
    });
  });
  await open(page, { route: `/chat/${lena}` });
  await page.locator('.chat-lock').click();
  await page.getByRole('button', { name: 'Compare codes' }).click();
  await page.getByRole('tab', { name: 'Their code' }).click();
  await page.getByRole('button', { name: 'Start the camera' }).click();
  await page.waitForFunction(() => 'allow' in window);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.evaluate(() => (window as unknown as Watched).allow());
  await expect.poll(() => page.evaluate(() => (window as unknown as Watched).camera?.readyState)).toBe('ended');
});

test.describe('settings', () => {
  test('colours and language are kept', async ({ page }) => {
    await open(page, { route: '/settings/appearance' });
    await page.getByRole('radio', { name: 'Dark' }).check();
    await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
    await page.getByRole('link', { name: 'Language' }).click();
    await page.getByLabel('Deutsch').check();
    await expect(page.getByRole('heading', { name: 'Sprache' })).toBeVisible();
    await expect(page.locator('html')).toHaveAttribute('lang', 'de');
    await page.reload();
    await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
    await expect(page.getByRole('heading', { name: 'Sprache' })).toBeVisible();
  });

  test('a device is signed out', async ({ page }) => {
    await open(page, { route: '/settings/devices' });
    await page.getByRole('button', { name: 'Sign out: Chromium on the kitchen tablet' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Sign out' }).click();
    await expect(page.getByText('Chromium on the kitchen tablet')).toHaveCount(0);
  });

  test('this device gets a name when one wants, and loses it again', async ({ page }) => {
    await open(page, { route: '/settings/devices' });
    await expect(page.getByText('Name of this device: none')).toBeVisible();
    await page.getByRole('button', { name: 'Give it a name' }).click();
    const field = page.getByLabel('Name of this device');
    await expect(field).toBeFocused();
    await expect(page.getByText('Whoever knows your address can read it')).toBeVisible();
    await field.fill(' Kitchen laptop ');
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByText('Name of this device: Kitchen laptop')).toBeVisible();
    await expect(page.locator('.device', { hasText: 'This device' })).toContainText('Kitchen laptop');
    await page.getByRole('button', { name: 'Change the name' }).click();
    await field.fill('');
    await field.press('Enter');
    await expect(page.getByText('Name of this device: none')).toBeVisible();
    await expect(page.getByText('Kitchen laptop')).toHaveCount(0);
  });

  test('signing out says what is lost, and ends at the way in', async ({ page }) => {
    await open(page, { route: '/settings' });
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect(page.getByRole('alertdialog')).toContainText('deleted from this browser');
    await page.getByRole('button', { name: 'Sign out and delete' }).click();
    await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
    expect(await page.locator('body').innerText()).not.toContain('Jonas');
  });

  test('the password is changed, and a wrong old one is told there', async ({ page }) => {
    await open(page, { route: '/settings/password' });
    await page.getByLabel('Current password').fill('nonsense');
    await page.getByLabel('New password').fill('bread lake house rain');
    await page.getByRole('button', { name: 'Change password' }).click();
    await expect(page.getByLabel('Current password')).toHaveAccessibleDescription(/not your current password/);
    await page.getByLabel('Current password').fill('correct horse');
    await page.getByRole('button', { name: 'Change password' }).click();
    await expect(page.locator('.toast')).toContainText('Your password is changed');
  });
});

test('being offline is told once, after a moment, calmly', async ({ page }) => {
  await open(page, { route: '/' });
  await page.clock.install();
  // From now on time goes on only when it is told to.
  await page.clock.pauseAt(await page.evaluate(() => Date.now() + 1000));
  await inPage(page, ({ core }) => core.setSession({ phase: 'offline', retryAt: Date.now() + 20_000, reason: { code: 'network' } }));
  await page.clock.runFor(1000);
  await expect(page.locator('.chip')).toHaveCount(0);
  await page.clock.runFor(1500);
  await expect(page.locator('.chip')).toContainText(/Offline, trying again in 1[78] s/);
  await expect(page.locator('.connection [role=status]')).toHaveText('Offline');
  await page.getByRole('button', { name: 'Try now' }).click();
  await expect(page.locator('.chip')).toHaveCount(0);
});

test.describe('in every size', () => {
  for (const [name, size] of Object.entries(sizes)) {
    test(`${name}: the title tells what is unread`, async ({ page }) => {
      await page.setViewportSize(size);
      await open(page, { route: '/' });
      await expect(page).toHaveTitle('(6) Kith');
    });
  }
});

unwatched('an address of a place that does not exist leads home', async ({ page }) => {
  await open(page, { route: '/nowhere/at/all' });
  await expect(page.locator('.list-pane')).toBeVisible();
});

unwatched.describe('where the app cannot start', () => {
  unwatched('an old browser is told so, and no page stays empty', async ({ page }) => {
    await page.route('**/assets/gallery-*.js', (route) => route.fulfill({ contentType: 'text/javascript', body: 'class A { @@ }' }));
    await page.goto('/gallery.html');
    await expect(page.getByRole('alert')).toContainText('too old for Kith');
  });

  unwatched('a script that does not come is told as that', async ({ page }) => {
    await page.route('**/assets/gallery-*.js', (route) => route.abort());
    await page.goto('/gallery.html');
    await expect(page.getByRole('alert')).toContainText('could not be loaded');
  });
});

test('an answer shows what it answers, and leads there', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  const question = page.locator('.row', { hasText: 'Should I bring the big pot as well?' }).locator('.message');
  await question.focus();
  await page.keyboard.press('r');
  await expect(page.locator('.staged')).toContainText('Reply to Jonas');
  await expect(page.locator('#composer')).toBeFocused();
  await page.keyboard.type('The *biggest* one');
  await page.keyboard.press('Enter');
  await expect(page.locator('.staged')).toHaveCount(0);
  const answer = page.locator('.row-out').last();
  await expect(answer.locator('.quote')).toContainText('Should I bring the big pot as well?');
  await expect(answer.locator('strong')).toContainText('biggest');
  await answer.locator('.quote').click();
  await expect(page.locator('.row-shown')).toContainText('Should I bring the big pot');
});

test('the last word is corrected with the arrow key, and given up with Esc', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await page.locator('#composer').focus();
  await page.keyboard.press('ArrowUp');
  await expect(page.locator('.staged')).toContainText('Edit message');
  await expect(page.locator('#composer')).toHaveValue('See you on Saturday then!');
  await page.keyboard.press('Escape');
  await expect(page.locator('#composer')).toHaveValue('');
  await page.keyboard.press('ArrowUp');
  await page.locator('#composer').fill('See you on Sunday then!');
  await page.keyboard.press('Enter');
  const row = page.locator('.row', { hasText: 'See you on Sunday then!' });
  await expect(row).toContainText('edited');
  await expect(page.locator('.row', { hasText: 'See you on Saturday then!' })).toHaveCount(0);
});

test('a reaction is given with one tap, and taken back with another', async ({ page }) => {
  await open(page, { route: `/chat/${lena}` });
  const message = page.locator('.row', { hasText: 'Does she still steal socks?' });
  await message.locator('.bubble').dblclick();
  await page.getByRole('menuitemcheckbox', { name: '😂' }).click();
  await expect(message.locator('.reaction')).toHaveText('😂');
  await message.locator('.reaction').click();
  await expect(message.locator('.reaction')).toHaveCount(0);
  await message.locator('.bubble').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'More emoji' }).click();
  await page.getByLabel('Search emoji').fill('sock');
  await page.locator('.emoji').first().click();
  await expect(message.locator('.reaction')).toHaveText('🧦');
});

test('what is deleted leaves a note, and only one’s own can be', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await page.locator('.row-out').last().locator('.bubble').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Delete for everybody' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete for everybody' }).click();
  await expect(page.locator('.row-out').last()).toContainText('You deleted this message.');
  await page.locator('.row:not(.row-out)').last().locator('.bubble').click({ button: 'right' });
  await expect(page.getByRole('menuitem', { name: 'Reply' })).toBeVisible();
  await expect(page.getByRole('menuitem', { name: 'Delete for everybody' })).toHaveCount(0);
});

test('a mention is chosen by keyboard', async ({ page }) => {
  await open(page, { route: '/chat/sunday@groups.linden.example' });
  await page.locator('#composer').pressSequentially('Dear @o');
  await expect(page.getByRole('option', { name: 'Oma Ilse' })).toBeVisible();
  await page.keyboard.press('Enter');
  await expect(page.locator('#composer')).toHaveValue('Dear @Oma Ilse ');
});

test('pasted pictures are looked at before they are sent, and shown at once', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await page.locator('#composer').evaluate(async (field) => {
    const canvas = new OffscreenCanvas(640, 400);
    const context = canvas.getContext('2d')!;
    context.fillStyle = 'teal';
    context.fillRect(0, 0, 640, 400);
    const data = new DataTransfer();
    data.items.add(new File([await canvas.convertToBlob({ type: 'image/png' })], 'lake.png', { type: 'image/png' }));
    data.items.add(new File(['plan'], 'plan.txt', { type: 'text/plain' }));
    field.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  });
  const tray = page.getByRole('dialog', { name: 'Send 2 files?' });
  await expect(tray.getByText('lake.png')).toBeVisible();
  await tray.getByRole('button', { name: 'Do not send plan.txt' }).click();
  await page.getByRole('dialog', { name: 'Send 1 file?' }).getByRole('button', { name: 'Send', exact: true }).click();
  const row = page.locator('.row-out').last();
  await expect(row.locator('.file-picture img')).toBeVisible();
  expect(await row.locator('.file-picture').evaluate((element) => element.getBoundingClientRect().width / element.getBoundingClientRect().height)).toBeCloseTo(1.6, 1);
  expect(await inPage(page, ({ core }) => core.calls.filter((call) => call.command === 'sendFile').map((call) => call.given[1]))).toEqual(['lake.png']);
  await expect(row.getByRole('button', { name: 'Cancel' })).toBeVisible();
});

test('files that were not taken stay to be sent once more, those that were do not', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  await page.locator('.composer input[type=file]').setInputFiles(['one', 'two'].map((name) => ({ name: `${name}.txt`, mimeType: 'text/plain', buffer: Buffer.from(name) })));
  await inPage(page, ({ core }) => void core.refuse.set('sendFile', 'storage'));
  const tray = page.getByRole('dialog', { name: 'Send 2 files?' });
  await tray.getByRole('button', { name: 'Send', exact: true }).click();
  await expect(tray.getByRole('alert')).not.toBeEmpty();
  await expect(tray.getByRole('listitem')).toHaveCount(2);
  await tray.getByRole('button', { name: 'Send', exact: true }).click();
  await expect(tray).toHaveCount(0);
  await expect(page.locator('.row-out', { hasText: 'two.txt' })).toHaveCount(1);
  await expect(page.locator('.row-out', { hasText: 'one.txt' })).toHaveCount(1);
});

test('the pack of a sticker is looked at when one asks for it, and taken over as far as it can be had', async ({ page }) => {
  await open(page, { scene: 'stickers', route: `/chat/${jonas}` });
  const asked = (command: string): Promise<number> => inPage(page, ({ core }, name) => core.calls.filter((call) => call.command === name).length, command);
  await page.locator('.sticker img').nth(2).waitFor();
  expect(await asked('stickerPack')).toBe(0);
  await page.getByRole('button', { name: 'Sticker, View the sticker pack' }).click();
  const dialog = page.getByRole('dialog', { name: 'The animals of the house' });
  await expect(dialog.getByRole('listitem')).toHaveCount(7);
  await expect(dialog.getByText('Some pictures of this pack cannot be fetched from here.')).toBeVisible();
  await dialog.getByRole('button', { name: 'Add pack' }).click();
  await expect(page.getByText('Added to your stickers')).toBeVisible();
  expect(await inPage(page, ({ core }) => (core.world.stickers ?? []).slice(0, 6).map((sticker) => sticker.description))).toEqual([1, 2, 3, 4, 6, 7].map((n) => `Animal ${n}`));
});

test('a stranger’s sticker is shown when one asks for it', async ({ page }) => {
  await open(page, { scene: 'stickers', route: '/chat/kim@brook.example' });
  const show = page.getByRole('button', { name: 'Show sticker: A present' });
  await expect(show).toBeVisible();
  expect(await inPage(page, ({ core }) => core.calls.filter((call) => call.command === 'fetchFile' || call.command === 'stickerPack').length)).toBe(0);
  await show.click();
  await expect(page.getByRole('img', { name: 'A present' })).toBeVisible();
});

test('what somebody wrote is sent on to another chat', async ({ page }) => {
  await open(page, { route: `/chat/${jonas}` });
  const message = page.locator('.row:not(.row-out) .message').last();
  const text = await message.locator('.text > :first-child').first().textContent();
  await message.click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Forward' }).click();
  await page.getByRole('dialog', { name: 'Forward to' }).getByRole('button', { name: 'Lena' }).click();
  await expect(page.locator('.chat-head-name')).toContainText('Lena');
  expect(await inPage(page, ({ core }) => core.calls.filter((call) => call.command === 'send').map((call) => call.given.slice(0, 2)))).toEqual([[lena, expect.stringContaining(text ?? '?')]]);
  await expect(page.locator('.toast-error')).toHaveCount(0);
});

test('a language that is chosen by keyboard leaves the focus on it', async ({ page }) => {
  await open(page, { route: '/settings/language' });
  await page.getByRole('radio', { name: 'English' }).check();
  await page.keyboard.press('ArrowDown');
  await expect(page.locator('html')).toHaveAttribute('lang', 'de');
  await expect(page.getByRole('radio', { name: 'Deutsch' })).toBeFocused();
});

test('names from right to left stand on the side of all others, and their words after them', async ({ page }) => {
  await open(page, { route: '/' });
  await inPage(page, ({ core }, [contact, group]) => {
    core.setContact({ ...core.world.contacts.find((one) => one.address === contact)!, name: 'جم دمير' });
    core.setChat(group, { last: { text: 'Hello all', from: contact, outgoing: false, state: 'received', at: Date.now() } });
  }, [lena, 'sunday@groups.linden.example'] as const);
  const preview = page.locator('.chat-row[data-address="sunday@groups.linden.example"] .chat-row-preview');
  await expect(preview).toContainText('Hello all');
  const from = (await preview.locator('.chat-row-from').boundingBox())!;
  const box = (await preview.boundingBox())!;
  expect(from.x - box.x).toBeLessThan(2);
  expect(await preview.locator('.chat-row-from').evaluate((element) => getComputedStyle(element).direction)).toBe('ltr');
});

test('what is told for a moment covers neither the composer nor the stickers', async ({ page }) => {
  await page.setViewportSize(sizes.phone);
  await open(page, { scene: 'stickers', route: `/chat/${jonas}` });
  await page.getByRole('button', { name: 'Emoji', exact: true }).click();
  await page.getByRole('tab', { name: 'Stickers' }).click();
  await inPage(page, ({ app }) => app.notices.done('saved'));
  const toast = (await page.locator('.toast').boundingBox())!;
  const panel = (await page.locator('.emoji-popup').boundingBox())!;
  expect(toast.y + toast.height).toBeLessThanOrEqual(panel.y);
});

test('on a phone, what is told for a moment stands below that one is offline', async ({ page }) => {
  await page.setViewportSize(sizes.phone);
  await open(page, { scene: 'offline', route: `/chat/${jonas}` });
  const chip = (await page.locator('.chip').boundingBox())!;
  await inPage(page, ({ app }) => app.notices.done('saved'));
  const toast = (await page.locator('.toast').boundingBox())!;
  expect(toast.y).toBeGreaterThanOrEqual(chip.y + chip.height);
});

test('the offer of a password stands beside the label, not on the field', async ({ page }) => {
  await open(page, { scene: 'signed-out', route: '/i/welcome' });
  const below = await page.locator('.new-password-suggest').evaluate((offer) => {
    const words = document.createRange();
    words.selectNodeContents(offer);
    return words.getBoundingClientRect().bottom;
  });
  expect(below).toBeLessThanOrEqual((await page.locator('.new-password .field-box').boundingBox())?.y ?? 0);
});
