import type { Clock } from '../../src/stores/clock';

/** A clock whose hands are turned by the test. */
export class FakeClock implements Clock {
  #now = Date.UTC(2026, 4, 12, 10, 0, 0);
  #timers: { at: number; call: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, call: () => void): () => void {
    const timer = { at: this.#now + ms, call };
    this.#timers.push(timer);
    return () => { this.#timers = this.#timers.filter((it) => it !== timer); };
  }

  /** Turns the hands and calls what is due, in order. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#now = next.at;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      next.call();
    }
    this.#now = until;
  }
}
