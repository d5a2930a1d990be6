/** What is heard: one sound at a time, which goes on while one looks elsewhere. */
import type { Message, Reason } from '../core/api';
import { Cell } from './cell';
import type { Clock } from './clock';
import { type PreferencesStore, type VoiceSpeed, voiceSpeeds } from './preferences';
import { reasonOf } from './reason';

/** Something to hear. */
export interface Track {
  readonly key: string;
  /** The message that it is of; a recording that was not sent yet is of none. */
  readonly message?: Message;
  /** In seconds, where that is known. */
  readonly length?: number;
  load(): Promise<Blob>;
  /** What is heard after it. */
  next?(): Promise<Track | undefined>;
}

export interface Playing {
  readonly track: Track;
  readonly phase: 'loading' | 'playing' | 'paused' | 'failed';
  /** In seconds. */
  readonly at: number;
  readonly length?: number;
  /** `unplayable`: this browser does not know this kind of sound. */
  readonly trouble?: Reason | 'unplayable';
}

/** The part of an `<audio>` that is used. */
export interface Sound {
  src: string;
  currentTime: number;
  playbackRate: number;
  readonly duration: number;
  play(): Promise<void>;
  pause(): void;
  addEventListener(event: 'ended' | 'error' | 'pause' | 'play', listener: () => void): void;
}

export interface PlayerWorld {
  readonly sound: () => Sound;
  readonly clock: Clock;
  readonly preferences: Pick<PreferencesStore, 'get' | 'change'>;
  /** An address for the sound; `unlink` is called when it is not needed any more. */
  readonly link: (data: Blob) => string;
  readonly unlink: (url: string) => void;
}

const TICK = 100;

export class Player extends Cell<Playing | undefined> {
  readonly #world: PlayerWorld;
  /** Made when it is first wanted, and then used again: a browser that lets it play once lets it play on. */
  #sound: Sound | undefined;
  #url: string | undefined;
  #turn = 0;
  #cancelTick: (() => void) | undefined;

  constructor(world: PlayerWorld) {
    super(undefined);
    this.#world = world;
  }

  /** This track, if it is the one that is heard, or was until it was paused. */
  of(key: string): Playing | undefined {
    const now = this.get();
    return now?.track.key === key ? now : undefined;
  }

  /** Plays it, or pauses it if it is playing. `from`: seconds. */
  async toggle(track: Track, from?: number): Promise<void> {
    const now = this.of(track.key);
    if (now?.phase === 'loading') return;
    if (now?.phase === 'playing') this.pause();
    else if (now?.phase === 'paused') await this.#go();
    else await this.play(track, from);
  }

  async play(track: Track, from = 0): Promise<void> {
    const turn = ++this.#turn;
    const sound = this.#sound ??= this.#make();
    this.#rest();
    this.set({ track, phase: 'loading', at: from, ...(track.length !== undefined && { length: track.length }) });
    try {
      const data = await track.load();
      if (turn !== this.#turn) return;
      this.#url = this.#world.link(data);
      sound.src = this.#url;
      if (from > 0) sound.currentTime = from;
      await this.#go();
    } catch (error) {
      if (turn === this.#turn) this.#fail(reasonOf(error));
    }
  }

  pause(): void {
    this.#sound?.pause();
    if (this.get()?.phase === 'playing') this.#show('paused');
  }

  /** Nothing is heard any more. */
  stop(): void {
    this.#turn++;
    this.#rest();
    this.set(undefined);
  }

  /** In seconds; what is not there yet begins there. */
  seek(track: Track, at: number): void {
    const now = this.of(track.key);
    if (!now || now.phase === 'failed') void this.play(track, at);
    else if (this.#sound && now.phase !== 'loading') {
      this.#sound.currentTime = at;
      this.#show(now.phase, at);
    }
  }

  /** The next one of the speeds there are, from now on. */
  faster(): void {
    const { voiceSpeed } = this.#world.preferences.get();
    this.#world.preferences.change({ voiceSpeed: voiceSpeeds[(voiceSpeeds.indexOf(voiceSpeed) + 1) % voiceSpeeds.length] ?? 1 });
    if (this.#sound) this.#sound.playbackRate = this.#speed;
  }

  get #speed(): VoiceSpeed {
    return this.#world.preferences.get().voiceSpeed;
  }

  #make(): Sound {
    const sound = this.#world.sound();
    sound.addEventListener('ended', () => void this.#ended());
    sound.addEventListener('error', () => { if (this.#url !== undefined) this.#fail('unplayable'); });
    // The headset and the lock screen have buttons, too.
    sound.addEventListener('pause', () => { if (this.get()?.phase === 'playing') this.#show('paused'); });
    sound.addEventListener('play', () => { if (this.get()?.phase === 'paused') this.#run(); });
    return sound;
  }

  async #go(): Promise<void> {
    const sound = this.#sound;
    if (!sound) return;
    const turn = this.#turn;
    // A new source begins at the speed that is the default.
    sound.playbackRate = this.#speed;
    try {
      await sound.play();
      if (turn === this.#turn && this.get()?.phase !== 'failed') this.#run();
    } catch (error) {
      if (turn !== this.#turn) return;
      const name = error instanceof Error ? error.name : '';
      // It was paused while it began, or the browser wants to be asked once more by hand.
      if (name === 'AbortError' || name === 'NotAllowedError') this.#show('paused');
      else this.#fail('unplayable');
    }
  }

  async #ended(): Promise<void> {
    const now = this.get();
    if (!now) return;
    const turn = this.#turn;
    this.#rest();
    this.set(undefined);
    const next = await now.track.next?.().catch(() => undefined);
    if (next && turn === this.#turn) await this.play(next);
  }

  #run(): void {
    this.#show('playing');
    this.#cancelTick?.();
    this.#cancelTick = this.#world.clock.after(TICK, () => { if (this.get()?.phase === 'playing') this.#run(); });
  }

  #show(phase: Playing['phase'], at = this.#sound?.currentTime ?? 0): void {
    const now = this.get();
    if (!now) return;
    // Some recordings do not say how long they are until they were played to their end.
    const told = this.#sound?.duration;
    const length = told !== undefined && Number.isFinite(told) && told > 0 ? told : now.track.length;
    this.set({ track: now.track, phase, at, ...(length !== undefined && { length }) });
  }

  #fail(trouble: Reason | 'unplayable'): void {
    const now = this.get();
    this.#rest();
    if (now) this.set({ track: now.track, phase: 'failed', at: 0, trouble });
  }

  #rest(): void {
    this.#cancelTick?.();
    this.#cancelTick = undefined;
    this.#sound?.pause();
    if (this.#url !== undefined) this.#world.unlink(this.#url);
    this.#url = undefined;
  }
}
