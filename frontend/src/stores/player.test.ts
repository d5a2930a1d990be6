import { beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../../test/fake/clock';
import { memoryStorage } from '../../test/fake/host';
import { CoreError } from '../core/api';
import { Player, type Sound, type Track } from './player';
import { PreferencesStore } from './preferences';

class FakeSound implements Sound {
  src = '';
  currentTime = 0;
  playbackRate = 1;
  duration = NaN;
  playing = false;
  refuse: string | undefined;
  readonly #listeners = new Map<string, (() => void)[]>();
  async play(): Promise<void> {
    if (this.refuse !== undefined) throw new DOMException('no', this.refuse);
    this.playing = true;
  }

  pause(): void { this.playing = false; }
  addEventListener(event: string, listener: () => void): void { this.#listeners.set(event, [...this.#listeners.get(event) ?? [], listener]); }
  tell(event: string): void { for (const listener of this.#listeners.get(event) ?? []) listener(); }
}

let sound: FakeSound;
let clock: FakeClock;
let preferences: PreferencesStore;
let links: Set<string>;
let player: Player;

const track = (key: string, part: Partial<Track> = {}): Track => ({ key, length: 12, load: () => Promise.resolve(new Blob([key])), ...part });

beforeEach(() => {
  sound = new FakeSound();
  clock = new FakeClock();
  preferences = new PreferencesStore(memoryStorage());
  links = new Set();
  let next = 0;
  player = new Player({
    sound: () => sound, clock, preferences,
    link: () => { const url = `blob:${++next}`; links.add(url); return url; }, unlink: (url) => links.delete(url),
  });
});

test('one at a time: what is played next ends what was played before', async () => {
  await player.toggle(track('a'));
  expect(player.get()).toMatchObject({ phase: 'playing', at: 0, length: 12 });
  await player.toggle(track('b'));
  expect(player.of('a')).toBeUndefined();
  expect(player.of('b')).toMatchObject({ phase: 'playing' });
  expect([...links]).toEqual(['blob:2']);
  expect(sound.src).toBe('blob:2');
});

test('it tells where it is while it goes on, stands still while it is paused, and goes on from there', async () => {
  await player.toggle(track('a'));
  sound.currentTime = 3.2;
  clock.advance(100);
  expect(player.get()?.at).toBe(3.2);
  await player.toggle(track('a'));
  expect(player.get()).toMatchObject({ phase: 'paused', at: 3.2 });
  expect(sound.playing).toBe(false);
  await player.toggle(track('a'));
  expect(player.get()).toMatchObject({ phase: 'playing', at: 3.2 });
});

test('the buttons of a headset pause it and let it go on', async () => {
  await player.play(track('a'));
  sound.tell('pause');
  expect(player.get()?.phase).toBe('paused');
  sound.tell('play');
  expect(player.get()?.phase).toBe('playing');
});

test('what the file says of its length counts, unless it does not know it', async () => {
  await player.play(track('a'));
  sound.duration = Infinity;
  clock.advance(100);
  expect(player.get()?.length).toBe(12);
  sound.duration = 12.4;
  clock.advance(100);
  expect(player.get()?.length).toBe(12.4);
});

test('the speed is remembered, and holds for what is played', async () => {
  await player.play(track('a'));
  player.faster();
  expect(sound.playbackRate).toBe(1.5);
  player.faster();
  expect(preferences.get().voiceSpeed).toBe(2);
  sound.playbackRate = 1; // as a new source makes it
  await player.play(track('b'));
  expect(sound.playbackRate).toBe(2);
  player.faster();
  expect(preferences.get().voiceSpeed).toBe(1);
});

test('one goes on elsewhere; what is not there yet begins there', async () => {
  player.seek(track('a'), 5);
  await expect.poll(() => player.get()).toMatchObject({ phase: 'playing', at: 5 });
  player.seek(track('a'), 9);
  expect(sound.currentTime).toBe(9);
  expect(player.get()).toMatchObject({ phase: 'playing', at: 9 });
});

test('after it has ended comes what follows, and then nothing', async () => {
  await player.play(track('a', { next: () => Promise.resolve(track('b')) }));
  sound.tell('ended');
  await expect.poll(() => player.of('b')?.phase).toBe('playing');
  sound.tell('ended');
  expect(player.get()).toBeUndefined();
  expect(links.size).toBe(0);
});

test('what follows is not played when something else was chosen meanwhile', async () => {
  let give!: (next: Track) => void;
  await player.play(track('a', { next: () => new Promise((resolve) => { give = resolve; }) }));
  sound.tell('ended');
  await player.play(track('c'));
  give(track('b'));
  await Promise.resolve();
  expect(player.of('c')?.phase).toBe('playing');
});

test('what cannot be fetched or played says why, and may be tried again', async () => {
  await player.play(track('a', { load: () => Promise.reject(new CoreError({ code: 'network' })) }));
  expect(player.get()).toMatchObject({ phase: 'failed', trouble: { code: 'network' } });
  sound.refuse = 'NotSupportedError';
  await player.toggle(track('a'));
  expect(player.get()).toMatchObject({ phase: 'failed', trouble: 'unplayable' });
  sound.refuse = undefined;
  await player.toggle(track('a'));
  expect(player.get()?.phase).toBe('playing');
  sound.tell('error');
  expect(player.get()).toMatchObject({ phase: 'failed', trouble: 'unplayable' });
  expect(links.size).toBe(0);
});

test('a browser that wants to be asked by hand has it ready', async () => {
  sound.refuse = 'NotAllowedError';
  await player.play(track('a'));
  expect(player.get()?.phase).toBe('paused');
  sound.refuse = undefined;
  await player.toggle(track('a'));
  expect(player.get()?.phase).toBe('playing');
});

test('what is stopped while it is fetched is not heard', async () => {
  let give!: (data: Blob) => void;
  const playing = player.play(track('a', { load: () => new Promise((resolve) => { give = resolve; }) }));
  expect(player.get()?.phase).toBe('loading');
  player.stop();
  give(new Blob(['late']));
  await playing;
  expect(player.get()).toBeUndefined();
  expect([sound.playing, links.size]).toEqual([false, 0]);
});
