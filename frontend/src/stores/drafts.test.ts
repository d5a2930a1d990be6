import { beforeEach, expect, test, vi } from 'vitest';
import { FakeClock } from '../../test/fake/clock';
import { FakeCore } from '../../test/fake/core';
import { FakeHistory, memoryStorage } from '../../test/fake/host';
import { family } from '../../test/fake/seed';
import { type App, createApp } from './app';
import { chatWith, counted, inbox, isStranger } from './chats';
import { voiceName } from './conversation';
import { chatDeeds, deedOfKey, mutedFor } from './arrange';
import type { Chat } from '../core/api';

const lena = 'lena@linden.example';
let core: FakeCore;
let clock: FakeClock;

async function start(): Promise<App> {
  const app = createApp(core, { router: new FakeHistory(), storage: memoryStorage(), clock });
  await app.start();
  return app;
}

beforeEach(() => {
  clock = new FakeClock();
  core = new FakeCore(family(clock.now()));
});

test('text, answer and files are where they were left, also in another page', async () => {
  const it = (await start()).conversations.of(lena);
  await it.enter();
  const message = core.world.messages.find((one) => one.chat === lena && !one.outgoing);
  if (!message) throw new Error('no message');
  it.answer(message);
  it.write('half a thou');
  it.stage([new File(['x'], 'x.txt')]);
  it.leave();
  const again = (await start()).conversations.of(lena);
  await again.enter();
  await vi.waitFor(() => expect(again.files.get().map((file) => file.name)).toEqual(['x.txt']));
  expect(again.draft.get()).toBe('half a thou');
  expect(again.staged.get()).toMatchObject({ kind: 'reply', message: { id: message.id } });
  again.unstage();
  clock.advance(1_000);
  await vi.waitFor(() => expect(core.world.chats.find((chat) => chat.id === lena)?.draftReply).toBeUndefined());
});

test('what is being corrected is no draft', async () => {
  const it = (await start()).conversations.of(lena);
  await it.enter();
  it.write('a new one');
  const own = core.receive(lena, 'an old one', { outgoing: true, from: '', state: 'sent' });
  it.correct(own);
  clock.advance(1_000);
  await vi.waitFor(() => expect(core.world.chats.find((chat) => chat.id === lena)?.draft).toBe('a new one'));
  it.unstage();
  expect(it.draft.get()).toBe('a new one');
});

const chat = (id: string, part: Partial<Chat> = {}): Chat => ({
  id, kind: 'direct', title: id, lock: 'encrypted', unread: 0, mentions: 0, readUpTo: 0, draft: '', activeAt: 1, hasOlder: false, answered: true,
  last: { text: 'x', outgoing: false, state: 'received', at: 1 }, ...part,
});

test('the list: pinned first, strangers and what is put away apart, what is muted not counted', () => {
  const all = [
    chat('old', { activeAt: 1, pinned: true }), chat('new', { activeAt: 9, unread: 2 }), chat('mute', { activeAt: 5, unread: 7, muted: {} }),
    chat('away', { activeAt: 8, archived: true, unread: 3 }), chat('eve', { activeAt: 7, unread: 1, answered: undefined as never }),
    chat('room', { kind: 'group', activeAt: 2, unread: 4, mentions: 1, muted: { exceptMentions: true } }),
  ];
  const list = inbox(new Map(all.map((one) => [one.id, one])), new Map());
  expect(list).toMatchObject({ chats: ['old', 'new', 'mute', 'room'], archived: ['away'], strangers: ['eve'], requests: 1, unread: 3 });
  expect(counted(chat('later', { marked: true }))).toBe(1);
  expect(isStranger(chatWith(new Map(), new Map(), 'nobody@linden.example'), undefined)).toBe(false);
});

test('what can be done with a chat, and by which letters', () => {
  expect(chatDeeds(chat('a'))).toEqual(['pin', 'markUnread', 'mute', 'archive']);
  expect(chatDeeds(chat('a', { archived: true, muted: {}, unread: 1 }))).toEqual(['markRead', 'unmute', 'unarchive']);
  expect(deedOfKey('u', chat('a', { marked: true }))).toBe('markRead');
  expect(deedOfKey('p', chat('a', { archived: true }))).toBeUndefined();
  expect(deedOfKey('x', chat('a'))).toBeUndefined();
  expect(mutedFor('always', 5, true)).toEqual({ exceptMentions: true });
  expect(mutedFor('hour', 5, false)).toEqual({ until: 3_600_005 });
});

const voice = { data: new Blob(['hello'], { type: 'audio/ogg;codecs=opus' }), length: 2500.4, levels: Uint8Array.of(1, 255) };

test('a recording is where it was left, also in another page, until it is sent', async () => {
  const it = (await start()).conversations.of(lena);
  await it.enter();
  await it.stageVoice(voice);
  it.leave();
  const app = await start();
  expect(inbox(app.chats.get(), app.contacts.get()).chats).toContain(lena);
  const again = app.conversations.of(lena);
  await again.enter();
  await vi.waitFor(() => expect(again.voice.get()).toMatchObject({ length: 2500.4 }));
  const message = core.world.messages.find((one) => one.chat === lena && !one.outgoing);
  if (!message) throw new Error('no message');
  again.answer(message);
  again.write('half a thou');
  expect(await again.sendVoice(voice)).toEqual({ sent: 'yes' });
  expect(again.voice.get()).toBeUndefined();
  expect(again.staged.get()).toBeUndefined();
  expect(again.draft.get()).toBe('half a thou');
  expect(core.world.chats.find((chat) => chat.id === lena)?.draftVoice).toBeUndefined();
  expect(core.world.messages.at(-1)).toMatchObject({ chat: lena, outgoing: true, file: { name: 'voice-message.ogg', kind: 'audio', length: 2500, voice: { levels: voice.levels } } });
});

test('a recording that is not taken is still there, with the answer that it was', async () => {
  const it = (await start()).conversations.of(lena);
  await it.enter();
  const message = core.world.messages.find((one) => one.chat === lena && !one.outgoing);
  if (!message) throw new Error('no message');
  it.answer(message);
  core.refuse.set('sendFile', 'untrusted');
  expect(await it.sendVoice(voice)).toEqual({ sent: 'no', reason: { code: 'untrusted' } });
  expect(it.voice.get()).toBe(voice);
  expect(it.staged.get()).toMatchObject({ message: { id: message.id } });
  expect(core.world.chats.find((chat) => chat.id === lena)?.draftVoice).toBe(true);
});

test.each([['audio/mp4', 'm4a'], ['audio/mp4;codecs=mp4a.40.2', 'm4a'], ['audio/ogg; codecs=opus', 'ogg'], ['audio/webm;codecs=opus', 'weba']])('what is recorded as %s is called *.%s', (type, end) => {
  expect(voiceName(type)).toBe(`voice-message.${end}`);
});
