import { beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../../test/fake/clock';
import type { VoiceDraft } from '../core/api';
import { type Capture, condensed, type Ending, loudness, MAX_LENGTH, Recording, type RecordingWorld, STRETCHES, type Trouble, TroubleError } from './recording';

class Mic implements Capture {
  readonly type = 'audio/mp4';
  mayPause = true;
  size = 0;
  loud: number | undefined = 0.1;
  readonly did: string[] = [];
  /** The rest is handed over when this is called. */
  stopped: (() => void) | undefined;
  start(): void { this.did.push('start'); this.size = 100; }
  pause(): void { this.did.push('pause'); }
  resume(): void { this.did.push('resume'); }
  taken(): Blob { return new Blob([new Uint8Array(this.size)], { type: this.type }); }
  stop(): Promise<void> { this.did.push('stop'); return new Promise((resolve) => { this.stopped = resolve; }); }
  level(): number | undefined { return this.loud; }
  close(): void { this.did.push('close'); }
}

let clock: FakeClock;
let mic: Mic;
let lost: () => void;
let asked: number;
let given: [VoiceDraft, Ending][];
let claimed: number;
let trouble: Trouble | undefined;
let answer: Promise<void>;
let limit: number | undefined;
let recording: Recording;

const world = (): RecordingWorld => ({
  clock,
  microphone: {
    open: async (gone) => {
      lost = gone;
      asked++;
      await answer;
      if (trouble) throw new TroubleError(trouble);
      return mic;
    },
  },
  limit: () => Promise.resolve(limit),
  claim: () => {
    if (claimed > 0) return Promise.resolve(undefined);
    claimed++;
    return Promise.resolve(() => { claimed--; });
  },
  done: (voice, ending) => given.push([voice, ending]),
});

/** Ends it, and lets the recorder hand over the rest. */
async function end(how: Ending): Promise<void> {
  const ending = recording.finish(how);
  mic.stopped?.();
  await ending;
}

beforeEach(() => {
  clock = new FakeClock();
  mic = new Mic();
  given = [];
  claimed = 0;
  asked = 0;
  trouble = undefined;
  answer = Promise.resolve();
  limit = undefined;
  recording = new Recording(world());
});

test('what was said while it did not stand still is what there is', async () => {
  const beginning = recording.begin();
  expect(recording.get()).toEqual({ phase: 'asking' });
  await beginning;
  expect(recording.get()).toMatchObject({ phase: 'recording', heard: 0 });
  clock.advance(2000);
  expect(recording.get()).toMatchObject({ phase: 'recording', heard: 2000 });
  recording.pause();
  clock.advance(60_000);
  expect(recording.get()).toMatchObject({ phase: 'paused', heard: 2000 });
  recording.resume();
  clock.advance(1000);
  await end('stop');
  expect(given).toHaveLength(1);
  expect(given[0]?.[0]).toMatchObject({ length: 3000, data: { type: 'audio/mp4', size: 100 } });
  expect(given[0]?.[0].levels).toHaveLength(30);
  expect(given[0]?.[1]).toBe('stop');
  expect(mic.did).toEqual(['start', 'pause', 'resume', 'stop', 'close']);
  expect(recording.get()).toEqual({ phase: 'idle' });
  expect(claimed).toBe(0);
});

test('a recorder that cannot pause goes on', async () => {
  mic.mayPause = false;
  await recording.begin();
  recording.pause();
  expect(recording.get().phase).toBe('recording');
});

test.each(['denied', 'none', 'busy', 'insecure', 'unsupported', 'failed'] as const)('without a microphone one is told why: %s; and may try again', async (why) => {
  trouble = why;
  await recording.begin();
  expect(recording.get()).toEqual({ phase: 'failed', trouble: why });
  expect(claimed).toBe(0);
  trouble = undefined;
  await recording.begin();
  expect(recording.get().phase).toBe('recording');
});

test('in one tab at a time', async () => {
  const other = new Recording(world());
  await other.begin();
  await recording.begin();
  expect(recording.get()).toEqual({ phase: 'failed', trouble: 'other-tab' });
  other.cancel();
  await recording.begin();
  expect(recording.get().phase).toBe('recording');
});

test('a microphone that is given when nobody wants it any more is given back', async () => {
  let allow!: () => void;
  answer = new Promise((resolve) => { allow = resolve; });
  const beginning = recording.begin();
  await expect.poll(() => asked).toBe(1);
  recording.cancel();
  allow();
  await beginning;
  expect(recording.get()).toEqual({ phase: 'idle' });
  expect(mic.did).toEqual(['close']);
  expect(claimed).toBe(0);
});

test('leaving while the browser asks is giving it up', async () => {
  let allow!: () => void;
  answer = new Promise((resolve) => { allow = resolve; });
  const beginning = recording.begin();
  await expect.poll(() => asked).toBe(1);
  await recording.finish('left');
  allow();
  await beginning;
  expect(given).toEqual([]);
  expect(recording.get()).toEqual({ phase: 'idle' });
  expect(mic.did).toEqual(['close']);
  expect(claimed).toBe(0);
});

test('what is given up before it asks does not ask', async () => {
  const beginning = recording.begin();
  recording.cancel();
  await beginning;
  expect([asked, claimed]).toEqual([0, 0]);
});

test('what is cancelled is forgotten', async () => {
  await recording.begin();
  clock.advance(5000);
  recording.cancel();
  expect(given).toEqual([]);
  expect(mic.did).toEqual(['start', 'close']);
  clock.advance(5000);
  expect(recording.get()).toEqual({ phase: 'idle' });
});

test('a slip of the finger is no recording', async () => {
  await recording.begin();
  clock.advance(300);
  await end('send');
  expect(given).toEqual([]);
  expect(recording.get()).toEqual({ phase: 'idle' });
});

test('a microphone that goes away leaves what was said before', async () => {
  await recording.begin();
  clock.advance(4000);
  lost();
  mic.stopped?.();
  await expect.poll(() => given.map(([voice, why]) => [voice.length, why])).toEqual([[4000, 'unplugged']]);
  expect(mic.did).toContain('close');
});

test('a microphone that goes away at once is told of', async () => {
  await recording.begin();
  lost();
  mic.stopped?.();
  await expect.poll(() => recording.get()).toEqual({ phase: 'failed', trouble: 'failed' });
});

test('it ends when it is as long as it may be', async () => {
  await recording.begin();
  clock.advance(MAX_LENGTH);
  expect(recording.get().phase).toBe('ending');
  mic.stopped?.();
  await expect.poll(() => given.map(([voice, why]) => [voice.length, why])).toEqual([[MAX_LENGTH, 'full']]);
});

test('it ends before the server would not take it', async () => {
  limit = 200_000;
  await recording.begin();
  await Promise.resolve();
  mic.size = 100_000;
  clock.advance(1000);
  expect(recording.get().phase).toBe('recording');
  mic.size = 140_000;
  clock.advance(1000);
  expect(recording.get().phase).toBe('ending');
  mic.stopped?.();
  await expect.poll(() => given[0]?.[1]).toBe('full');
});

test('when the page goes away there is what was said up to then', async () => {
  expect(recording.snapshot()).toBeUndefined();
  await recording.begin();
  clock.advance(1500);
  expect(recording.snapshot()).toMatchObject({ length: 1500, data: { size: 100 } });
  expect(recording.get().phase).toBe('recording');
});

test('without a way to measure there is no waveform, and a recording all the same', async () => {
  mic.loud = undefined;
  await recording.begin();
  clock.advance(1000);
  await end('stop');
  expect(given[0]?.[0].levels).toHaveLength(0);
});

test('a waveform has so many stretches at most, the loudest of them full, and silence is silence', () => {
  expect(condensed([])).toHaveLength(0);
  expect([...condensed([0.5, 1, 0])]).toEqual([128, 255, 0]);
  expect([...condensed([0, 0, 0])]).toEqual([0, 0, 0]);
  const long = condensed(Array.from({ length: 18_000 }, (_, i) => (i < 9000 ? 0 : 0.5)));
  expect(long).toHaveLength(STRETCHES);
  expect([long[0], long[STRETCHES - 1]]).toEqual([0, 255]);
  expect([loudness(0), loudness(1), loudness(10)]).toEqual([0, 1, 1]);
  expect(loudness(0.1)).toBeCloseTo(0.6);
  expect(loudness(0.0001)).toBe(0);
});
