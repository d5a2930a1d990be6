/** The browser's microphone, and what it records with. */
import { type Capture, type Microphone, type Trouble, TroubleError } from '../../stores/recording';

/**
 * What is recorded, best first: MPEG-4 with AAC is played by every client and every phone. Where a browser cannot make it (Firefox,
 * Chromium without codecs), Opus: in MPEG-4, which iPhones open, else in what the browser has.
 */
const FORMATS = [
  { type: 'audio/mp4;codecs=mp4a.40.2', bits: 48_000 },
  { type: 'audio/mp4;codecs=opus', bits: 32_000 },
  { type: 'audio/ogg;codecs=opus', bits: 32_000 },
  { type: 'audio/webm;codecs=opus', bits: 32_000 },
  // Safari before 18 knows no codecs by name; it makes AAC.
  { type: 'audio/mp4', bits: 48_000 },
] as const;
/** What the recorder hands over, so that little is lost when the page goes away. Milliseconds. */
const SLICE = 1000;

/** The part of the browser that is used. */
export interface Recorders {
  readonly secure: boolean;
  /** Missing on pages that are not secure, whatever its type says. */
  readonly devices: Pick<MediaDevices, 'getUserMedia'> | undefined;
  readonly Recorder: (new (stream: MediaStream, options: MediaRecorderOptions) => MediaRecorder) & Pick<typeof MediaRecorder, 'isTypeSupported'> | undefined;
  /** Measures how loud a stream is; `undefined` where that cannot be done. */
  readonly meter: (stream: MediaStream) => { level(): number | undefined; close(): void } | undefined;
}

export function browserMicrophone({ secure, devices, Recorder, meter }: Recorders): Microphone {
  return {
    async open(lost) {
      if (!secure) throw new TroubleError('insecure');
      const format = Recorder && FORMATS.find(({ type }) => Recorder.isTypeSupported(type));
      if (!devices || !Recorder || !format) throw new TroubleError('unsupported');
      let stream: MediaStream;
      try {
        stream = await devices.getUserMedia({ audio: { channelCount: { ideal: 1 }, echoCancellation: true, noiseSuppression: true, autoGainControl: true } });
      } catch (error) {
        throw new TroubleError(troubleOf(error));
      }
      const tracks = stream.getTracks();
      const release = (): void => { for (const track of tracks) track.stop(); };
      try {
        const recorder = new Recorder(stream, { mimeType: format.type, audioBitsPerSecond: format.bits });
        for (const track of tracks) track.addEventListener('ended', lost);
        recorder.addEventListener('error', lost);
        return capture(recorder, format.type, meter(stream), () => {
          for (const track of tracks) track.removeEventListener('ended', lost);
          recorder.removeEventListener('error', lost);
          release();
        });
      } catch {
        release();
        throw new TroubleError('failed');
      }
    },
  };
}

function capture(recorder: MediaRecorder, wanted: string, meter: ReturnType<Recorders['meter']>, release: () => void): Capture {
  const parts: Blob[] = [];
  let size = 0;
  const type = (): string => (recorder.mimeType || wanted).split(';')[0] ?? wanted;
  recorder.addEventListener('dataavailable', ({ data }) => {
    if (data.size === 0) return;
    parts.push(data);
    size += data.size;
  });
  return {
    get type() { return type(); },
    get size() { return size; },
    mayPause: typeof recorder.pause === 'function',
    start: () => recorder.start(SLICE),
    pause: () => recorder.pause(),
    resume: () => recorder.resume(),
    // Without its codecs: the address it is played from knows the kind, and the file its own.
    taken: () => new Blob(parts, { type: type() }),
    stop: () => new Promise((resolve) => {
      // A recorder whose microphone went away has stopped by itself, and has handed everything over.
      if (recorder.state === 'inactive') return resolve();
      recorder.addEventListener('stop', () => resolve(), { once: true });
      recorder.stop();
    }),
    level: () => meter?.level(),
    close: () => {
      if (recorder.state !== 'inactive') recorder.stop();
      meter?.close();
      release();
    },
  };
}

function troubleOf(error: unknown): Trouble {
  switch (error instanceof Error || error instanceof DOMException ? error.name : '') {
    case 'NotAllowedError': case 'SecurityError': return 'denied';
    case 'NotFoundError': case 'OverconstrainedError': return 'none';
    case 'NotReadableError': case 'AbortError': return 'busy';
    default: return 'failed';
  }
}

/** How loud a stream is, by the Web Audio of this page. */
export function loudnessOf(stream: MediaStream): { level(): number | undefined; close(): void } | undefined {
  if (typeof AudioContext === 'undefined') return undefined;
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 2048;
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  return {
    level: () => {
      // Held back until somebody has done something on the page: the press that began it counts.
      if (context.state === 'suspended') void context.resume().catch(() => undefined);
      if (context.state !== 'running') return undefined;
      analyser.getFloatTimeDomainData(samples);
      return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
    },
    close: () => void context.close().catch(() => undefined),
  };
}

/** Of this page. */
export function thisMicrophone(): Microphone {
  return browserMicrophone({
    secure: window.isSecureContext, devices: navigator.mediaDevices,
    Recorder: typeof MediaRecorder === 'undefined' ? undefined : MediaRecorder, meter: loudnessOf,
  });
}

/** One recording at a time in a browser: two tabs would both have it, and both write the draft. */
export function claimMicrophone(): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    navigator.locks.request('kith-recording', { ifAvailable: true }, (lock) => {
      if (!lock) return resolve(undefined);
      return new Promise<void>((release) => { resolve(release); });
    }).catch(reject);
  });
}
