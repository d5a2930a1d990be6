/** Recording a voice message: from the question for the microphone to what can be heard, sent or deleted. */
import type { VoiceDraft } from '../core/api';
import { Cell } from './cell';
import type { Clock } from './clock';

/** Why there is no recording. */
export type Trouble =
  | 'denied'        // the person, or the browser for them, does not allow it
  | 'none'          // there is no microphone
  | 'busy'          // another program has it
  | 'other-tab'     // one records in another tab
  | 'insecure'      // browsers give it to encrypted pages only
  | 'unsupported'   // this browser records nothing
  | 'failed';

/** Why a recording ended. Those but for the first two are told to the person, who did not do it. */
export type Ending =
  | 'stop' | 'send'
  | 'left'          // another chat came to the front
  | 'hidden'        // another window or app did
  | 'unplugged'     // the microphone went away
  | 'full';         // it is as long as it may be

/** `heard`: milliseconds; `levels`: how loud it was, ten times a second, 0 to 1. */
export type RecordingState =
  | { readonly phase: 'idle' | 'asking' | 'ending' }
  | { readonly phase: 'recording' | 'paused'; readonly heard: number; readonly levels: readonly number[] }
  | { readonly phase: 'failed'; readonly trouble: Trouble };

/** A microphone that listens. */
export interface Capture {
  /** Media type of what it gives. */
  readonly type: string;
  readonly mayPause: boolean;
  start(): void;
  pause(): void;
  resume(): void;
  /** What was recorded up to now, of so many bytes; it can be played, wherever it ends. */
  taken(): Blob;
  readonly size: number;
  /** Resolves when everything was taken. */
  stop(): Promise<void>;
  /** How loud it is now: root mean square, 0 to 1. `undefined`: nobody knows. */
  level(): number | undefined;
  /** Gives the microphone back. */
  close(): void;
}

export interface Microphone {
  /** Asks for it. Rejects with TroubleError. `lost`: it went away while it listened. */
  open(lost: () => void): Promise<Capture>;
}

export class TroubleError extends Error {
  constructor(readonly trouble: Trouble) {
    super(trouble);
  }
}

export interface RecordingWorld {
  readonly microphone: Microphone;
  readonly clock: Clock;
  /** Bytes; `undefined`: as many as one likes. */
  readonly limit: () => Promise<number | undefined>;
  /** Nobody else in this browser records until `release` is called; `undefined`: somebody does. */
  readonly claim: () => Promise<(() => void) | undefined>;
  /** There is a recording. */
  readonly done: (voice: VoiceDraft, ending: Ending) => void;
}

const TICK = 100;
/** Half an hour: about 11 MB as AAC. */
export const MAX_LENGTH = 30 * 60_000;
/** What is shorter was a slip of the finger. */
export const MIN_LENGTH = 500;
/** Of the server's limit; what the recorder still holds back comes on top. */
const MARGIN = 64 << 10;
/** Stretches of a waveform. */
export const STRETCHES = 64;

/** One recording at a time; what is over can be begun anew. */
export class Recording extends Cell<RecordingState> {
  readonly #world: RecordingWorld;
  #capture: Capture | undefined;
  #release: (() => void) | undefined;
  #limit: number | undefined;
  /** Counts what was begun: what is answered later belongs to one of them. */
  #take = 0;
  #heard = 0;
  #since = 0;
  #levels: number[] = [];
  #cancelTick: (() => void) | undefined;

  constructor(world: RecordingWorld) {
    super({ phase: 'idle' });
    this.#world = world;
  }

  get mayPause(): boolean {
    return this.#capture?.mayPause === true;
  }

  async begin(): Promise<void> {
    const { phase } = this.get();
    if (phase !== 'idle' && phase !== 'failed') return;
    const take = ++this.#take;
    this.set({ phase: 'asking' });
    try {
      const release = await this.#world.claim();
      if (!release) throw new TroubleError('other-tab');
      if (take !== this.#take) return release();
      this.#release = release;
      const capture = await this.#world.microphone.open(() => { if (take === this.#take) void this.finish('unplugged'); });
      // It was given up while the browser asked.
      if (take !== this.#take) return capture.close();
      this.#capture = capture;
      this.#limit = undefined;
      void this.#world.limit().then((limit) => { if (take === this.#take) this.#limit = limit; }, () => undefined);
      this.#heard = 0;
      this.#levels = [];
      capture.start();
      this.#run();
    } catch (error) {
      if (take !== this.#take) return;
      this.#close();
      this.set({ phase: 'failed', trouble: error instanceof TroubleError ? error.trouble : 'failed' });
    }
  }

  pause(): void {
    if (this.get().phase !== 'recording' || !this.mayPause) return;
    this.#hold();
    this.#capture?.pause();
    this.#show('paused');
  }

  resume(): void {
    if (this.get().phase !== 'paused') return;
    this.#capture?.resume();
    this.#run();
  }

  /** Ends it and gives what there is. What is too short to be meant is forgotten. */
  async finish(ending: Ending): Promise<void> {
    const { phase } = this.get();
    if (phase === 'asking') return this.cancel();
    if (phase !== 'recording' && phase !== 'paused') return;
    const capture = this.#capture;
    const take = this.#take;
    this.#hold();
    this.set({ phase: 'ending' });
    try {
      await capture?.stop();
    } catch {
      // What was taken before is there.
    }
    if (take !== this.#take) return;
    const voice = this.#voice();
    this.#close();
    this.set({ phase: 'idle' });
    if (voice) this.#world.done(voice, ending);
    else if (ending === 'unplugged') this.set({ phase: 'failed', trouble: 'failed' });
  }

  /** Ends it and forgets it. */
  cancel(): void {
    this.#take++;
    this.#hold();
    this.#close();
    this.set({ phase: 'idle' });
  }

  /** What there would be if it ended now, which it may: the page goes away. */
  snapshot(): VoiceDraft | undefined {
    const { phase } = this.get();
    return phase === 'recording' || phase === 'paused' || phase === 'ending' ? this.#voice() : undefined;
  }

  #length(): number {
    return this.#heard + (this.#cancelTick ? this.#world.clock.now() - this.#since : 0);
  }

  #voice(): VoiceDraft | undefined {
    const data = this.#capture?.taken();
    const length = this.#length();
    return data && data.size > 0 && length >= MIN_LENGTH ? { data, length: Math.round(length), levels: condensed(this.#levels) } : undefined;
  }

  #run(): void {
    this.#since = this.#world.clock.now();
    this.#cancelTick = this.#world.clock.after(TICK, this.#tick);
    this.#show('recording');
  }

  readonly #tick = (): void => {
    this.#cancelTick = this.#world.clock.after(TICK, this.#tick);
    const level = this.#capture?.level();
    if (level !== undefined) this.#levels.push(loudness(level));
    if (this.#length() >= MAX_LENGTH || (this.#limit !== undefined && (this.#capture?.size ?? 0) + MARGIN >= this.#limit)) void this.finish('full');
    else this.#show('recording');
  };

  /** The time stands still. */
  #hold(): void {
    this.#heard = this.#length();
    this.#cancelTick?.();
    this.#cancelTick = undefined;
  }

  #show(phase: 'recording' | 'paused'): void {
    this.set({ phase, heard: this.#length(), levels: this.#levels.slice(-STRETCHES) });
  }

  #close(): void {
    this.#capture?.close();
    this.#capture = undefined;
    this.#release?.();
    this.#release = undefined;
  }
}

/** How loud something seems, 0 to 1, from its root mean square: -50 dB and less is silence. */
export function loudness(level: number): number {
  return level <= 0 ? 0 : Math.min(1, Math.max(0, (20 * Math.log10(level) + 50) / 50));
}

/** A waveform of at most 64 stretches out of any number of levels, 0 to 255; whoever speaks softly is seen as well. */
export function condensed(levels: readonly number[]): Uint8Array<ArrayBuffer> {
  const count = Math.min(STRETCHES, levels.length);
  const means = Array.from({ length: count }, (_, i) => {
    const part = levels.slice(Math.floor((i * levels.length) / count), Math.max(Math.floor((i * levels.length) / count) + 1, Math.floor(((i + 1) * levels.length) / count)));
    return part.reduce((sum, level) => sum + level, 0) / part.length;
  });
  const most = Math.max(0.25, ...means);
  return Uint8Array.from(means, (mean) => Math.round((mean / most) * 255));
}
