import { beforeEach, expect, test } from 'vitest';
import { browserMicrophone, type Recorders } from './microphone';

class FakeTrack extends EventTarget {
  stopped = false;
  stop(): void { this.stopped = true; }
}

class FakeRecorder extends EventTarget {
  static knows: readonly string[] = [];
  static made: FakeRecorder | undefined;
  static isTypeSupported(type: string): boolean { return this.knows.includes(type); }
  state: 'inactive' | 'recording' | 'paused' = 'inactive';
  readonly mimeType: string;
  constructor(readonly stream: unknown, readonly options: MediaRecorderOptions) {
    super();
    this.mimeType = options.mimeType ?? '';
    FakeRecorder.made = this;
  }

  start(): void { this.state = 'recording'; }
  pause(): void { this.state = 'paused'; }
  resume(): void { this.state = 'recording'; }
  stop(): void {
    this.state = 'inactive';
    queueMicrotask(() => {
      this.give('end');
      this.dispatchEvent(new Event('stop'));
    });
  }

  give(text: string): void { this.dispatchEvent(Object.assign(new Event('dataavailable'), { data: new Blob([text]) })); }
}

let track: FakeTrack;
let wanted: MediaStreamConstraints | undefined;
let refuse: string | undefined;

const page = (part: Partial<Recorders> = {}): Recorders => ({
  secure: true,
  devices: {
    getUserMedia: (constraints) => {
      wanted = constraints;
      return refuse === undefined ? Promise.resolve({ getTracks: () => [track] } as unknown as MediaStream) : Promise.reject(new DOMException('no', refuse));
    },
  },
  Recorder: FakeRecorder as unknown as NonNullable<Recorders['Recorder']>,
  meter: () => undefined,
  ...part,
});

beforeEach(() => {
  track = new FakeTrack();
  wanted = undefined;
  refuse = undefined;
  FakeRecorder.knows = ['audio/webm;codecs=opus'];
  FakeRecorder.made = undefined;
});

const all = ['audio/mp4;codecs=mp4a.40.2', 'audio/mp4;codecs=opus', 'audio/ogg;codecs=opus', 'audio/webm;codecs=opus', 'audio/mp4'];

test.each(all.map((_, i) => [all.slice(i)]))('the first of these is taken: %s', async (knows) => {
  FakeRecorder.knows = knows;
  const capture = await browserMicrophone(page()).open(() => undefined);
  expect(FakeRecorder.made?.options.mimeType).toBe(knows[0]);
  expect(capture.type).toBe(knows[0]?.split(';')[0]);
});

test('speech in one channel, without echo and noise, in few bits', async () => {
  await browserMicrophone(page()).open(() => undefined);
  expect(wanted).toEqual({ audio: { channelCount: { ideal: 1 }, echoCancellation: true, noiseSuppression: true, autoGainControl: true } });
  expect(FakeRecorder.made?.options.audioBitsPerSecond).toBe(32_000);
});

test('everything that was handed over is there, and the microphone is given back', async () => {
  const capture = await browserMicrophone(page()).open(() => undefined);
  capture.start();
  FakeRecorder.made?.give('one ');
  FakeRecorder.made?.give('two ');
  expect([await capture.taken().text(), capture.size]).toEqual(['one two ', 8]);
  await capture.stop();
  expect(await capture.taken().text()).toBe('one two end');
  expect(capture.taken().type).toBe('audio/webm');
  expect(track.stopped).toBe(false);
  capture.close();
  expect(track.stopped).toBe(true);
});

test('a microphone that goes away is told of once; its recorder need not be stopped', async () => {
  let lost = 0;
  const capture = await browserMicrophone(page()).open(() => { lost++; });
  capture.start();
  track.dispatchEvent(new Event('ended'));
  expect(lost).toBe(1);
  if (FakeRecorder.made) FakeRecorder.made.state = 'inactive';
  await capture.stop();
  capture.close();
  track.dispatchEvent(new Event('ended'));
  expect(lost).toBe(1);
});

test.each([
  ['NotAllowedError', 'denied'], ['SecurityError', 'denied'], ['NotFoundError', 'none'], ['OverconstrainedError', 'none'], ['NotReadableError', 'busy'], ['OddError', 'failed'],
] as const)('%s means: %s', async (name, trouble) => {
  refuse = name;
  await expect(browserMicrophone(page()).open(() => undefined)).rejects.toMatchObject({ trouble });
});

test.each([
  ['insecure', { secure: false, devices: undefined }], ['unsupported', { devices: undefined }], ['unsupported', { Recorder: undefined }],
] as const)('%s, without asking', async (trouble, part) => {
  await expect(browserMicrophone(page(part)).open(() => undefined)).rejects.toMatchObject({ trouble });
  expect(wanted).toBeUndefined();
});

test('a recorder that cannot be made gives the microphone back', async () => {
  class Broken { static isTypeSupported = (): boolean => true; constructor() { throw new Error('no encoder'); } }
  await expect(browserMicrophone(page({ Recorder: Broken as unknown as NonNullable<Recorders['Recorder']> })).open(() => undefined)).rejects.toMatchObject({ trouble: 'failed' });
  expect(track.stopped).toBe(true);
});
