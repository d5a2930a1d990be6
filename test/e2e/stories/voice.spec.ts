import { readFileSync } from 'node:fs';
import type { Locator } from '@playwright/test';
import { launchOptions } from '../support/chromium';
import { look, lookNarrow } from '../support/look';
import type { Person } from '../support/person';
import { befriend, expect, test } from '../support/story';

// A microphone that beeps, and a browser that allows it.
test.use({ launchOptions: { ...launchOptions, args: [...launchOptions.args ?? [], '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--autoplay-policy=no-user-gesture-required'] } });

const bar = (one: Person): Locator => one.page.getByRole('main').getByRole('group', { name: 'Voice message', exact: true });
const spoken = (one: Person, who: string): Locator => one.page.getByRole('group', { name: new RegExp(`^${who}, at [\\d:]+: Voice message`) });
const mic = (one: Person): Locator => one.page.getByRole('button', { name: 'Record a voice message' });
/** The clock of the recorder shows so many seconds, or more. */
const recorded = (one: Person, seconds: number): Promise<void> => expect(bar(one).locator('.voice-time')).toHaveText(new RegExp(`0:(0[${seconds}-9]|[1-5]\\d)`));

/** Sounds begin again where they end: the story is the same however slow the machine is. */
const lasting = (): void => {
  const Plain = Audio;
  window.Audio = class extends Plain {
    constructor(source?: string) {
      super(source);
      this.loop = true;
    }
  };
};

/** Bytes out of the middle of every file that this browser keeps. */
const keptFiles = (one: Person): Promise<number[][]> => one.page.evaluate(async () => {
  const out: number[][] = [];
  for (const { name } of await indexedDB.databases()) {
    if (name === undefined) continue;
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const opening = indexedDB.open(name);
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = () => reject(new Error(opening.error?.message));
    });
    if (database.objectStoreNames.contains('files')) {
      const blobs = await new Promise<unknown[]>((resolve, reject) => {
        const getting = database.transaction('files').objectStore('files').getAll();
        getting.onsuccess = () => resolve(getting.result as unknown[]);
        getting.onerror = () => reject(new Error(getting.error?.message));
      });
      for (const blob of blobs) if (blob instanceof Blob) out.push([...new Uint8Array(await blob.arrayBuffer())].slice(Math.floor(blob.size / 2), Math.floor(blob.size / 2) + 48));
    }
    database.close();
  }
  return out;
});

test('a voice message is recorded, heard before it is sent, sent encrypted, and heard while one looks elsewhere', async ({ server, person }) => {
  test.setTimeout(300_000);
  const alice = await person('Alice Adams', { bypassCSP: true });
  const bob = await person('Bob Brown', { bypassCSP: true });
  const carol = await person('Carol Clark', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await bob.context.addInitScript(lasting);
  await befriend(server, alice, bob);
  await carol.join(await bob.invite());
  await carol.isInChat('Bob Brown');
  await expect(bob.chatRow('Carol Clark')).toBeVisible();
  await bob.openChat('Alice Adams');
  await expect(alice.lock('Encrypted')).toBeVisible();

  await test.step('recorded by keyboard, with a pause', async () => {
    await mic(alice).focus();
    await alice.page.keyboard.press('Enter');
    await expect(bar(alice).getByRole('status')).toHaveText('Recording');
    await recorded(alice, 2);
    await look(alice.page, 'voice-recording', 'light');
    await lookNarrow(alice.page, 'voice-recording', 320);
    await bar(alice).getByRole('button', { name: 'Pause recording' }).click();
    const at = await bar(alice).locator('.voice-time').textContent();
    await expect(bar(alice).getByRole('status')).toHaveText('Recording paused');
    await expect(bar(alice).locator('.voice-time')).toHaveText(at ?? '');
    await bar(alice).getByRole('button', { name: 'Go on recording' }).click();
    await expect(bar(alice).getByRole('status')).toHaveText('Recording');
  });

  await test.step('it stays with its chat when one goes to another, and after a reload', async () => {
    await alice.page.goto(`${server.origin}/settings/about`);
    await alice.open('/');
    await alice.chatRow('Bob Brown').click();
    await expect(bar(alice).getByRole('button', { name: 'Play recording' })).toBeVisible();
    await bar(alice).getByRole('button', { name: 'Delete recording' }).click();
    await expect(bar(alice)).toHaveCount(0);
    await mic(alice).click();
    await recorded(alice, 2);
    await alice.page.getByRole('button', { name: 'Settings', exact: true }).click();
    await alice.page.goBack();
    await expect(bar(alice).getByRole('button', { name: 'Play recording' })).toBeVisible();
  });

  await test.step('heard, and sent', async () => {
    await look(alice.page, 'voice-recorded', 'light');
    await lookNarrow(alice.page, 'voice-recorded', 320);
    await bar(alice).getByRole('button', { name: 'Play recording' }).click();
    await expect(bar(alice).getByRole('button', { name: /^Speed/ })).toBeVisible();
    await bar(alice).getByRole('button', { name: 'Send' }).click();
    await expect(bar(alice)).toHaveCount(0);
    await expect(alice.page.getByRole('group', { name: /^You, at [\d:]+: Voice message, (Delivered|Read)$/ })).toBeVisible();
  });

  await test.step('it is one also for who gets it, and says how long it is', async () => {
    await expect(spoken(bob, 'Alice Adams')).toBeVisible();
    await expect(spoken(bob, 'Alice Adams').getByRole('slider')).toHaveAttribute('aria-valuetext', /^0:00 of 0:(0[2-9]|[1-5]\d)$/);
    await expect(bob.chatRow('Alice Adams')).toContainText('Voice message');
    // A waveform that came with it: bars of several heights.
    const path = await spoken(bob, 'Alice Adams').locator('.wave-bars path').first().getAttribute('d');
    expect(new Set(path?.match(/v[\d.]+/g)).size).toBeGreaterThan(3);
    await look(bob.page, 'voice-received', 'dark');
    await lookNarrow(bob.page, 'voice-received', 390);
  });

  await test.step('heard, and on in another chat', async () => {
    await spoken(bob, 'Alice Adams').getByRole('button', { name: 'Play Voice message' }).click();
    await spoken(bob, 'Alice Adams').getByRole('button', { name: 'Speed 1×' }).click();
    await expect(spoken(bob, 'Alice Adams').getByRole('button', { name: 'Speed 1.5×' })).toBeVisible();
    await bob.openChat('Carol Clark');
    const player = bob.page.getByRole('region', { name: 'Playing' });
    await expect(player).toContainText('Alice Adams');
    // It goes on: what it shows becomes something else, and again.
    const time = player.locator('.voice-time');
    for (const _ of [1, 2]) await expect(time).not.toHaveText(await time.textContent() ?? '');
    await look(bob.page, 'voice-elsewhere', 'light');
    await lookNarrow(bob.page, 'voice-elsewhere', 390);
    await bob.tell(carol, 'Alice has sung something');
    await player.getByRole('button', { name: /^Alice Adams/ }).click();
    await bob.isInChat('Alice Adams');
    await expect(spoken(bob, 'Alice Adams').getByRole('button', { name: 'Pause' })).toBeVisible();
    await player.getByRole('button', { name: 'Stop playing' }).click();
    await expect(player).toHaveCount(0);
    // The speed is remembered.
    await bob.page.reload();
    await bob.isInChat('Alice Adams');
    await spoken(bob, 'Alice Adams').getByRole('button', { name: 'Play Voice message' }).click();
    await expect(spoken(bob, 'Alice Adams').getByRole('button', { name: 'Speed 1.5×' })).toBeVisible();
  });

  await test.step('held on a phone, it is sent when it is let go, as the answer to what was said', async () => {
    await carol.page.getByRole('group', { name: /Alice has sung something/ }).first().click({ button: 'right' });
    await carol.page.getByRole('menuitem', { name: 'Reply' }).click();
    const box = await mic(carol).boundingBox();
    if (!box) throw new Error('no microphone');
    await carol.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await carol.page.mouse.down();
    await recorded(carol, 1);
    await expect(bar(carol).getByText('Slide to cancel')).toBeVisible();
    await lookNarrow(carol.page, 'voice-held', 390);
    await carol.page.mouse.up();
    await expect(bar(carol)).toHaveCount(0);
    await bob.openChat('Carol Clark');
    await expect(spoken(bob, 'Carol Clark').and(bob.page.getByRole('group', { name: /Reply to/i }))).toBeVisible();
    await expect(carol.page.locator('.staged')).toHaveCount(0);
  });

  await test.step('the server has nothing of it that anybody could hear or read', async () => {
    const heard = await keptFiles(alice);
    expect(heard.length).toBeGreaterThan(0);
    const files = server.files().map((file) => readFileSync(file));
    for (const part of heard) {
      expect(part).toHaveLength(48);
      expect(files.filter((bytes) => bytes.includes(Buffer.from(part)))).toHaveLength(0);
    }
    for (const word of ['voice-message', 'kith:voice', 'ftypi', 'OpusHead']) expect(server.whereIs(word), word).toEqual([]);
  });
});
