/** Time, so that a test can hold it in its hand. */
export interface Clock {
  /** Milliseconds since epoch. */
  now(): number;
  /** Calls back once after `ms`; returns how to cancel it. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
