/** Time, handed in so that tests can hold it. Only differences of `now()` mean anything. */
export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  /** Calls back once, after `ms`; returns what cancels it. */
  after(ms: number, callback: () => void): () => void;
}

/** Timers may not be set further ahead than a signed 32-bit count of ms; a longer one would fire at once. */
const timerMsMax = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, ms), timerMsMax));
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms` on that clock. */
export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}
