/** Time and timers, passed in so that a test can turn the hands. */
export interface Clock {
  now(): number;
  /** Calls once after `ms`; returns the way to cancel. */
  after(ms: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, call) => {
    const id = setTimeout(call, ms);
    return () => clearTimeout(id);
  },
};
