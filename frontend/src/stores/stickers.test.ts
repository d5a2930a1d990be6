import { expect, test } from 'vitest';
import { FakeClock } from '../../test/fake/clock';
import { FakeCore } from '../../test/fake/core';
import { FakeHistory, memoryStorage } from '../../test/fake/host';
import { family } from '../../test/fake/seed';
import { type App, createApp } from './app';

const lena = 'lena@linden.example';

async function start(): Promise<{ core: FakeCore; app: App }> {
  const clock = new FakeClock();
  const world = family(clock.now());
  world.stickers = [{ id: 'bear', description: 'a bear' }];
  world.files.set('sticker-bear', new Blob(['bear']));
  const core = new FakeCore(world);
  const app = createApp(core, { router: new FakeHistory(), storage: memoryStorage(), clock });
  await app.start();
  return { core, app };
}

const asked = (core: FakeCore): number => core.calls.filter((call) => call.command === 'stickers').length;

test('the shelf is asked for when somebody looks, and again when it changes', async () => {
  const { core, app } = await start();
  core.tell('stickers', {});
  expect(asked(core)).toBe(0);
  await app.stickers.load();
  expect(app.stickers.get()).toEqual({ status: 'ready', value: [{ id: 'bear', description: 'a bear' }] });
  await core.addSticker(new Blob(['cat']), { description: 'a cat' });
  await expect.poll(() => { const now = app.stickers.get(); return now.status === 'ready' ? now.value.map((one) => one.description) : now.status; }).toEqual(['a cat', 'a bear']);
  app.stickers.clear();
  expect(app.stickers.get()).toEqual({ status: 'loading' });
});

test('what cannot be had is told, and tried again', async () => {
  const { core, app } = await start();
  core.refuse.set('stickers', 'storage');
  await app.stickers.load();
  expect(app.stickers.get()).toMatchObject({ status: 'failed', reason: { code: 'storage' } });
  await app.stickers.load();
  expect(app.stickers.get().status).toBe('ready');
});

test('a sticker is sent as the answer that was being written, and the draft stays', async () => {
  const { core, app } = await start();
  const it = app.conversations.of(lena);
  await it.enter();
  const message = core.world.messages.find((one) => one.chat === lena && !one.outgoing);
  if (!message) throw new Error('nobody has written');
  it.write('half a tho');
  it.answer(message);
  expect(await it.sendSticker({ id: 'bear', description: 'a bear' })).toEqual({ sent: 'yes' });
  expect(core.calls.find((call) => call.command === 'sendSticker')?.given).toEqual([lena, 'bear', message.id]);
  expect(it.staged.get()).toBeUndefined();
  expect(it.draft.get()).toBe('half a tho');
  // What is being corrected is not what is answered.
  const own = core.world.messages.find((one) => one.chat === lena && one.outgoing);
  if (own) it.correct(own);
  await it.sendSticker({ id: 'bear', description: 'a bear' });
  expect(core.calls.findLast((call) => call.command === 'sendSticker')?.given).toEqual([lena, 'bear', undefined]);
  expect(it.staged.get()?.kind).toBe('edit');
});

test('a sticker that is not taken leaves the answer where it was', async () => {
  const { core, app } = await start();
  const it = app.conversations.of(lena);
  await it.enter();
  const message = core.world.messages.find((one) => one.chat === lena && !one.outgoing);
  if (!message) throw new Error('nobody has written');
  it.answer(message);
  core.refuse.set('sendSticker', 'untrusted');
  expect(await it.sendSticker({ id: 'bear', description: 'a bear' })).toMatchObject({ sent: 'no', reason: { code: 'untrusted' } });
  expect(it.staged.get()).toMatchObject({ kind: 'reply', message: { id: message.id } });
});
