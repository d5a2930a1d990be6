import { afterEach, beforeEach, expect, it } from 'vitest';
import { Device } from '../../test/support/device';
import { ScriptServer, type Connected } from '../../test/support/script';

const ALICE = 'alice@example.org', BOB = 'bob@example.org';

let server: ScriptServer;
let device: Device;
let connected: Connected;
let profile = 0;

const open = (): Promise<Device> => Device.open({ origin: 'https://example.org', socket: server.listener.factory, profile: `drafts-${profile}`, platform: { fetch: () => Promise.reject(new Error('no network')) } });

beforeEach(async () => {
  profile++;
  server = new ScriptServer();
  device = await open();
  [connected] = await Promise.all([server.accept(), device.commands.signIn(ALICE, 'pencil')]);
  await device.online();
});
afterEach(() => device.stop());

it('a draft with what it answers and files is there after a reload', async () => {
  connected.message(`${BOB}/phone`, '<body>Which one?</body>', { id: 'q', stanzaId: 'q' });
  const question = await device.until(() => device.message(BOB, 'Which one?'));
  await device.commands.setDraft(BOB, 'the blue', question.id);
  await device.commands.stageFiles(BOB, [new File(['one'], 'one.txt', { type: 'text/plain' }), new File(['two'], 'two.txt')]);
  await device.commands.stageFiles(BOB, [new File(['two'], 'two.txt')]);
  await device.stop();
  device = await open();
  expect(device.chats.get(BOB)).toMatchObject({ draft: 'the blue', draftReply: question.id, draftFiles: 1 });
  expect(await device.commands.message(BOB, question.id)).toMatchObject({ text: 'Which one?' });
  const files = await device.commands.stagedFiles(BOB);
  expect(await Promise.all(files.map(async (file) => [file.name, await file.text()]))).toEqual([['two.txt', 'two']]);
  await device.commands.stageFiles(BOB, []);
  expect(device.chats.get(BOB)?.draftFiles).toBeUndefined();
  expect(await device.commands.stagedFiles(BOB)).toEqual([]);
});

it('what was recorded is there after a reload, until it is deleted', async () => {
  await device.commands.stageVoice(BOB, { data: new Blob(['hello'], { type: 'audio/mp4' }), length: 1500, levels: Uint8Array.of(1, 2) });
  await device.stop();
  device = await open();
  expect(device.chats.get(BOB)).toMatchObject({ draftVoice: true });
  const voice = await device.commands.stagedVoice(BOB);
  expect([voice?.length, voice && [...voice.levels], voice?.data.type, await voice?.data.text()]).toEqual([1500, [1, 2], 'audio/mp4', 'hello']);
  await device.commands.stageVoice(BOB, null);
  expect(device.chats.get(BOB)?.draftVoice).toBeUndefined();
  expect(await device.commands.stagedVoice(BOB)).toBeUndefined();
});

it('what was sent is a draft no more', async () => {
  connected.message(`${BOB}/phone`, '<body>Which one?</body>', { id: 'q', stanzaId: 'q' });
  const question = await device.until(() => device.message(BOB, 'Which one?'));
  await device.commands.setDraft(BOB, 'the blue', question.id);
  await device.commands.send(BOB, 'the blue', { allowUnencrypted: true, replyTo: question.id });
  expect(device.chats.get(BOB)?.draft).toBe('');
  expect(device.chats.get(BOB)?.draftReply).toBeUndefined();
  expect(await device.commands.message('carol@example.org', question.id)).toBeUndefined();
});
